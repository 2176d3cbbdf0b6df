/** Training runs as benchmarks need them, with what the provider said of them. */
import type pg from 'pg';
import { only } from './seed.ts';

const MODEL = 'gpt-4.1-mini-2025-04-14';

/** Runs that have come to their end a day after one another, each with so many events. Gives the newest one's id. */
export async function makeEndedRuns(
  sql: pg.Client,
  {
    tenantId,
    datasetId,
    runs,
    events,
  }: { tenantId: string; datasetId: string; runs: number; events: number },
): Promise<string> {
  const { rows } = await sql.query<{ id: string }>(
    `INSERT INTO finetuning_training_runs (tenant_id, dataset_id, provider, base_model, status, step, request_hash,
       result_model_id, trained_tokens, training_cost_usd, created_at, started_at, completed_at, last_seq)
     SELECT $1, $2, 'sandbox', '${MODEL}', 'SUCCEEDED', 'DONE', sha256('none'), 'ft:model:' || n, 21000,
       0.105, timestamptz '2026-10-02Z' + n * interval '1 day', timestamptz '2026-10-02Z' + n * interval '25 hours',
       timestamptz '2026-10-02Z' + n * interval '26 hours', $4::int
     FROM generate_series(1, $3::int) n RETURNING id`,
    [tenantId, datasetId, runs, events],
  );
  await sql.query(
    `INSERT INTO finetuning_run_events (tenant_id, run_id, seq, type, message, created_at)
     SELECT $1, run, n, 'MESSAGE', 'Step ' || n || ' of ' || $3::int || ': training loss ' || 1.0 / n,
       timestamptz '2026-10-02Z' + n * interval '1 minute'
     FROM unnest($2::uuid[]) run, generate_series(1, $3::int) n`,
    [tenantId, rows.map(({ id }) => id), events],
  );
  return only(rows.slice(-1)).id;
}

/** Runs that their provider trains, each as a job of its own. */
export async function makeRunningRuns(
  sql: pg.Client,
  { tenantId, datasetId, jobs, since }: { tenantId: string; datasetId: string; jobs: string[]; since: Date },
): Promise<void> {
  await sql.query(
    `INSERT INTO finetuning_training_runs (tenant_id, dataset_id, provider, base_model, status, step, request_hash,
       provider_job_id, created_at, submit_intent_at, next_attempt_at)
     SELECT $1, $2, 'openai', '${MODEL}', 'RUNNING', 'FOLLOW', sha256('none'), job, $3, $3,
       now() - place * interval '1 millisecond' -- As they were launched, one after the other.
     FROM unnest($4::text[]) WITH ORDINALITY AS launched (job, place)`,
    [tenantId, datasetId, since, jobs],
  );
}
