/** From starting the process to the first answered query, against a bare server that connects to the database. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openSandboxProcess } from '../crashtest/messages.ts';
import { openDatabase } from '../src/db/database.ts';
import { DEFAULT_TENANT, ensureTenant } from '../src/db/tenants.ts';
import { packageRoot } from '../src/paths.ts';
import { createDatabase } from '../test/support/database.ts';
import { race, type Benchmark, type BenchOptions, type Contender, type Figure } from './frame.ts';
import { makeExamples } from './serverData.ts';
import { memoryMb } from './world.ts';

const EXAMPLES = 100_000;
/** In seconds and megabytes. */
const GOALS = { postgres: 0.5, embedded: 1.5, embeddedNew: 2.5, idleMb: 150 };
/** How long a server is left alone before its memory is read. */
const IDLE_MS = 5000;

export const start: Benchmark = {
  name: 'start',
  group: 'server',
  needsServer: true,
  async run(options) {
    const closers: (() => Promise<void>)[] = [];
    try {
      return await measure(options, closers);
    } finally {
      for (const close of closers.toReversed()) await close();
    }
  },
};

/** How a process is started. */
interface Way {
  args: string[];
  env: Record<string, string>;
}

async function measure(
  { databaseUrl: server, scale, seed, rounds, tell }: BenchOptions,
  closers: (() => Promise<void>)[],
): Promise<Figure[]> {
  if (server === undefined) throw new Error('This benchmark needs --database-url');
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  const provider = await openSandboxProcess({
    dataDir: join(directory, 'sandbox'),
    entry: new URL('dist/crashtestSandbox.js', packageRoot),
  });
  closers.push(() => provider.close());
  const examples = Math.round(EXAMPLES * scale);
  tell(`start: making databases of ${examples} examples and a tenth of that`);
  const databases = { large: '', small: '' };
  for (const [size, count] of [['large', examples] as const, ['small', Math.round(examples / 10)] as const]) {
    const made = await createDatabase(server, `tunesmith_bench_${randomUUID().replaceAll('-', '')}`);
    closers.push(() => made.drop());
    await fill(made.url, seed, count);
    databases[size] = made.url;
  }
  const postgres = (databaseUrl: string): Way =>
    product({
      DATABASE_URL: databaseUrl,
      DATA_DIR: join(directory, 'postgres'),
      OPENAI_API_KEY: 'sandbox',
      OPENAI_BASE_URL: provider.url,
    });
  const existing = join(directory, 'existing');
  const fresh = join(directory, 'fresh');
  await ended(await answering(product({ DATA_DIR: existing })));

  tell('start: on Postgres, embedded, embedded from nothing and the limit in turns');
  const took = await race<null>(
    [
      contender('postgres', postgres(databases.large)),
      contender('postgresTenth', postgres(databases.small)),
      contender('embedded', product({ DATA_DIR: existing })),
      {
        ...contender('embeddedNew', product({ DATA_DIR: fresh })),
        before: () => rm(fresh, { recursive: true, force: true }),
      },
      contender('limit', {
        args: ['--input-type=module', '--eval', BARE],
        env: { DATABASE_URL: databases.large },
      }),
    ],
    () => null,
    rounds,
  );
  const of = (name: string) => took.get(name) ?? NaN;

  const idle = await answering(postgres(databases.large));
  await after(IDLE_MS);
  const idleMb = await memoryMb(idle.pid);
  await ended(idle);

  const figure = (name: keyof typeof GOALS, ours: number, goal: number, limit: number | null): Figure => ({
    name: `start${name[0]?.toUpperCase()}${name.slice(1)}`,
    unit: 's',
    ours,
    limit,
    peer: null,
    goal: `within ${goal} s`,
    reached: ours <= goal,
  });
  return [
    {
      ...figure('postgres', of('postgres'), GOALS.postgres, of('limit')),
      goal: `within ${GOALS.postgres} s, ${GOALS.idleMb} MB when idle`,
      reached: of('postgres') <= GOALS.postgres && idleMb <= GOALS.idleMb,
      peakMemoryMb: idleMb,
      also: { idleMb, timesATenth: of('postgres') / of('postgresTenth') },
    },
    figure('embedded', of('embedded'), GOALS.embedded, of('limit')),
    figure('embeddedNew', of('embeddedNew'), GOALS.embeddedNew, of('limit')),
  ];
}

function contender(name: string, way: Way): Contender<null> {
  let child: ChildProcess | undefined;
  return {
    name,
    run: async () => {
      child = await answering(way);
    },
    result: async () => {
      if (child) await ended(child);
    },
  };
}

/** The server as it is built, started as `npm start` does. */
function product(env: Record<string, string>): Way {
  const cli = fileURLToPath(new URL('dist/cli.js', packageRoot));
  return {
    args: ['--max-semi-space-size=32', cli, 'start'],
    env: { ...env, PORT: '0', LOG_LEVEL: 'info', DRAIN_SECONDS: '0' },
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
  server.listen(0, '127.0.0.1', () => console.error('At http://127.0.0.1:' + server.address().port + '/'));
`;

const QUERY = JSON.stringify({ query: '{ datasets(first: 1) { totalCount } }' });

/** Starts a process and resolves when it has answered a query. */
async function answering({ args, env }: Way): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(packageRoot),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  const address = new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      const [found] = /http:\/\/127\.0\.0\.1:\d+\/(?:graphql)?/.exec(line) ?? [];
      if (found !== undefined && !line.includes('Database')) resolve(found);
    });
    child.on('exit', () => reject(new Error(`A server ended while it started:\n${lines.join('\n')}`)));
  });
  const response = await fetch(await address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: QUERY,
  });
  const answer = await response.text();
  if (!answer.startsWith('{"data":{')) throw new Error(`The first query was answered with ${answer}`);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** A database of the default tenant, with a dataset. */
async function fill(databaseUrl: string, seed: number, count: number): Promise<void> {
  const db = await openDatabase({
    databaseUrl,
    onError: (error) => {
      throw error;
    },
  });
  await ensureTenant(db, DEFAULT_TENANT);
  await db.close();
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  await makeExamples(sql, { tenantId: DEFAULT_TENANT, seed, count, name: 'Examples' });
  await sql.end();
}
