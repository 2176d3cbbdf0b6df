/** `tunesmith doctor` on set-ups that are broken in one way or another. */
import { once } from 'node:events';
import { chownSync, readdirSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { lockDirectory } from '../../src/db/lock.ts';
import { createServerDatabase, onServer } from '../support/database.ts';
import { startS3 } from '../support/s3.ts';
import { lastJson, runCli, temporaryDirectory, type Ended } from './support.ts';

interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  found: string;
  mend: string | null;
}

const PASSWORD = 'do-not-tell-this-password';
const KEY = 'sk-do-not-tell-this-key';
/** A database server that is not there: what else is looked at is then looked at quickly. */
const NOBODY = `postgres://someone:${PASSWORD}@127.0.0.1:9/tunesmith`;

let directory: { path: string; remove: () => void };
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one();
  directory.remove();
});

async function doctor(env: Record<string, string> = {}, args: string[] = []) {
  const ended = await runCli(['doctor', '--json', ...args], { DATA_DIR: directory.path, PORT: '0', ...env });
  expectNoSecret(ended);
  const { ok, checks } = lastJson(ended.stdout) as { ok: boolean; checks: Finding[] };
  expect(ended.code).toBe(ok ? 0 : 1);
  expect(ok).toBe(checks.every(({ status }) => status !== 'fail'));
  for (const { status, mend } of checks) expect(mend === null).toBe(status === 'ok');
  const of = (check: string) => checks.filter((one) => one.check === check);
  return { ...ended, checks, of, one: (check: string) => of(check)[0] };
}

function expectNoSecret({ stdout, stderr }: Ended): void {
  expect(stdout + stderr).not.toMatch(/do-not-tell/);
  expect(stderr).toBe('');
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => server.close());
  const address = server.address();
  return address instanceof Object ? address.port : 0;
}

test('the configuration: every fault with what it is for, and no value', async () => {
  const broken = { PORT: 'do-not-tell', DOWNLOAD_SECRET: 'do-not-tell', DATABASE_URL: 'do-not-tell' };
  const { checks, code } = await doctor(broken);
  expect(code).toBe(1);
  expect(checks.map(({ check, status }) => [check, status])).toEqual(
    checks.map(() => ['configuration', 'fail']),
  );
  expect(checks.map(({ found }) => found.split(':', 1)[0])).toEqual(
    Object.keys(broken).toSorted((a, b) => order(a) - order(b)),
  );
});

const order = (name: string) => ['PORT', 'DATABASE_URL', 'DOWNLOAD_SECRET'].indexOf(name);

describe('the machine', () => {
  test('a data directory that is a file, and a store that is one', async () => {
    const file = join(directory.path, 'file');
    writeFileSync(file, '');
    const { one } = await doctor({ DATA_DIR: file, EXPORT_DIR: file });
    expect(one('data directory')).toMatchObject({ status: 'fail', found: `${file} is no directory` });
    expect(one('store')).toMatchObject({ status: 'fail', mend: expect.stringContaining('EXPORT_DIR') });
  });

  test('a bucket that refuses the key, and one that is not there', async () => {
    const s3 = await startS3();
    cleanUp.push(() => s3.close());
    const bucket = (name: string, key: string) =>
      doctor({
        DATABASE_URL: NOBODY,
        S3_BUCKET: name,
        S3_ENDPOINT: s3.options.endpoint ?? '',
        S3_PATH_STYLE: 'true',
        S3_ACCESS_KEY_ID: key,
        S3_SECRET_ACCESS_KEY: key,
      });
    expect((await bucket('exports', 'do-not-tell')).one('store')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('refuses the key (403'),
      mend: expect.stringContaining('S3_ACCESS_KEY_ID'),
    });
    expect((await bucket('nowhere', 'S3RVER')).one('store')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('There is no bucket nowhere'),
      mend: expect.stringContaining('S3_BUCKET'),
    });
  });

  test('a disk that is getting full, and one that is', async () => {
    const { bavail, bsize } = await statfs(directory.path);
    const free = (bavail * bsize) / 1e9;
    const tight = await doctor({ DATABASE_URL: NOBODY }, ['--min-free', String(free * 2)]);
    expect(tight.one('free disk')).toMatchObject({
      status: 'warn',
      mend: expect.stringContaining('Make room'),
    });
    const full = await doctor({ DATABASE_URL: NOBODY }, ['--min-free', String(free * 20)]);
    expect(full.one('free disk')).toMatchObject({ status: 'fail' });
  });

  test('a directory that a server uses is left alone', async () => {
    const lock = lockDirectory(directory.path);
    cleanUp.push(() => lock.release());
    const { one, of, code } = await doctor();
    expect(one('directory lock')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining(`in use by process ${process.pid}`),
    });
    expect(of('database')).toEqual([]);
    expect(code).toBe(0);
  });

  test('a port that another program has, and one that is served already', async () => {
    const other = await serve((_request, response) => response.end('<h1>Hello</h1>'));
    const foreign = await doctor({ DATABASE_URL: NOBODY, PORT: String(other) });
    expect(foreign.one('port')).toMatchObject({ status: 'fail', mend: expect.stringContaining('PORT') });
    const ours = await serve((_request, response) => response.end('{"status":"live"}'));
    const served = await doctor({ DATABASE_URL: NOBODY, PORT: String(ours) });
    expect(served.one('port')).toMatchObject({ status: 'ok', found: expect.stringContaining('Tunesmith') });
  });
});

const ask = (port: number) =>
  doctor({
    DATABASE_URL: NOBODY,
    OPENAI_API_KEY: KEY,
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
  });
/** Its clock is that far ahead when it answers, which is seconds after it was made on a machine that is busy. */
const answering = (status: number, body: unknown, aheadMs = 0) =>
  serve((request, response) => {
    const date = new Date(Date.now() + aheadMs).toUTCString();
    response.writeHead(status, { 'content-type': 'application/json', date });
    response.end(JSON.stringify(body).replaceAll('KEY', request.headers.authorization ?? ''));
  });

describe('the provider', () => {
  test('accepts the key, and its clock is compared', async () => {
    const list = { object: 'list', data: [], has_more: false };
    const right = await ask(await answering(200, list));
    expect([right.one('provider'), right.one('clock')]).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    const slow = await ask(await answering(200, list, -600_000));
    expect(slow.one('clock')).toMatchObject({
      status: 'fail',
      found: expect.stringMatching(/^(599|600|601)\.\d s ahead of the provider’s$/),
      mend: expect.stringContaining('NTP'),
    });
    const askew = await ask(await answering(200, list, 20_000));
    expect(askew.one('clock')).toMatchObject({ status: 'warn', found: expect.stringContaining('behind') });
  });

  test.each([
    [401, 'fail', 'unauthorized', 'OPENAI_API_KEY'],
    [403, 'fail', 'forbidden', 'right to fine-tune'],
    [404, 'fail', 'not found', 'OPENAI_BASE_URL'],
    [500, 'warn', 'failed', 'Try again later'],
  ])('answers %i', async (status, verdict, found, mend) => {
    const { one } = await ask(await answering(status, { error: { message: 'Not with KEY' } }));
    expect(one('provider')).toMatchObject({
      status: verdict,
      found: expect.stringContaining(found),
      mend: expect.stringContaining(mend),
    });
  });

  test('is away, and Redis too', async () => {
    const { one } = await doctor({
      DATABASE_URL: NOBODY,
      REDIS_URL: `redis://someone:${PASSWORD}@127.0.0.1:9`,
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    });
    expect(one('provider')).toMatchObject({ status: 'fail', found: expect.stringContaining('unreachable') });
    expect(one('Redis')).toMatchObject({ status: 'fail', found: '127.0.0.1:9: ECONNREFUSED' });
  });
});

test.runIf(process.getuid?.() === 0)(
  'as root it writes nothing where the server would write as another',
  async () => {
    chownSync(directory.path, 65_534, 65_534);
    const { one } = await doctor({ DATABASE_URL: NOBODY });
    const warning = { status: 'warn', mend: expect.stringContaining("sudo -u '#65534' tunesmith doctor") };
    expect(one('data directory')).toMatchObject(warning);
    expect(one('store')).toMatchObject(warning);
    expect(readdirSync(directory.path)).toEqual([]);
  },
);

test('a database server that is not there', async () => {
  const { one } = await doctor({ DATABASE_URL: NOBODY });
  expect(one('database')).toMatchObject({
    status: 'fail',
    found: '127.0.0.1:9/tunesmith: ECONNREFUSED',
    mend: expect.stringContaining('DATABASE_URL'),
  });
});

/** Runs statements on a database in the directory, as its owner. */
async function alter(...statements: string[]): Promise<void> {
  const embedded = await openEmbedded({ dataDir: directory.path });
  const client = new pg.Client({ user: 'postgres', database: 'postgres', stream: () => embedded.connect() });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
  await embedded.close();
}

test('an embedded database: whole, changed by hand, and behind', async () => {
  expect((await runCli(['migrate'], { DATA_DIR: directory.path })).code).toBe(0);
  const whole = await doctor();
  expect(whole.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
  expect(whole.one('tenants apart')?.found).toMatch(/^\d\d tables under row level security/);

  await alter(
    'ALTER TABLE finetuning_reviews DROP COLUMN created_at CASCADE',
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '', '20990101000000_newer', now())`,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('2', '', '20990102000000_broken')`,
    `UPDATE _prisma_migrations SET checksum = 'other' WHERE migration_name LIKE '%_tables'`,
    'ALTER ROLE tunesmith_app BYPASSRLS',
    'CREATE POLICY everybody ON finetuning_datasets USING (true)',
  );
  const changed = await doctor();
  const migrations = changed.of('migrations').map(({ status, found }) => `${status} ${found}`);
  expect(migrations).toEqual([
    expect.stringMatching(/^fail 20990102000000_broken failed/),
    expect.stringMatching(/^warn applied in another wording: \d+_tables$/),
    expect.stringMatching(/^warn the database has 2 migrations that this version does not know/),
    expect.stringMatching(/^fail the database lacks finetuning_reviews\.created_at$/),
  ]);
  expect(changed.one('roles')).toMatchObject({
    status: 'fail',
    found: 'tunesmith_app can pass row level security',
    mend: expect.stringContaining('ALTER ROLE tunesmith_app NOSUPERUSER NOBYPASSRLS;'),
  });
  expect(changed.one('tenants apart')).toMatchObject({
    status: 'fail',
    found: expect.stringContaining('on finetuning_datasets'),
  });

  await alter(
    'ALTER ROLE tunesmith_app NOBYPASSRLS',
    'DROP POLICY everybody ON finetuning_datasets',
    'ALTER TABLE finetuning_examples NO FORCE ROW LEVEL SECURITY',
    `DELETE FROM _prisma_migrations WHERE migration_name LIKE '2099%' OR migration_name LIKE '%_scans'`,
  );
  const behind = await doctor();
  expect(behind.of('migrations')[0]).toMatchObject({
    status: 'fail',
    found: expect.stringMatching(/^1 migration pending, the first \d+_scans$/),
    mend: expect.stringContaining('tunesmith migrate'),
  });
  expect(behind.one('tenants apart')).toMatchObject({
    status: 'fail',
    found: expect.stringContaining('on finetuning_examples'),
    mend: expect.stringContaining('ALTER TABLE finetuning_examples FORCE ROW LEVEL SECURITY;'),
  });
  expect(behind.one('roles')?.status).toBe('ok');
}, 120_000);

const SERVER = process.env['TEST_DATABASE_URL'];

describe.skipIf(!SERVER)('a database server', () => {
  test('that is whole, or empty', async () => {
    const whole = await doctor({ DATABASE_URL: (await createServerDatabase()) ?? '' });
    expect([whole.one('database'), whole.one('migrations'), whole.one('tenants apart')]).toMatchObject([
      { status: 'ok' },
      { status: 'ok' },
      { status: 'ok' },
    ]);
    const empty = await doctor({ DATABASE_URL: (await createServerDatabase({ migrated: false })) ?? '' });
    expect(empty.one('migrations')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('empty'),
    });
  });

  test('whose database or account is not there, or may not act as the roles', async () => {
    const missing = new URL(SERVER ?? '');
    missing.pathname = '/there-is-none-of-this-name';
    expect((await doctor({ DATABASE_URL: missing.href })).one('database')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('does not exist'),
    });
    const account = `tunesmith_test_${process.env['TEST_RUN_ID']}_${process.pid}`;
    await onServer(SERVER ?? '', (client) =>
      client.query(`CREATE ROLE ${account} LOGIN PASSWORD '${PASSWORD}'`),
    );
    cleanUp.push(() => onServer(SERVER ?? '', (client) => client.query(`DROP ROLE ${account}`)));
    const url = new URL((await createServerDatabase({ migrated: false })) ?? '');
    url.username = account;
    url.password = PASSWORD;
    expect((await doctor({ DATABASE_URL: url.href })).one('roles')).toMatchObject({
      status: 'fail',
      found: 'the account may not act as tunesmith_app and tunesmith_system',
      mend: expect.stringContaining('GRANT'),
    });
  });
});

test('for people it is a table with marks, and what to do', async () => {
  const { stdout, code } = await runCli(['doctor'], {
    DATABASE_URL: NOBODY,
    DATA_DIR: directory.path,
    PORT: '0',
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ {2}✓ configuration {3}all variables fit$/m);
  expect(stdout).toMatch(/^ {2}✗ database {8}127\.0\.0\.1:9\/tunesmith: ECONNREFUSED\n {20}→ Check host/m);
  expect(stdout).toMatch(/^ {2}1 fault\.$/m);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
});
