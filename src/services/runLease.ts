/**
 * Who works on a run. A worker claims due runs for a while, on the database's clock, and every claim raises the run's
 * fence: what a worker writes that was overtaken meanwhile is refused (lockClaimedRun). So any number of workers may
 * look for work at once, and a dead one's runs are taken over when its lease lapses.
 */
import type { Database } from '../db/database.ts';
import { Prisma, type TrainingRun, type TrainingRunStep } from '../generated/prisma/client.ts';

/** How long a claim lasts unless it is renewed, in seconds. */
export const LEASE_SECONDS = 60;

type Db = Pick<Database, 'asSystem'>;

/** Claims up to `limit` runs of all tenants that are due in one of `steps`, those that wait longest first. */
export async function claimDueRuns(db: Db, steps: TrainingRunStep[], limit: number): Promise<TrainingRun[]> {
  return db.asSystem(async (tx) => {
    const claimed = await tx.$queryRaw<{ id: string }[]>`
      UPDATE finetuning_training_runs
      SET lease_until = now() + make_interval(secs => ${LEASE_SECONDS}::int), fence = fence + 1
      WHERE id IN (
        SELECT id FROM finetuning_training_runs
        WHERE step::text IN (${Prisma.join(steps)}) AND status <> 'NEEDS_REVIEW' AND next_attempt_at <= now()
          AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_attempt_at
        LIMIT ${limit}
        FOR UPDATE SKIP LOCKED
      )
      RETURNING id`;
    if (claimed.length === 0) return [];
    return tx.trainingRun.findMany({ where: { id: { in: claimed.map(({ id }) => id) } } });
  });
}

/** Lets the runs go, so that they can be claimed again when they are due; those taken over meanwhile are left alone. */
export async function releaseRuns(db: Db, runs: TrainingRun[]): Promise<void> {
  if (runs.length === 0) return;
  await db.asSystem((tx) =>
    tx.trainingRun.updateMany({
      where: { OR: runs.map(({ id, fence }) => ({ id, fence })) },
      data: { leaseUntil: null },
    }),
  );
}

/**
 * Does `work` while the claim is renewed in the background. Its signal is aborted when the claim is lost or `signal` is.
 */
export async function whileClaimed<T>(
  db: Db,
  run: TrainingRun,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const renewal = setInterval(
    () => {
      renew(db, run).then(
        (held) => held || lost.abort(),
        () => undefined, // The database is away; the lease decides who goes on when it is back.
      );
    },
    (LEASE_SECONDS / 3) * 1000,
  );
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(renewal);
  }
}

async function renew(db: Db, { id, fence }: TrainingRun): Promise<boolean> {
  const renewed = await db.asSystem(
    (tx) => tx.$executeRaw`
      UPDATE finetuning_training_runs SET lease_until = now() + make_interval(secs => ${LEASE_SECONDS}::int)
      WHERE id = ${id}::uuid AND fence = ${fence} AND lease_until > now()`,
  );
  return renewed === 1;
}
