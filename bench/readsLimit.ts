/** The limit of reads: one statement of nested JSON a question, handed on as PostgreSQL wrote it. Nobody is asked who they are. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { z } from 'zod';
import { PAGE } from './readsData.ts';

const EXAMPLES = `(SELECT coalesce(json_agg(e), '[]') FROM (
  SELECT id, position, user_message AS "userMessage", assistant_response AS "assistantResponse", validated, tokens,
    quality_score AS "qualityScore"
  FROM finetuning_examples WHERE dataset_id = d.id ORDER BY position LIMIT ${PAGE}) e)`;

const RUNS = `(SELECT coalesce(json_agg(r), '[]') FROM (
  SELECT id, status, provider, base_model AS "baseModel", result_model_id AS "resultModelId",
    trained_tokens AS "trainedTokens", created_at AS "createdAt"
  FROM finetuning_training_runs WHERE dataset_id = d.id ORDER BY created_at DESC, id DESC LIMIT 3) r)`;

const DATASET = `json_build_object('id', d.id, 'name', d.name, 'description', d.description, 'exampleCount', d.example_count,
  'validatedCount', d.validated_count, 'createdAt', d.created_at, 'examples', ${EXAMPLES}, 'trainingRuns', ${RUNS})`;

const STATEMENTS: Record<string, string> = {
  dataset: `SELECT json_build_object('dataset', ${DATASET})::text AS data FROM finetuning_datasets d WHERE d.id = $1`,
  page: `SELECT json_build_object('datasets', json_agg(dataset))::text AS data FROM (
    SELECT ${DATASET} AS dataset FROM finetuning_datasets d
    WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT 10) page`,
  run: `SELECT json_build_object('trainingRun', json_build_object('id', r.id, 'status', r.status, 'provider', r.provider,
      'baseModel', r.base_model, 'resultModelId', r.result_model_id, 'trainedTokens', r.trained_tokens,
      'createdAt', r.created_at, 'completedAt', r.completed_at,
      'dataset', (SELECT json_build_object('id', d.id, 'name', d.name) FROM finetuning_datasets d WHERE d.id = r.dataset_id),
      'events', (SELECT json_agg(e ORDER BY e.seq) FROM (
        SELECT seq, type, level, message, created_at AS "createdAt" FROM finetuning_run_events
        WHERE run_id = r.id ORDER BY seq DESC LIMIT ${PAGE}) e)))::text AS data
    FROM finetuning_training_runs r WHERE r.id = $1`,
  review: `SELECT json_build_object('dataset', json_build_object('id', d.id, 'name', d.name, 'examples', (
      SELECT json_build_object('nodes', coalesce(json_agg(node ORDER BY place) FILTER (WHERE place <= ${PAGE}), '[]'),
        'pageInfo', json_build_object('hasNextPage', count(*) > ${PAGE}))
      FROM (SELECT row_number() OVER (ORDER BY position) AS place, json_build_object('id', e.id, 'position', position,
          'revision', revision, 'messages', messages, 'qualityScore', quality_score, 'tokens', tokens, 'callTranscription',
          (SELECT json_build_object('callSid', call_sid, 'createdAt', created_at) FROM call_transcriptions c
           WHERE c.id = e.call_transcription_id)) AS node
        FROM finetuning_examples e WHERE dataset_id = d.id AND NOT validated AND NOT rejected
        ORDER BY position LIMIT ${PAGE} + 1) page)))::text AS data
    FROM finetuning_datasets d WHERE d.id = $1`,
  name: `SELECT json_build_object('dataset', json_build_object('name', name))::text AS data
    FROM finetuning_datasets WHERE id = $1`,
};

const asked = z.object({ question: z.string(), value: z.string() });

const [connectionString, poolSize] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: Number(poolSize) });

async function answer(body: string): Promise<string> {
  const { question, value } = asked.parse(JSON.parse(body));
  const statement = STATEMENTS[question];
  if (statement === undefined) return '{"data":{"__typename":"Query"}}';
  const { rows } = await pool.query<{ data: string }>({ name: question, text: statement, values: [value] });
  return `{"data":${rows[0]?.data ?? 'null'}}`;
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/json');
  response.end(await answer(await text(request)));
}

const server = createServer((request, response) => void respond(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  process.send?.({ url: `http://127.0.0.1:${address.port}/` });
});
process.once('disconnect', () => process.exit());
