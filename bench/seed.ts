/** Calls, datasets and examples as benchmarks need them, made by the database itself: through the API it would take hours. */
import type pg from 'pg';
import { RULES_VERSION } from '../src/services/personalData/kinds.ts';
import { conversations } from './texts.ts';

/** How many different utterances there are, about. */
const UTTERANCES_CHARACTERS = 1_000_000;
/** Rows that one statement makes. */
const AT_ONCE = 100_000;

export interface Made {
  tenantId: string;
  seed: number;
  count: number;
}

/** The seed and the number of what was said, of the connections that have it. */
const said = new WeakMap<pg.Client, { seed: number; count: number }>();

/** What was said, numbered from 0, in a table that only this connection sees. */
async function sayings(sql: pg.Client, seed: number): Promise<number> {
  const there = said.get(sql);
  if (there?.seed === seed) return there.count;
  const texts = conversations(seed, UTTERANCES_CHARACTERS);
  await sql.query('CREATE TEMP TABLE IF NOT EXISTS said (nth int PRIMARY KEY, text text NOT NULL)');
  await sql.query('TRUNCATE said');
  await sql.query(
    'INSERT INTO said SELECT ord - 1, text FROM unnest($1::text[]) WITH ORDINALITY AS t(text, ord)',
    [texts],
  );
  await sql.query('ANALYZE said');
  said.set(sql, { seed, count: texts.length });
  return texts.length;
}

/** Which saying the `place`th of a row is: spread as if by chance, the same every time. */
const saying = (place: number, row = 'n'): string =>
  `((${row}::bigint * 48271 + $2::bigint * 7919 + ${place * 104_729}) % 2147483647 * 48271 % 2147483647 % $3::int)::int`;

const sid = (n: string): string => `'CA' || lpad(${n}::text, 10, '0')`;

/**
 * Calls of four turns, of some 1,100 bytes. Most give two pairs; a tenth says what others said before, a twentieth says too
 * little in its second pair, some were not completed, and how sure the transcriber was lies between 0.5 and 1.
 */
export async function makeCalls(sql: pg.Client, { tenantId, seed, count }: Made): Promise<void> {
  const texts = await sayings(sql, seed);
  for (let from = 1; from <= count; from += AT_ONCE)
    await sql.query(
      `INSERT INTO call_transcriptions (tenant_id, call_sid, phone_number, direction, call_status, created_at,
        duration_seconds, transcript_confidence, topic, turns)
      SELECT $1::uuid, ${sid('n')}, '+49301' || lpad((n % 100000)::text, 6, '0'),
        CASE n % 3 WHEN 0 THEN 'OUTBOUND' ELSE 'INBOUND' END::call_direction,
        CASE n % 50 WHEN 0 THEN 'failed' ELSE 'completed' END,
        '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n * 20), 30 + n % 600,
        round((0.5 + (n::bigint * 7919 % 10007) / 20012.0)::numeric, 4)::float8,
        (ARRAY['orders', 'invoices', 'appointments', 'repairs'])[1 + n % 4],
        jsonb_build_array(
          jsonb_build_object('speaker', 'caller', 'text', one.text || said_again),
          jsonb_build_object('speaker', 'agent', 'text', two.text || said_again),
          jsonb_build_object('speaker', 'caller', 'text', CASE n % 20 WHEN 3 THEN 'Yes.' ELSE three.text || said_again END),
          jsonb_build_object('speaker', 'agent', 'text', four.text || said_again))
      FROM (SELECT CASE WHEN number % 10 = 7 THEN number % 500 ELSE number END AS spoken, number AS n
        FROM generate_series($4::int, $5::int) AS number) AS numbered
      CROSS JOIN LATERAL (SELECT ' It is about case ' || spoken || '.' AS said_again) AS again
      JOIN said AS one ON one.nth = ${saying(1, 'spoken')}
      JOIN said AS two ON two.nth = ${saying(2, 'spoken')}
      JOIN said AS three ON three.nth = ${saying(3, 'spoken')}
      JOIN said AS four ON four.nth = ${saying(4, 'spoken')}`,
      [tenantId, seed, texts, from, Math.min(count, from + AT_ONCE - 1)],
    );
}

/** A dataset without examples. */
export async function makeDataset(sql: pg.Client, tenantId: string, name: string): Promise<string> {
  const { rows } = await sql.query<{ id: string }>(
    `INSERT INTO finetuning_datasets (tenant_id, name, description)
    VALUES ($1, $2, 'What callers asked and our best agents answered.') RETURNING id`,
    [tenantId, name],
  );
  return only(rows).id;
}

export interface MadeExamples extends Made {
  name: string;
  /** How many sayings an answer has, 1 to 4: with four, an example takes some 1,200 bytes of a training file. */
  answer: number;
  /**
   * Whether the examples come from the tenant's calls, of which there must be so many, and every third is undecided. All
   * are validated and of nobody's call without it.
   */
  fromCalls?: number;
}

/**
 * A dataset of examples, each a question and an answer, searched for personal data without findings. Their tokens are
 * guessed, as nothing measured here reads them but sums.
 */
export async function makeExamples(
  sql: pg.Client,
  { tenantId, seed, count, name, answer, fromCalls = 0 }: MadeExamples,
): Promise<string> {
  const texts = await sayings(sql, seed);
  const datasetId = await makeDataset(sql, tenantId, name);
  const answers = ['two', 'three', 'four', 'five'].slice(0, answer);
  for (let from = 1; from <= count; from += AT_ONCE)
    await sql.query(
      `INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        quality_score, validated, validated_by, validated_at, source, call_transcription_id, first_turn, last_turn,
        content_hash, tokens)
      SELECT $1::uuid, $6::uuid, n, messages, question, answer, 0.9, decided, CASE WHEN decided THEN 'bench' END,
        CASE WHEN decided THEN now() END, CASE WHEN call IS NULL THEN 'MANUAL' ELSE 'CALL' END::example_source, call,
        CASE WHEN call IS NOT NULL THEN 0 END, CASE WHEN call IS NOT NULL THEN 1 END, messages_hash(messages),
        11 + (length(question) + length(answer)) / 4
      FROM (SELECT n, question, answer, c.id AS call, c.id IS NULL OR n % 3 <> 0 AS decided, jsonb_build_array(
          jsonb_build_object('role', 'user', 'content', question),
          jsonb_build_object('role', 'assistant', 'content', answer)) AS messages
        FROM (SELECT n, one.text || ' It is about case ' || n || '.' AS question,
            concat_ws(' ', ${answers.map((table) => `${table}.text`).join(', ')}) AS answer
          FROM generate_series($4::int, $5::int) AS n
          JOIN said AS one ON one.nth = ${saying(1)}
          ${answers.map((table, place) => `JOIN said AS ${table} ON ${table}.nth = ${saying(place + 2)}`).join(' ')}
        ) AS spoken
        LEFT JOIN call_transcriptions AS c ON $7::int > 0 AND c.tenant_id = $1::uuid
          AND c.call_sid = ${sid('(1 + n % greatest(1, $7::int))')}) AS worded
      ORDER BY n`,
      [tenantId, seed, texts, from, Math.min(count, from + AT_ONCE - 1), datasetId, fromCalls],
    );
  await sql.query('UPDATE finetuning_datasets SET last_position = example_count WHERE id = $1', [datasetId]);
  await sql.query(
    'UPDATE finetuning_example_scans SET rules = $1, scanned_at = now() WHERE dataset_id = $2',
    [RULES_VERSION, datasetId],
  );
  return datasetId;
}

/** After all was made: leaves the database as one that has been in use for a while. */
export async function settle(sql: pg.Client): Promise<void> {
  await sql.query('VACUUM ANALYZE');
}

export function only<Row>([row]: Row[]): Row {
  if (row === undefined) throw new Error('There is no row');
  return row;
}
