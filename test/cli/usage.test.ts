import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { lockDirectory } from '../../src/db/lock.ts';
import { runCli, startCli, temporaryDirectory } from './support.ts';

const temporary = temporaryDirectory();
afterAll(() => temporary.remove());

describe('help', () => {
  test('prints the version', async () => {
    const { code, stdout } = await runCli(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each(['start', 'migrate', 'doctor', 'import', 'runs', 'demo'])(
    'tells of %s with an example',
    async (command) => {
      const { code, stdout } = await runCli([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ .*tunesmith ${command}`));
    },
  );
});

describe('wrong usage ends with 2', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['trian']],
    ['an unknown option', ['runs', '--live']],
    ['no file', ['import']],
    ['a confidence beyond 1', ['import', 'a.jsonl', '--confidence', '1.5']],
    ['an empty number', ['demo', '--max-examples', '']],
    ['a format that is none', ['import', 'a.jsonl', '--format', 'xml']],
    ['a file whose format cannot be told', ['import', 'package.json']],
    ['examples that are a table', ['import', 'package.json', '--format', 'csv', '--examples', 'x']],
    ['options of calls with examples', ['import', 'a.jsonl', '--examples', 'x', '--confidence', '0.9']],
    ['a validation of calls', ['import', 'a.jsonl', '--auto-validate']],
    ['an address that is none', ['runs', '--url', 'localhost:4000']],
    ['a time without a zone', ['import', 'a.vtt', '--created-at', '2026-11-22T09:30:00']],
    ['a folder for another’s server', ['demo', '--url', 'http://127.0.0.1:9', '--data-dir', 'x']],
  ])('%s', async (_what, args) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('an error that nobody expected', () => {
  // Answers that are none, and throw when they are read.
  const broken = `globalThis.fetch = async () => ({ status: 200, text() { throw new RangeError('no such range\\nanywhere') } })`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(broken)}`;

  test('is told in one line, with how to learn more', async () => {
    const { code, stdout, stderr } = await runCli(['runs'], { NODE_OPTIONS });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'Unexpected error: RangeError: no such range anywhere. This is most likely a fault in Tunesmith. Run it again with DEBUG=1 to see where.\n',
    );
  });

  test('tells where it happened to who asks for it', async () => {
    const { code, stderr } = await runCli(['runs'], { NODE_OPTIONS, DEBUG: '1' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Unexpected error: RangeError: .*\nRangeError: no such range/);
    expect(stderr).toMatch(/^\s+at /m);
  });
});

describe('without a server', () => {
  test.each([
    ['runs', ['runs']],
    ['runs --watch', ['runs', '--watch']],
    ['import', ['import', 'package.json', '--format', 'jsonl']],
    ['demo', ['demo', '--url', 'THERE']],
  ])('%s says so in one line, and how to start one', async (_what, args) => {
    const url = await deadUrl();
    const { code, stdout, stderr } = await runCli(
      args.map((arg) => (arg === 'THERE' ? url : arg)),
      { TUNESMITH_URL: url },
    );
    expect(code).toBe(1);
    expect(stdout.replace(/.*nothing is\s+charged\.\n/s, '').trim()).toBe('');
    expect(stderr).toMatch(/^Error: .*\n$/);
    expect(stderr).toContain(
      `No server answers at ${url} (ECONNREFUSED). Start one with "tunesmith start", or name another with --url.`,
    );
  });

  test('takes nothing else for one', async () => {
    const other = createServer((_request, response) => response.end('<h1>Hello</h1>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${portOf(other.address())}`;
    for (const args of [['runs'], ['import', 'package.json', '--format', 'jsonl']]) {
      const { code, stdout, stderr } = await runCli([...args, '--url', url]);
      expect(code).toBe(1);
      expect(stdout + stderr).toContain('not a Tunesmith server');
    }
    await new Promise((resolve) => other.close(resolve));
  });
});

test('migrates once, then serves until it is told to end', async () => {
  const env = { DATA_DIR: join(temporary.path, 'served'), PORT: '0' };
  const first = await runCli(['migrate'], env);
  expect(first.code).toBe(0);
  expect(first.stdout).toMatch(/^ {2}✓ \d{14}_\w+\n[^]*\d+ migrations applied to the database embedded in /);
  const second = await runCli(['migrate'], env);
  expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do: ') });

  const server = startCli(['start'], env);
  await server.printed(/GraphQL and GraphiQL at http:\/\/127\.0\.0\.1:\d+\/graphql/);
  server.process.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
}, 120_000);

describe('a server that cannot start says why, without a stack', () => {
  test('all faults of its configuration at once', async () => {
    const stderr = await refused({ PORT: 'many', AUTH: 'perhaps', LOG_LEVEL: 'loud', POLL_CRON: 'often' });
    for (const name of ['PORT', 'AUTH', 'LOG_LEVEL', 'POLL_CRON']) expect(stderr).toContain(`  ${name}: `);
  });

  test.each(['start', 'migrate'])('%s: the data directory is in use', async (command) => {
    const directory = join(temporary.path, `locked-${command}`);
    mkdirSync(directory);
    const lock = lockDirectory(directory);
    const stderr = await refused({ DATA_DIR: directory, PORT: '0' }, command);
    lock.release();
    expect(stderr).toContain(`${directory} is in use by process ${process.pid}`);
  });

  test('the data directory is a file', async () => {
    expect(await refused({ DATA_DIR: 'package.json', PORT: '0' })).toContain(
      'The data directory package.json cannot be used',
    );
  });

  test.runIf(process.platform === 'linux').each(['start', 'migrate'])(
    '%s: the data directory cannot be made',
    async (command) => {
      const stderr = await refused({ DATA_DIR: '/proc/tunesmith/data', PORT: '0' }, command);
      expect(stderr).toContain('The data directory /proc/tunesmith/data cannot be used: ENOENT');
    },
  );

  test.each(['start', 'migrate'])('%s: nothing answers at DATABASE_URL', async (command) => {
    const stderr = await refused({ DATABASE_URL: 'postgres://owner:secret@127.0.0.1:9/none' }, command);
    expect(stderr).toContain('The database that DATABASE_URL names cannot be used: ');
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).not.toContain('secret');
  });

  test('the port is in use', async () => {
    const other = createTcpServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = portOf(other.address());
    const stderr = await refused({
      PORT: String(port),
      DATA_DIR: join(temporary.path, 'served'),
      LOG_LEVEL: 'error',
    });
    await new Promise((resolve) => other.close(resolve));
    expect(stderr).toContain(`cannot listen on port ${port} of 127.0.0.1: another program is using it`);
  }, 120_000);
});

/** What a command prints that must fail without a stack. */
async function refused(env: Record<string, string>, command = 'start'): Promise<string> {
  const { code, stdout, stderr } = await runCli([command], env);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
}

/** An address where nothing listens: it was free a moment ago. */
async function deadUrl(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('It listens on no port');
  return address.port;
}
