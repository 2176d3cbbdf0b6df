/** A bucket that refuses, is not there, cannot be reached or does not answer: told in words that say what to mend. */
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ExportStore } from '../src/services/exportStore/port.ts';
import { ExportStoreError } from '../src/services/exportStore/storeError.ts';
import { startS3, type S3Server } from './support/s3.ts';
import { listAsS3, refuseAsS3, startS3StandIn, type S3StandIn } from './support/s3StandIn.ts';

const IMPATIENT = { connect: 300, answer: 300, idle: 300 };

let s3: S3Server;
let spool: string;
let standIn: S3StandIn | undefined;
beforeAll(async () => {
  s3 = await startS3();
  spool = await mkdtemp(join(tmpdir(), 'tunesmith-spool-'));
});
afterEach(() => standIn?.close());
afterAll(async () => {
  await s3.close();
  await rm(spool, { recursive: true, force: true });
});

async function write(store: ExportStore): Promise<void> {
  const writer = await store.create();
  try {
    await writer.write('what a caller said');
    await writer.finish(() => 'key');
  } finally {
    await writer.abort();
  }
}

async function list(store: ExportStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

const CALLS: [string, (store: ExportStore) => Promise<unknown>][] = [
  ['size', (store) => store.size('key')],
  ['delete', (store) => store.delete('key')],
  ['list', list],
  ['write', write],
  ['read', (store) => text(store.open('key'))],
];

/** Each call of the store fails, as an ExportStoreError with the code, whose message says all of that. */
async function expectProblem(
  store: ExportStore,
  code: string,
  words: string[],
  calls = CALLS.map(([name]) => name),
): Promise<void> {
  for (const [name, call] of CALLS.filter(([one]) => calls.includes(one))) {
    const error: unknown = await call(store).catch((thrown: unknown) => thrown);
    if (!(error instanceof ExportStoreError)) throw new Error(`${name}: ${String(error)}`);
    expect([name, error.code]).toEqual([name, code]);
    for (const word of words) expect(error.message).toContain(word);
    expect(error.message).not.toMatch(/UnknownError|what a caller said/);
  }
  expect(await readdir(spool)).toEqual([]);
}

test('a refused key', async () => {
  const stranger = { accessKeyId: 'nobody', secretAccessKey: 'wrong' };
  const store = s3.store('x/', spool, { credentials: stranger });
  await expectProblem(store, 'STORE_REFUSED', [
    `The bucket exports at ${new URL(s3.options.endpoint ?? '').host} refuses the key (403`,
    'Check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  ]);
});

test('a bucket that is not there, which a question for a file alone would not tell from a missing file', async () => {
  const store = s3.store('x/', spool, { bucket: 'nowhere' });
  await expectProblem(
    store,
    'STORE_BUCKET_MISSING',
    ['There is no bucket nowhere', 'S3_BUCKET'],
    ['size', 'delete', 'list', 'write', 'read'],
  );
});

test('a bucket of another region', async () => {
  standIn = await startS3StandIn((_request, response) => refuseAsS3(response, 301, 'PermanentRedirect'));
  await expectProblem(standIn.store(spool), 'STORE_WRONG_REGION', ['another region', 'Set S3_REGION']);
});

test('an endpoint where nobody listens', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const endpoint = `http://127.0.0.1:${address instanceof Object ? address.port : 0}`;
  taken.close();
  await once(taken, 'close');
  const store = s3.store('x/', spool, { endpoint });
  await expectProblem(store, 'STORE_UNREACHABLE', ['cannot be reached (ECONNREFUSED)', 'Check S3_ENDPOINT']);
});

test('a store with a fault of its own', async () => {
  standIn = await startS3StandIn((request, response) => {
    request.resume();
    refuseAsS3(response, 500, 'InternalError');
  });
  await expectProblem(standIn.store(spool), 'STORE_FAILED', ['answers with an error (500'], ['size', 'list']);
});

describe('a store that does not answer', () => {
  test('is given up', async () => {
    standIn = await startS3StandIn(() => undefined);
    await expectProblem(standIn.store(spool, IMPATIENT), 'STORE_TIMED_OUT', [
      'does not answer in time',
      'Check S3_ENDPOINT',
    ]);
  });

  test('to an upload, is given up', async () => {
    standIn = await startS3StandIn((request, response) => {
      if (request.method === 'HEAD') response.writeHead(request.url?.includes('/mine/') ? 404 : 200).end();
    });
    await expectProblem(standIn.store(spool, IMPATIENT), 'STORE_TIMED_OUT', ['in time'], ['write']);
  });

  test('in the middle of a file, is given up', async () => {
    standIn = await startS3StandIn((_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
    });
    const read: string[] = [];
    const reading = async () => {
      for await (const chunk of standIn?.store(spool, IMPATIENT).open('key') ?? []) read.push(String(chunk));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'STORE_TIMED_OUT' });
    expect(read.join('')).toBe('half');
  });
});

test('a slow reader is no fault of the store', async () => {
  const whole = 'x'.repeat(1_000_000);
  standIn = await startS3StandIn((_request, response) => {
    response.writeHead(200, { 'content-length': whole.length }).end(whole);
  });
  const read: string[] = [];
  for await (const chunk of standIn.store(spool, IMPATIENT).open('key')) {
    // That time passes is what is tested: twice as much as the store would be given.
    if (read.length === 0) await after(2 * IMPATIENT.idle);
    read.push(String(chunk));
  }
  expect(read.join('') === whole).toBe(true);
});

/**
 * Not on the S3 server of the other tests: it makes the token for the next page with the cipher DES, which OpenSSL 3 has
 * no more, and so answers every list that goes on with InternalError.
 */
test('a list of more than a page is read to its end', async () => {
  const keys = Array.from({ length: 2_500 }, (_, index) => `mine/t/${String(index).padStart(5, '0')}.jsonl`);
  const tokens: (string | null)[] = [];
  standIn = await startS3StandIn((_request, response, url) => {
    tokens.push(url.searchParams.get('continuation-token'));
    listAsS3(response, url, [...keys, 'theirs/t/1.jsonl']);
  });
  expect(await list(standIn.store(spool))).toEqual(keys.map((key) => key.slice('mine/'.length)));
  expect(tokens).toHaveLength(3);
  expect(tokens[0]).toBeNull();
  expect(new Set(tokens).size).toBe(3);
});
