/** Following datasets, and all runs of a tenant: what matters is how things are now, so quick changes come as one. */
import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../db/database.ts';
import type { Dataset, TrainingRun } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';
import { isFinal } from './runStatus.ts';
import { createSharedReads } from './sharedReads.ts';
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
  db: Pick<Database, 'clientOf' | 'notifications'>;
  readAnyway?: number;
}) {
  const datasets = createSharedReads<Dataset | null>(readAnyway);
  const runs = createSharedReads<TrainingRun[]>(readAnyway);
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind === 'dataset') datasets.wake(datasetKey(wakeUp));
    if (wakeUp.kind === 'run') runs.wake(wakeUp.tenantId);
    if (wakeUp.kind !== 'resumed') return;
    datasets.wakeAll();
    runs.wakeAll();
  });

  return {
    /**
     * The dataset as it is now, if that is not what was told `before`, and again after every change. Throws NotFoundError; ends
     * when it is deleted.
     */
    async *followDataset(
      viewer: Viewer,
      id: string,
      signal: AbortSignal,
      before: Dataset | null = null,
    ): AsyncGenerator<Dataset> {
      const { tenantId } = viewer;
      const find = async () => db.clientOf(tenantId).dataset.findFirst({ where: { id, tenantId } });
      let told = before;
      for await (const read of datasets.follow(datasetKey({ tenantId, id }), signal)) {
        const dataset: Dataset | null = await read('', find);
        if (!dataset && told) return;
        if (!dataset) throw new NotFoundError('dataset', id);
        // Two changes may fall into one millisecond.
        if (dataset !== told && !isDeepStrictEqual(dataset, told)) yield dataset;
        told = dataset;
      }
    },

    /** The tenant's unfinished runs as they are now, then each run after it has changed. */
    async *followRuns(viewer: Viewer, signal: AbortSignal): AsyncGenerator<TrainingRun> {
      const told = new Map<string, number>();
      let since = new Date();
      let first = true;
      for await (const read of runs.follow(viewer.tenantId, signal)) {
        const [from, unfinished] = [since, first];
        // Those who were told the same have the same question.
        const question = unfinished ? 'unfinished' : from.toISOString();
        for (const run of await read(question, () => changedRuns(viewer, from, unfinished))) {
          if (run.updatedAt > since) since = run.updatedAt;
          const known = told.get(run.id) === run.lastSeq;
          told.set(run.id, run.lastSeq);
          // What ended just before this began is noted only, so that it is not taken for a change later.
          if (!known && !(first && isFinal(run.status))) yield run;
        }
        first = false;
      }
    },

    /** How many followers there are (a broadcast is one), of datasets and of all runs. */
    followers: () => datasets.followers() + runs.followers(),

    close: stopListening,
  };

  /** The runs that changed since then, and with `unfinished` all of those too. */
  async function changedRuns({ tenantId }: Viewer, since: Date, unfinished: boolean): Promise<TrainingRun[]> {
    // Replicas' clocks may differ by some seconds: what is read twice is told once.
    const changed = { updatedAt: { gte: new Date(since.getTime() - CLOCK_SKEW) } };
    return db.clientOf(tenantId).trainingRun.findMany({
      where: { tenantId, OR: [changed, ...(unfinished ? [{ status: { notIn: [...FINAL] } }] : [])] },
      orderBy: { updatedAt: 'asc' },
    });
  }
}

function datasetKey({ tenantId, id }: { tenantId: string; id: string }): string {
  return `${tenantId}/${id}`;
}
