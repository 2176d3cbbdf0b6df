/** What the poller reads and writes of many runs at once: one statement for all of them, where one each takes forty times as long. */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type TrainingRun } from '../generated/prisma/client.ts';
import type { ReportedRun } from './jobNews.ts';

/** What has to be known of a run to tell whether its job's report is new. */
export type FollowedRun = ReportedRun &
  Pick<
    TrainingRun,
    'id' | 'tenantId' | 'provider' | 'providerJobId' | 'fence' | 'cancelRequestedAt' | 'providerEventCursor'
  >;

export const FOLLOWED_COLUMNS = Prisma.sql`id, tenant_id AS "tenantId", provider, provider_job_id AS "providerJobId", fence,
  cancel_requested_at AS "cancelRequestedAt", provider_event_cursor AS "providerEventCursor", status::text,
  result_model_id AS "resultModelId", trained_tokens AS "trainedTokens", training_cost_usd AS "trainingCostUsd",
  n_epochs AS "nEpochs", batch_size AS "batchSize", learning_rate_multiplier AS "learningRateMultiplier",
  estimated_completion_at AS "estimatedCompletionAt", created_at AS "createdAt", started_at AS "startedAt",
  completed_at AS "completedAt", error_code AS "errorCode", error_message AS "errorMessage"`;

/** As JSON has it. */
type Written<Value> = Value extends Date ? string : Value extends bigint | Prisma.Decimal ? number : Value;
type WrittenRun = { [Column in keyof FollowedRun]: Written<FollowedRun[Column]> };

/** How many runs the database writes as one text. */
const PIECE = 500;

/**
 * The runs that an UPDATE returns, by `FOLLOWED_COLUMNS`, written as JSON by the database: ten thousand of them, taken
 * apart column by column, cost twice as much.
 */
export async function returnedBy(tx: Tx, update: Prisma.Sql): Promise<FollowedRun[]> {
  const pieces = await tx.$queryRaw<{ runs: WrittenRun[] }[]>`
    WITH followed AS (${update})
    SELECT json_agg(run) AS runs
    FROM (SELECT followed AS run, row_number() OVER () / ${PIECE}::int AS piece FROM followed) AS numbered
    GROUP BY piece ORDER BY piece`;
  return pieces.flatMap(({ runs }) => runs.map(readRun));
}

function readRun(run: WrittenRun): FollowedRun {
  return {
    ...run,
    cancelRequestedAt: timeOf(run.cancelRequestedAt),
    trainedTokens: run.trainedTokens === null ? null : BigInt(run.trainedTokens),
    trainingCostUsd: run.trainingCostUsd === null ? null : new Prisma.Decimal(run.trainingCostUsd),
    estimatedCompletionAt: timeOf(run.estimatedCompletionAt),
    createdAt: new Date(run.createdAt),
    startedAt: timeOf(run.startedAt),
    completedAt: timeOf(run.completedAt),
  };
}

function timeOf(written: string | null): Date | null {
  return written === null ? null : new Date(written);
}

type SystemDatabase = Pick<Database, 'asSystem'>;

/**
 * Notes that the provider was asked about runs of which nothing else is to be written, and lets them go: to the end of
 * the queue. `withNews`: their jobs' events were asked for, too.
 */
export async function markAsked(
  db: SystemDatabase,
  runs: FollowedRun[],
  { withNews }: { withNews: boolean },
): Promise<void> {
  if (runs.length === 0) return;
  const news = withNews ? Prisma.sql`, news_asked_at = now()` : Prisma.empty;
  await db.asSystem(
    (tx) => tx.$executeRaw`
      UPDATE finetuning_training_runs AS run
      SET last_polled_at = now(), next_attempt_at = now(), missing_since = NULL, attempts = 0, lease_until = NULL${news}
      FROM unnest(${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ fence }) => fence)}::int[]) AS asked (id, fence)
      WHERE run.id = asked.id AND run.fence = asked.fence AND run.step = 'FOLLOW'`,
  );
}

/** Puts off runs that the provider does not want to be asked about for so many seconds. */
export async function postpone(db: SystemDatabase, runs: FollowedRun[], seconds: number): Promise<void> {
  if (runs.length === 0) return;
  await db.asSystem(
    (tx) => tx.$executeRaw`
      UPDATE finetuning_training_runs
      SET next_attempt_at = now() + make_interval(secs => ${seconds}::float8), last_polled_at = now()
      WHERE id = ANY(${runs.map(({ id }) => id)}::uuid[]) AND step = 'FOLLOW'`,
  );
}

/**
 * Up to `limit` of a provider's runs whose jobs' events were not asked for in a while, those first that wait longest;
 * with less than `from` runs followed none, since the poll reads their events itself. Who takes them notes that they are
 * asked about: nobody else takes them for a while.
 */
export function takeForNews(
  db: SystemDatabase,
  provider: string,
  { limit, from }: { limit: number; from: number },
): Promise<FollowedRun[]> {
  return db.asSystem((tx) =>
    returnedBy(
      tx,
      Prisma.sql`
      UPDATE finetuning_training_runs SET news_asked_at = now()
      WHERE id IN (
        SELECT id FROM finetuning_training_runs
        WHERE step = 'FOLLOW' AND provider = ${provider} AND provider_job_id IS NOT NULL
          AND coalesce(news_asked_at, updated_at)
            < now() - CASE status WHEN 'RUNNING' THEN interval '12 seconds' ELSE interval '1 minute' END
          AND (SELECT count(*) FROM finetuning_training_runs WHERE step = 'FOLLOW') >= ${from}::int
        ORDER BY coalesce(news_asked_at, updated_at)
        LIMIT ${limit}::int
        FOR UPDATE SKIP LOCKED
      )
      RETURNING ${FOLLOWED_COLUMNS}`,
    ),
  );
}
