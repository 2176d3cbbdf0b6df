/** Collecting a tenth of the calls as examples, against one INSERT … SELECT in the database. */
import { setTimeout as after } from 'node:timers/promises';
import { encodeGlobalID } from '@pothos/plugin-relay';
import type { Client } from '../soak/client.ts';
import { createCollectService } from '../src/services/collect.ts';
import { createPrecedence } from '../src/services/precedence.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { race, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { waitsMeanwhile } from './meanwhile.ts';
import { Collect, SmallQuery } from './serverDocuments.ts';
import { makeCalls, makeDataset, settle } from './seed.ts';
import { clientOf } from './client.ts';
import type { Product } from './processes.ts';
import { withWorld, type Tenant, type World } from './world.ts';

const CALLS = 1_000_000;
const EXAMPLES = 100_000;
/** Of the limit's time. */
const GOALS = { counted: 1.5, uncounted: 1.15 };
/** In milliseconds. */
const LONGEST_WAIT = 50;
/** Of the memory for a tenth. */
const FLAT = 1.25;

const RULES = { minConfidence: 0.8, minMessageLength: 20 };

export const collect: Benchmark = {
  name: 'collect',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, (world) => measure(world, options)),
};

interface Work {
  world: World;
  tenant: Tenant;
  client: Client;
  server: Product;
  examples: number;
  /** How many examples come up before so many have been added; the limit is told. */
  candidates: number;
  datasetId: string;
}

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure[]> {
  const tenant = await world.addTenant('Bench');
  const [calls, examples] = [Math.round(CALLS * scale), Math.round(EXAMPLES * scale)];
  tell(`collect: making ${calls} calls`);
  await makeCalls(world.sql, { tenantId: tenant.id, seed, count: calls });
  await settle(world.sql);
  const server = await world.startProduct('server');
  const client = clientOf(server.url, tenant);
  const work: Work = { world, tenant, client, server, examples, candidates: 0, datasetId: '' };
  await collectAfresh({ ...work, examples: Math.round(examples / 10) });
  await searched(work);
  const tenthPeakMb = server.peakMb();
  tell(`collect: ${examples} examples, ours with and without tokens and the limit in turns`);
  const took = await raceAll(work, rounds);
  const peakMemoryMb = server.peakMb();
  tell('collect: once more, with a small query asked meanwhile');
  await emptyDataset(work);
  const waits = await waitsMeanwhile(
    () => collectOverHttp(work),
    () => work.client.ask(SmallQuery, {}),
  );
  const flat = peakMemoryMb <= FLAT * tenthPeakMb;
  const common = { unit: 's', limit: took.limit, peer: null, peakMemoryMb, work: examples };
  return [
    {
      ...common,
      name: 'collect',
      ours: took.counted,
      goal: `${GOALS.counted} times the limit, flat memory, a small query within ${LONGEST_WAIT} ms meanwhile`,
      reached: took.counted <= GOALS.counted * took.limit && flat && waits.p99Ms <= LONGEST_WAIT,
      also: {
        examplesPerSecond: examples / took.counted,
        queryP50Ms: waits.p50Ms,
        queryP99Ms: waits.p99Ms,
        queryMaxMs: waits.maxMs,
        queries: waits.requests,
        memoryOfTenthMb: tenthPeakMb,
      },
    },
    {
      ...common,
      name: 'collectUncounted',
      ours: took.uncounted,
      goal: `${GOALS.uncounted} times the limit, without counting tokens`,
      reached: took.uncounted <= GOALS.uncounted * took.limit,
    },
  ];
}

/** Gives how many came up before all were added. */
async function collectAfresh(work: Work): Promise<number> {
  await emptyDataset(work);
  const { added, alreadyThere } = await collectOverHttp(work);
  if (added !== work.examples) throw new Error(`There are only ${added} examples in the calls`);
  return added + alreadyThere;
}

async function raceAll(work: Work, rounds: number) {
  work.candidates = await collectAfresh(work);
  const uncounted = createCollectService({
    db: work.world.db,
    precedence: createPrecedence(),
    countTokens: async () => 0,
  });
  const shared = { before: () => emptyDataset(work), result: () => contentOf(work) };
  const took = await race<null>(
    [
      { ...shared, name: 'counted', run: () => collectOverHttp(work) },
      {
        ...shared,
        name: 'uncounted',
        // The server would search the examples for personal data as soon as there are any.
        run: () =>
          work.server.pausing(() => uncounted.collect(serverViewer(work.tenant.id, 'bench'), inputOf(work))),
      },
      { ...shared, name: 'limit', run: () => collectInOneStatement(work) },
    ],
    () => null,
    rounds,
  );
  const of = (name: string) => took.get(name) ?? NaN;
  return { counted: of('counted'), uncounted: of('uncounted'), limit: of('limit') };
}

/**
 * Until the server has searched what was collected for personal data, which it begins to as soon as there is any, in a
 * thread with memory of its own: while others have their turn it does, and the tenth is to be compared with that.
 */
async function searched({ world }: Work): Promise<void> {
  for (;;) {
    const { rows } = await world.sql.query('SELECT 1 FROM finetuning_example_scans WHERE rules = 0 LIMIT 1');
    if (rows.length === 0) return;
    await after(100);
  }
}

/** Without what was collected before, and without what that would leave in the tables' pages. */
async function emptyDataset(work: Work): Promise<void> {
  const { sql } = work.world;
  await sql.query('TRUNCATE finetuning_datasets CASCADE');
  work.datasetId = await makeDataset(sql, work.tenant.id, 'Collected');
}

const inputOf = ({ datasetId, examples }: Work) => ({
  datasetId,
  maxExamples: examples,
  strategy: 'PAIR' as const,
  autoValidate: true,
  ...RULES,
});

async function collectOverHttp(work: Work): Promise<{ added: number; alreadyThere: number }> {
  const input = { ...inputOf(work), datasetId: encodeGlobalID('Dataset', work.datasetId) };
  const { collectExamples } = await work.client.ask(Collect, { input });
  if (!('added' in collectExamples)) throw new Error(`Collecting was refused: ${collectExamples.message}`);
  return collectExamples;
}

/**
 * The same examples by one statement into the same table. It knows beforehand how many come up, and that in these calls the
 * sides take turns: nothing that collects has less to do.
 */
async function collectInOneStatement(work: Work): Promise<void> {
  await work.world.sql.query(
    `INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
      quality_score, validated, validated_by, validated_at, source, call_transcription_id, first_turn, last_turn, content_hash)
    SELECT $1::uuid, $2::uuid, row_number() OVER (ORDER BY transcript_confidence DESC, created_at, call_sid, turn), messages,
      question, answer, round(transcript_confidence::numeric, 2), true, $3::text, now(), 'CALL', id, turn, turn + 1,
      messages_hash(messages)
    FROM (
      SELECT id, transcript_confidence, created_at, call_sid, turn, question, answer, jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', question),
        jsonb_build_object('role', 'assistant', 'content', answer)) AS messages
      FROM call_transcriptions CROSS JOIN LATERAL (
        SELECT turn, turns -> turn ->> 'text' AS question, turns -> (turn + 1) ->> 'text' AS answer
        FROM generate_series(0, jsonb_array_length(turns) - 2) AS turn
        WHERE turns -> turn ->> 'speaker' = 'caller' AND turns -> (turn + 1) ->> 'speaker' = 'agent'
      ) AS pair
      WHERE tenant_id = $1::uuid AND call_status = 'completed' AND transcript_confidence >= $4::float8
        AND length(question) > $5::int AND length(answer) > $5::int
      ORDER BY transcript_confidence DESC, created_at, call_sid, turn LIMIT $6::int
    ) AS pairs
    ON CONFLICT (dataset_id, content_hash) DO NOTHING`,
    [
      work.tenant.id,
      work.datasetId,
      `rule: confidence >= ${RULES.minConfidence}`,
      RULES.minConfidence,
      RULES.minMessageLength,
      work.candidates,
    ],
  );
}

/** All that was collected, but for its tokens. */
async function contentOf({ world, datasetId }: Work): Promise<unknown> {
  const { rows } = await world.sql.query(
    `SELECT count(*)::int, md5(string_agg(concat_ws('|', position, encode(content_hash, 'hex'), user_message,
      assistant_response, quality_score, validated_by, call_transcription_id, first_turn, last_turn), E'\\n' ORDER BY position))
    FROM finetuning_examples WHERE dataset_id = $1`,
    [datasetId],
  );
  return rows;
}
