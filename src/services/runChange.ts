/**
 * The one way to change a training run. Every change adds events with the run's next numbers in the same transaction,
 * under the row's lock, so that whoever follows by number misses nothing and sees nothing twice.
 */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Prisma, RunEventLevel, RunEventType, TrainingRun } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';
import { FOLLOWED_COLUMNS } from './followedRuns.ts';
import type { JobPatch, ReportedRun } from './jobNews.ts';

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

/** What is read of a run that is written together with others. */
export type StandingRun = ReportedRun &
  Pick<
    TrainingRun,
    'id' | 'tenantId' | 'fence' | 'priceId' | 'lastSeq' | 'exportId' | 'providerJobId' | 'cancelRequestedAt'
  > & { now: Date };

/** Locks several runs of a tenant, those that there are of `ids`. */
export function lockRuns(tx: Tx, tenantId: string, ids: string[]): Promise<StandingRun[]> {
  // In one order, so that two who lock several cannot wait for each other.
  return tx.$queryRaw<StandingRun[]>`
    SELECT ${FOLLOWED_COLUMNS}, price_id AS "priceId", last_seq AS "lastSeq", export_id AS "exportId",
      clock_timestamp() AS now
    FROM finetuning_training_runs
    WHERE id = ANY(${ids}::uuid[]) AND tenant_id = ${tenantId}::uuid ORDER BY id FOR UPDATE`;
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
  if (fresh.length > 0) await tx.runEvent.createMany({ data: numbered(changed, run.lastSeq, fresh) });
  return changed;
}

export interface StandingChange {
  run: StandingRun;
  patch: JobPatch;
  /** None of the provider's: those have to be looked for first. */
  events: NewRunEvent[];
}

/** As changeRun, for what reports of jobs make of several locked runs of a tenant: two statements for all of them. */
export async function changeRuns(tx: Tx, tenantId: string, changes: StandingChange[]): Promise<void> {
  if (changes.length === 0) return;
  const patches = changes.map(({ run, patch, events }) => ({
    ...patch,
    id: run.id,
    trainedTokens: patch.trainedTokens?.toString() ?? null,
    lastSeq: run.lastSeq + events.length,
    updatedAt: run.now,
  }));
  await tx.$executeRaw`
    UPDATE finetuning_training_runs AS run
    SET status = patch.status, result_model_id = patch."resultModelId", trained_tokens = patch."trainedTokens",
      training_cost_usd = patch."trainingCostUsd", n_epochs = patch."nEpochs", batch_size = patch."batchSize",
      learning_rate_multiplier = patch."learningRateMultiplier",
      estimated_completion_at = patch."estimatedCompletionAt", started_at = patch."startedAt",
      completed_at = patch."completedAt", error_code = patch."errorCode", error_message = patch."errorMessage",
      last_seq = patch."lastSeq", updated_at = patch."updatedAt"
    FROM jsonb_to_recordset(${JSON.stringify(patches)}::jsonb) AS patch (
      id uuid, status training_run_status, "resultModelId" text, "trainedTokens" bigint, "trainingCostUsd" numeric,
      "nEpochs" int, "batchSize" int, "learningRateMultiplier" float8, "estimatedCompletionAt" timestamptz,
      "startedAt" timestamptz, "completedAt" timestamptz, "errorCode" text, "errorMessage" text, "lastSeq" int,
      "updatedAt" timestamptz)
    WHERE run.id = patch.id AND run.tenant_id = ${tenantId}::uuid`;
  const events = changes.flatMap((change) =>
    numbered({ ...change.run, ...change.patch }, change.run.lastSeq, change.events),
  );
  if (events.length === 0) return;
  await tx.$executeRaw`
    INSERT INTO finetuning_run_events (tenant_id, run_id, seq, type, level, message, state)
    SELECT ${tenantId}::uuid, "runId", seq, type, coalesce(level, 'INFO'), message, state
    FROM jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS event (
      "runId" uuid, seq int, type run_event_type, level run_event_level, message text, state jsonb)`;
}

/** The events as they are kept, with the numbers after `lastSeq`. */
function numbered(changed: Omit<StandingRun, 'now'>, lastSeq: number, events: NewRunEvent[]) {
  const state = events.some(({ type }) => CHANGES_STATE.has(type)) ? stateOf(changed) : null;
  return events.map((event, index) => ({
    tenantId: changed.tenantId,
    runId: changed.id,
    seq: lastSeq + index + 1,
    ...event,
    ...(state && CHANGES_STATE.has(event.type) && { state }),
  }));
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
function stateOf(run: Omit<StandingRun, 'now'>): Prisma.InputJsonObject {
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
