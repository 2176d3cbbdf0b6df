/** What the reads are asked of: datasets as a dashboard shows them, and two that grow, one of them to a million examples. */
import pg from 'pg';
import { conversations } from './texts.ts';

export const PAGE = 20;
export const DATASETS = 16;
const RUNS = 3;
const EVENTS = 40;
/** How many examples the smallest of the datasets that grow has: fewer than a page. */
export const SMALLEST = 10;
const TEXTS = 2000;

export interface Seeded {
  tenantId: string;
  /** Each with more than a page of examples, some runs, and the id of one of those. */
  datasets: { id: string; runId: string }[];
  /** Each with the number of its examples, the smallest first. */
  growing: { size: number; id: string }[];
}

/** Fills the tenant. Triggers and foreign keys are switched off meanwhile: what they would do is written here. */
export async function seedReads(
  databaseUrl: string,
  tenantId: string,
  { seed, largest }: { seed: number; largest: number },
): Promise<Seeded> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    await client.query(
      'CREATE TEMP TABLE texts AS SELECT n - 1 AS n, said FROM unnest($1::text[]) WITH ORDINALITY AS t (said, n)',
      [conversations(seed, TEXTS * 150).slice(0, TEXTS)],
    );
    await client.query('CREATE UNIQUE INDEX ON texts (n)');
    const growing: Seeded['growing'] = [];
    for (const size of [SMALLEST, largest]) {
      growing.push({ size, id: await addDataset(client, tenantId, `Of ${size}`, size) });
    }
    const datasets: Seeded['datasets'] = [];
    for (let n = 1; n <= DATASETS; n += 1) {
      const id = await addDataset(client, tenantId, `Calls of week ${n}`, 3 * PAGE);
      datasets.push({ id, runId: await addRuns(client, tenantId, id) });
    }
    await client.query('RESET session_replication_role');
    await client.query('VACUUM ANALYZE');
    return { tenantId, datasets, growing };
  } finally {
    await client.end();
  }
}

/** Two of three examples are validated; those left are to be reviewed. Each comes from a call of its own. */
async function addDataset(client: pg.Client, tenantId: string, name: string, size: number): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO finetuning_datasets (tenant_id, name, description, system_prompt, example_count, validated_count,
       validated_tokens, last_position, created_at)
     VALUES ($1, $2, 'What callers asked and our best agents answered.', 'Answer as our best agents do.', $3, $3 - $3 / 3,
       120 * ($3 - $3 / 3), $3, clock_timestamp()) RETURNING id`,
    [tenantId, name, size],
  );
  const [dataset] = rows;
  if (!dataset) throw new Error('The dataset was not made');
  const values = [tenantId, dataset.id, size];
  await client.query(
    `INSERT INTO call_transcriptions (tenant_id, call_sid, phone_number, direction, created_at, duration_seconds,
       transcript_confidence, topic)
     SELECT $1, $2 || '/' || n, '+1555' || n, 'INBOUND', timestamptz '2026-09-01Z' + n * interval '1 minute', 60 + n % 600,
       0.9, 'orders'
     FROM generate_series(1, $3::int) n`,
    values,
  );
  await client.query(
    `INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
       quality_score, validated, validated_by, validated_at, source, call_transcription_id, first_turn, last_turn, tokens,
       content_hash)
     SELECT $1::uuid, $2::uuid, i, jsonb_build_array(jsonb_build_object('role', 'user', 'content', asked.said),
         jsonb_build_object('role', 'assistant', 'content', answered.said)),
       asked.said, answered.said, 0.9, i % 3 <> 0, CASE WHEN i % 3 <> 0 THEN 'reviewer' END,
       CASE WHEN i % 3 <> 0 THEN timestamptz '2026-10-01Z' END, 'CALL', c.id, 0, 1, 120, sha256(convert_to($2 || i, 'UTF8'))
     FROM generate_series(1, $3::int) i
     JOIN call_transcriptions c ON c.tenant_id = $1 AND c.call_sid = $2 || '/' || i
     JOIN texts asked ON asked.n = (i * 7) % ${TEXTS}
     JOIN texts answered ON answered.n = (i * 11 + 5) % ${TEXTS}
     ORDER BY i`,
    values,
  );
  return dataset.id;
}

async function addRuns(client: pg.Client, tenantId: string, datasetId: string): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO finetuning_training_runs (tenant_id, dataset_id, provider, base_model, status, step, request_hash,
       result_model_id, trained_tokens, training_cost_usd, created_at, started_at, completed_at, last_seq)
     SELECT $1, $2, 'sandbox', 'gpt-4.1-mini-2025-04-14', 'SUCCEEDED', 'DONE', sha256('none'), 'ft:model:' || n, 21000,
       0.105, timestamptz '2026-10-02Z' + n * interval '1 day', timestamptz '2026-10-02Z' + n * interval '25 hours',
       timestamptz '2026-10-02Z' + n * interval '26 hours', ${EVENTS}
     FROM generate_series(1, ${RUNS}) n RETURNING id`,
    [tenantId, datasetId],
  );
  await client.query(
    `INSERT INTO finetuning_run_events (tenant_id, run_id, seq, type, message, created_at)
     SELECT $1, run, n, 'MESSAGE', 'Step ' || n || ' of ${EVENTS}: training loss ' || 1.0 / n,
       timestamptz '2026-10-02Z' + n * interval '1 minute'
     FROM unnest($2::uuid[]) run, generate_series(1, ${EVENTS}) n`,
    [tenantId, rows.map(({ id }) => id)],
  );
  const last = rows.at(-1);
  if (!last) throw new Error('There are no runs');
  return last.id;
}
