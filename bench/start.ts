/** From starting the process to the first answered query, against a bare server that connects to the database. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { DEFAULT_TENANT, ensureTenant } from '../src/db/tenants.ts';
import { race, type Benchmark, type BenchOptions, type Contender, type Figure } from './frame.ts';
import { product, startServer, type ServerProcess, type Way } from './processes.ts';
import { makeExamples, settle } from './seed.ts';
import { withWorld, type World } from './world.ts';

const EXAMPLES = 100_000;
/** In seconds. */
const GOALS = { start: 0.5, startEmbedded: 1.5, startEmbeddedNew: 2.5 };
const IDLE_GOAL_MB = 150;
/** How long a server is left alone before its memory is read; shorter with less data. */
const IDLE_MS = 5000;

export const start: Benchmark = {
  name: 'start',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, (world) => measure(world, options)),
};

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure[]> {
  const examples = Math.round(EXAMPLES * scale);
  tell(`start: making a database of ${examples} examples`);
  await ensureTenant(world.db, DEFAULT_TENANT);
  const made = { tenantId: DEFAULT_TENANT, seed, count: examples, name: 'Examples', answer: 4 };
  await makeExamples(world.sql, made);
  await settle(world.sql);
  const embeddedDir = join(world.directory, 'embedded');
  const embedded = product({ DATA_DIR: embeddedDir });
  const onServer = product({
    DATABASE_URL: world.databaseUrl,
    DATA_DIR: join(world.directory, 'server'),
    ...(await world.startProvider()),
  });

  tell('start: on a server, embedded from nothing, embedded and the limit in turns');
  const peaks = new Map<string, number>();
  const took = await race<null>(
    [
      contender('start', peaks, onServer),
      {
        ...contender('startEmbeddedNew', peaks, embedded),
        before: () => rm(embeddedDir, { recursive: true, force: true }),
      },
      contender('startEmbedded', peaks, embedded), // Finds what the one before has made.
      contender('limit', peaks, {
        args: ['--input-type=module', '--eval', BARE],
        env: { DATABASE_URL: world.databaseUrl },
      }),
    ],
    () => null,
    rounds,
  );

  const idle = await answering(onServer);
  await after(Math.min(1, scale * 10) * IDLE_MS);
  const idleMb = idle.memoryMb();
  await idle.close();

  const figure = (name: keyof typeof GOALS): Figure => {
    const peakMemoryMb = peaks.get(name) ?? NaN;
    const ours = took.get(name) ?? NaN;
    const goal = GOALS[name];
    const limit = took.get('limit') ?? NaN;
    const reached = ours <= goal;
    return { name, unit: 's', ours, limit, peer: null, goal: `within ${goal} s`, reached, peakMemoryMb };
  };
  const first = figure('start');
  return [
    {
      ...first,
      goal: `${first.goal}, ${IDLE_GOAL_MB} MB when idle`,
      reached: first.reached && idleMb <= IDLE_GOAL_MB,
      peakMemoryMb: idleMb,
    },
    figure('startEmbedded'),
    figure('startEmbeddedNew'),
  ];
}

/** Its result, which is waited for and not timed, is that the process has ended; `peaks` gets what memory it took. */
function contender(name: string, peaks: Map<string, number>, way: Way): Contender<null> {
  let server: ServerProcess | undefined;
  return {
    name,
    run: async () => {
      server = await answering(way);
    },
    result: async () => {
      peaks.set(name, server?.peakMb() ?? NaN);
      await server?.close();
    },
  };
}

/** The least that answers a question from the database. */
const BARE = `
  import { createServer } from 'node:http';
  import pg from 'pg';
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  const server = createServer(async (request, response) => {
    const { rows } = await client.query('SELECT count(*)::int AS count FROM finetuning_datasets');
    response.end(JSON.stringify({ data: rows[0] }));
  });
  server.listen(0, '127.0.0.1', () => console.error('It is at http://127.0.0.1:' + server.address().port + '/graphql'));
`;

const QUERY = JSON.stringify({ query: '{ datasets(first: 1) { totalCount } }' });

/** Starts a process and resolves when it has answered a query. */
async function answering(way: Way): Promise<ServerProcess> {
  const server = await startServer(way);
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: QUERY,
  });
  const answer = await response.text();
  if (!answer.startsWith('{"data":{')) throw new Error(`The first query was answered with ${answer}`);
  return server;
}
