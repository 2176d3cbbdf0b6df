/**
 * The one way to change a training run. Every change adds events with the run's next numbers in the same transaction,
 * under the row's lock, so that whoever follows by number misses nothing and sees nothing twice.
 */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Prisma, RunEventLevel, RunEventType, TrainingRun } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';

export interface NewRunEvent {
  type: RunEventType;
  level?: RunEventLevel;
  message: string;
  data?: Prisma.InputJsonValue;
  /** The provider's id of the event: one that the run has already is left out. */
  providerEventId?: string;
  createdAt?: Date;
}

export type RunPatch = Omit<Prisma.TrainingRunUncheckedUpdateManyInput, 'id' | 'tenantId' | 'lastSeq'>;

/** Someone else has taken the run over since this worker claimed it: whatever it knows is out of date. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** A run that nobody else can change until the transaction ends. */
export interface LockedRun extends TrainingRun {
  /** The time by the database's clock, which all workers share. */
  now: Date;
}

/** Reads the run and keeps other writers waiting until the transaction ends. Throws NotFoundError. */
export async function lockRun(tx: Tx, tenantId: string, id: string): Promise<LockedRun> {
  const [locked] = await tx.$queryRaw<{ now: Date }[]>`
    SELECT clock_timestamp() AS now FROM finetuning_training_runs
    WHERE id = ${id}::uuid AND tenant_id = ${tenantId}::uuid FOR UPDATE`;
  const run = locked && (await tx.trainingRun.findFirst({ where: { id, tenantId } }));
  if (!run) throw new NotFoundError('training run', id);
  return { ...run, now: locked.now };
}

/** As lockRun, for a worker that claimed the run under `fence`. Throws LeaseLostError. */
export async function lockClaimedRun(tx: Tx, claimed: TrainingRun): Promise<LockedRun> {
  const run = await lockRun(tx, claimed.tenantId, claimed.id);
  if (run.fence !== claimed.fence) throw new LeaseLostError(`Run ${run.id} was taken over by another worker`);
  return run;
}

/** Added to a change, shuts out the worker that may hold the run at this moment: it can save nothing any more. */
export function shutOut({ fence }: TrainingRun): Pick<RunPatch, 'fence' | 'leaseUntil'> {
  return { fence: fence + 1, leaseUntil: null };
}

export interface RunChange {
  set: RunPatch;
  events?: NewRunEvent[];
}

/**
 * Changes a run that this worker claimed; `change` is told the time by the database's clock. Throws LeaseLostError when
 * another has taken the run over.
 */
export function changeClaimedRun(
  db: Pick<Database, 'withTenant'>,
  claimed: TrainingRun,
  change: (now: Date) => RunChange,
): Promise<TrainingRun> {
  return db.withTenant(claimed.tenantId, async (tx) => {
    const run = await lockClaimedRun(tx, claimed);
    const { set, events = [] } = change(run.now);
    return changeRun(tx, run, set, events);
  });
}

/** Changes a locked run. Events are numbered in the order given; each holds the run's state as it is after them all. */
export async function changeRun(
  tx: Tx,
  run: LockedRun,
  patch: RunPatch,
  events: NewRunEvent[],
): Promise<TrainingRun> {
  const fresh = await withoutKnown(tx, run, events);
  const [changed] = await tx.trainingRun.updateManyAndReturn({
    where: { id: run.id, tenantId: run.tenantId },
    data: { ...patch, lastSeq: run.lastSeq + fresh.length, updatedAt: run.now },
  });
  if (!changed) throw new NotFoundError('training run', run.id);
  if (fresh.length > 0) {
    const state = stateOf(changed);
    await tx.runEvent.createMany({
      data: fresh.map((event, index) => ({
        tenantId: run.tenantId,
        runId: run.id,
        seq: run.lastSeq + index + 1,
        ...event,
        ...(CHANGES_STATE.has(event.type) && { state }),
      })),
    });
  }
  return changed;
}

/** Events that tell of a change of the run itself; the others are the provider's talk and measurements. */
const CHANGES_STATE: ReadonlySet<RunEventType> = new Set(['STATUS', 'PROGRESS']);

async function withoutKnown(tx: Tx, run: TrainingRun, events: NewRunEvent[]): Promise<NewRunEvent[]> {
  const ids = events.flatMap(({ providerEventId }) => providerEventId ?? []);
  if (ids.length === 0) return events;
  const known = await tx.runEvent.findMany({
    where: { tenantId: run.tenantId, runId: run.id, providerEventId: { in: ids } },
    select: { providerEventId: true },
  });
  const knownIds = new Set(known.map(({ providerEventId }) => providerEventId));
  return events.filter(({ providerEventId }) => {
    if (providerEventId === undefined) return true;
    const isNew = !knownIds.has(providerEventId);
    knownIds.add(providerEventId);
    return isNew;
  });
}

/** What of a run changes while it is followed, as kept with the event that changed it. */
function stateOf(run: TrainingRun): Prisma.InputJsonObject {
  return {
    status: run.status,
    exportId: run.exportId,
    providerJobId: run.providerJobId,
    resultModelId: run.resultModelId,
    trainedTokens: run.trainedTokens?.toString() ?? null,
    trainingCostUsd: run.trainingCostUsd?.toString() ?? null,
    errorCode: run.errorCode,
    errorMessage: run.errorMessage,
    estimatedCompletionAt: run.estimatedCompletionAt?.toISOString() ?? null,
    startedAt: run.startedAt?.toISOString() ?? null,
    completedAt: run.completedAt?.toISOString() ?? null,
    cancelRequestedAt: run.cancelRequestedAt?.toISOString() ?? null,
  };
}
