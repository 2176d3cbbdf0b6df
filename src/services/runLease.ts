/**
 * Who works on a run. A worker claims due runs for a while, on the database's clock, and every claim raises the run's
 * fence: what a worker writes that was overtaken meanwhile is refused (lockClaimedRun). So any number of workers may
 * look for work at once, and a dead one's runs are taken over when its lease lapses.
 */
import type { Database } from '../db/database.ts';
import { Prisma, type TrainingRun, type TrainingRunStep } from '../generated/prisma/client.ts';
import { FOLLOWED_COLUMNS, returnedBy, type FollowedRun } from './followedRuns.ts';

/** How long a claim lasts unless it is renewed, in seconds. */
const LEASE_SECONDS = 60;

export type RunLease = ReturnType<typeof createRunLease>;

export function createRunLease({
  db,
  leaseSeconds = LEASE_SECONDS,
}: {
  db: Pick<Database, 'asSystem'>;
  leaseSeconds?: number | undefined;
}) {
  return {
    /** How long a claim lasts unless it is renewed, in milliseconds. */
    milliseconds: leaseSeconds * 1000,

    /**
     * Claims up to `limit` runs that are due in one of `steps`. The tenants take turns, so that one with many due runs
     * does not keep the others waiting; of one tenant's those first that wait longest.
     */
    async claim(steps: TrainingRunStep[], limit: number): Promise<TrainingRun[]> {
      return db.asSystem(async (tx) => {
        const claimed = await tx.$queryRaw<{ id: string }[]>(claimDue(steps, limit, Prisma.sql`id`));
        if (claimed.length === 0) return [];
        return tx.trainingRun.findMany({ where: { id: { in: claimed.map(({ id }) => id) } } });
      });
    },

    /** As `claim`, for runs whose jobs are followed; they are many, so no more of each is read than is needed. */
    claimFollowed: (limit: number): Promise<FollowedRun[]> =>
      db.asSystem((tx) => returnedBy(tx, claimDue(['FOLLOW'], limit, FOLLOWED_COLUMNS))),

    /**
     * Lets the runs go, so that they can be claimed again when they are due; those taken over meanwhile are left alone.
     * `toTheEnd`: of the queue, behind all that wait already.
     */
    async release(runs: Pick<TrainingRun, 'id' | 'fence'>[], { toTheEnd = false } = {}): Promise<void> {
      if (runs.length === 0) return;
      await db.asSystem(
        (tx) => tx.$executeRaw`
          UPDATE finetuning_training_runs AS run
          SET lease_until = NULL,
            next_attempt_at = CASE WHEN ${toTheEnd}::boolean THEN greatest(next_attempt_at, now()) ELSE next_attempt_at END
          FROM unnest(${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ fence }) => fence)}::int[]) AS claimed (id, fence)
          WHERE run.id = claimed.id AND run.fence = claimed.fence AND run.lease_until IS NOT NULL`,
      );
    },

    /** Ends every claim. Only for a process that knows itself to be the only one: the claims are a dead one's. */
    async releaseAll(): Promise<void> {
      await db.asSystem(
        (tx) => tx.$executeRaw`
          UPDATE finetuning_training_runs SET lease_until = NULL, fence = fence + 1 WHERE lease_until IS NOT NULL`,
      );
    },

    renew,

    /**
     * Does `work` while the claim is renewed in the background. Its signal is aborted when the claim is lost or `signal` is.
     */
    async whileHeld<T>(
      run: TrainingRun,
      signal: AbortSignal,
      work: (signal: AbortSignal) => Promise<T>,
    ): Promise<T> {
      const lost = new AbortController();
      const renewal = setInterval(
        () => {
          renew(run).then(
            (held) => held || lost.abort(),
            () => undefined, // The database is away; the lease decides who goes on when it is back.
          );
        },
        (leaseSeconds / 3) * 1000,
      );
      try {
        return await work(AbortSignal.any([signal, lost.signal]));
      } finally {
        clearInterval(renewal);
      }
    },
  };

  /** An UPDATE that claims runs, and returns of each what is wanted. */
  function claimDue(steps: TrainingRunStep[], limit: number, wanted: Prisma.Sql): Prisma.Sql {
    const due = Prisma.sql`step::text IN (${Prisma.join(steps)}) AND status <> 'NEEDS_REVIEW'
      AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())`;
    return Prisma.sql`
      UPDATE finetuning_training_runs
      SET lease_until = now() + make_interval(secs => ${leaseSeconds}::float8), fence = fence + 1
      WHERE id IN (
        SELECT id FROM finetuning_training_runs AS run JOIN (
          SELECT id, row_number() OVER (PARTITION BY tenant_id ORDER BY next_attempt_at) AS turn
          FROM finetuning_training_runs WHERE ${due}
        ) AS queue USING (id)
        WHERE ${due}
        ORDER BY turn, next_attempt_at
        LIMIT ${limit}::int
        FOR UPDATE OF run SKIP LOCKED
      )
      RETURNING ${wanted}`;
  }

  /** Makes the claim last its full time from now on. False when it has lapsed or is another worker's. */
  async function renew({ id, fence }: TrainingRun): Promise<boolean> {
    const renewed = await db.asSystem(
      (tx) => tx.$executeRaw`
        UPDATE finetuning_training_runs SET lease_until = now() + make_interval(secs => ${leaseSeconds}::float8)
        WHERE id = ${id}::uuid AND fence = ${fence} AND lease_until > now()`,
    );
    return renewed === 1;
  }
}
