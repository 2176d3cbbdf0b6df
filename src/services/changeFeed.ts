/** Following datasets, and all runs of a tenant: what matters is how things are now, so quick changes come as one. */
import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../db/database.ts';
import type { WakeUp } from '../db/notifications.ts';
import type { Dataset, TrainingRun } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';
import { createMailbox } from './mailbox.ts';
import { isFinal } from './runStatus.ts';
import type { Viewer } from './viewer.ts';

const FINAL = ['SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

/** By how much the clocks of two replicas may differ, in milliseconds. */
const CLOCK_SKEW = 10_000;

/** How long a lost wake-up can delay a change, in milliseconds. */
const READ_ANYWAY = 5_000;

export type ChangeFeed = ReturnType<typeof createChangeFeed>;

export function createChangeFeed({
  db,
  readAnyway = READ_ANYWAY,
}: {
  db: Pick<Database, 'withTenant' | 'notifications'>;
  readAnyway?: number;
}) {
  return {
    /** The dataset as it is now, and again after every change. Throws NotFoundError; ends when it is deleted. */
    async *followDataset(viewer: Viewer, id: string, signal: AbortSignal): AsyncGenerator<Dataset> {
      const find = () =>
        db.withTenant(viewer.tenantId, (tx) =>
          tx.dataset.findFirst({ where: { id, tenantId: viewer.tenantId } }),
        );
      const isAbout = (wakeUp: WakeUp) => wakeUp.kind === 'dataset' && wakeUp.id === id;
      let told: Dataset | null = null;
      for await (const _ of wakeUps(isAbout, signal)) {
        const dataset: Dataset | null = await find();
        if (!dataset && told) return;
        if (!dataset) throw new NotFoundError('dataset', id);
        // Two changes may fall into one millisecond.
        if (!isDeepStrictEqual(dataset, told)) yield dataset;
        told = dataset;
      }
    },

    /** The tenant's unfinished runs as they are now, then each run after it has changed. */
    async *followRuns(viewer: Viewer, signal: AbortSignal): AsyncGenerator<TrainingRun> {
      const told = new Map<string, number>();
      const isOwn = (wakeUp: WakeUp) => wakeUp.kind === 'run' && wakeUp.tenantId === viewer.tenantId;
      let since = new Date();
      let first = true;
      for await (const _ of wakeUps(isOwn, signal)) {
        for (const run of await changedRuns(viewer, since, first)) {
          if (run.updatedAt > since) since = run.updatedAt;
          const known = told.get(run.id) === run.lastSeq;
          told.set(run.id, run.lastSeq);
          // What ended just before this began is noted only, so that it is not taken for a change later.
          if (!known && !(first && isFinal(run.status))) yield run;
        }
        first = false;
      }
    },
  };

  /** At once, then at every wake-up that `isRelevant` or that says wake-ups were lost, and every few seconds anyway. */
  async function* wakeUps(
    isRelevant: (wakeUp: WakeUp) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<void> {
    const mailbox = createMailbox();
    const wake = (): void => mailbox.put('change');
    const stopListening = db.notifications.listen((wakeUp) => {
      if (wakeUp.kind === 'resumed' || isRelevant(wakeUp)) wake();
    });
    const timer = setInterval(wake, readAnyway);
    try {
      while (!signal.aborted) {
        yield;
        await mailbox.take(signal);
      }
    } finally {
      clearInterval(timer);
      stopListening();
    }
  }

  /** The runs that changed since then, and with `unfinished` all of those too. */
  function changedRuns(viewer: Viewer, since: Date, unfinished: boolean): Promise<TrainingRun[]> {
    const { tenantId } = viewer;
    // Replicas' clocks may differ by some seconds: what is read twice is told once.
    const changed = { updatedAt: { gte: new Date(since.getTime() - CLOCK_SKEW) } };
    return db.withTenant(tenantId, (tx) =>
      tx.trainingRun.findMany({
        where: { tenantId, OR: [changed, ...(unfinished ? [{ status: { notIn: [...FINAL] } }] : [])] },
        orderBy: { updatedAt: 'asc' },
      }),
    );
  }
}
