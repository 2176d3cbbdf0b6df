/** What every store of exports does alike, and what each does in its own way. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDirectoryStore } from '../src/services/exportStore/directory.ts';
import type { ExportStore, ListedFile } from '../src/services/exportStore/port.ts';
import { expectAllClosed } from './support/openFiles.ts';
import { collectGarbage } from './support/garbage.ts';
import { startS3, type S3Server } from './support/s3.ts';

/** In bytes. What was let go is collected before: it may lie about for long in a process that tests share. */
function held(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.close());

let base: string;
/** Of the directory store: its own; of the other: the one for files in the making. */
let directory: string;
/** Where files in the making lie. */
let temporary: string;
let store: ExportStore;

const stores: [string, () => void][] = [
  [
    'a directory',
    () => {
      directory = join(base, 'made/by/the store');
      temporary = join(directory, 'tmp');
      store = createDirectoryStore(directory);
    },
  ],
  [
    'a bucket',
    () => {
      directory = join(base, 'spool');
      temporary = directory;
      store = s3.store(`${randomBytes(8).toString('hex')}/`, directory);
    },
  ],
];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'tunesmith-store-'));
});
afterEach(async () => {
  await expectAllClosed(base);
  await rm(base, { recursive: true, force: true });
});

async function put(content: string, key: string) {
  const writer = await store.create();
  await writer.write(content);
  return writer.finish(() => key);
}

/** Each piece is taken before the next is asked for. */
async function joined(pieces: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const piece of pieces) all += piece.toString();
  return all;
}

async function listed(): Promise<ListedFile[]> {
  const found: ListedFile[] = [];
  for await (const file of store.list()) found.push(file);
  return found;
}

async function keys(): Promise<string[]> {
  return (await listed()).map(({ key }) => key).toSorted();
}

describe.each(stores)('%s', (_name, open) => {
  beforeEach(open);

  describe('writing', () => {
    test('hashes the UTF-8 bytes of all chunks and files them under the key made from the hash', async () => {
      const chunks = ['{"a":"ä"}\n', '', '😀\u2028\n', 'x'.repeat(3_000_000)];
      const whole = Buffer.from(chunks.join(''));
      const sha256 = createHash('sha256').update(whole).digest('hex');
      const writer = await store.create();
      for (const chunk of chunks) await writer.write(chunk);
      const stored = await writer.finish((hash) => `tenant/${hash}.jsonl`);
      expect(stored).toEqual({ key: `tenant/${sha256}.jsonl`, bytes: whole.length, sha256 });
      expect(whole.equals(await buffer(store.open(stored.key)))).toBe(true);
      expect(await store.size(stored.key)).toBe(whole.length);
      expect(await readdir(temporary)).toEqual([]);
    });

    test('a file may be empty', async () => {
      await put('', 'empty');
      expect(await store.size('empty')).toBe(0);
      expect(await text(store.open('empty'))).toBe('');
    });

    test('shows nothing before it is finished, and nothing after it is aborted', async () => {
      const writer = await store.create();
      await writer.write('half');
      expect(await keys()).toEqual([]);
      expect(await readdir(temporary)).toHaveLength(1);
      await writer.abort();
      await writer.abort();
      expect(await readdir(temporary)).toEqual([]);
      await expect(writer.write('more')).rejects.toThrow('closed');
      expect(await keys()).toEqual([]);
    });

    test('can be aborted when the key could not be made', async () => {
      const writer = await store.create();
      await writer.write('text');
      const finishing = writer.finish(() => {
        throw new Error('no key');
      });
      await expect(finishing).rejects.toThrow('no key');
      await writer.abort();
      expect(await readdir(temporary)).toEqual([]);
    });

    test('leaves the first file of a key, also when the second is aborted after it was finished', async () => {
      await put('first', 'key');
      const before = await listed();
      const writer = await store.create();
      await writer.write('second');
      await writer.finish(() => 'key');
      await writer.abort();
      expect(await text(store.open('key'))).toBe('first');
      expect(await listed()).toEqual(before);
      expect(await readdir(temporary)).toEqual([]);
    });

    test('many at once do not disturb each other', async () => {
      const contents = Array.from({ length: 20 }, (_, index) => `${index % 5}`.repeat(10_000));
      const stored = await Promise.all(
        contents.map(async (content) => {
          const writer = await store.create();
          await writer.write(content);
          return writer.finish((sha256) => sha256);
        }),
      );
      expect(new Set(stored.map(({ key }) => key)).size).toBe(5);
      const read = await Promise.all(stored.map(({ key }) => text(store.open(key))));
      expect(read).toEqual(contents);
    });

    test('keeps files in the making from other users of the machine', async () => {
      const writer = await store.create();
      const [name = ''] = await readdir(temporary);
      expect((await stat(join(temporary, name))).mode & 0o777).toBe(0o600);
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
      await writer.abort();
    });

    test('what a dead writer left goes after a day, and not before', async () => {
      await mkdir(temporary, { recursive: true });
      for (const [name, hours] of [['old', 25] as const, ['recent', 23] as const]) {
        await writeFile(join(temporary, name), randomBytes(10));
        await utimes(join(temporary, name), hoursAgo(hours), hoursAgo(hours));
      }
      await put('text', 'key');
      expect(await readdir(temporary)).toEqual(['recent']);
    });
  });

  describe('reading', () => {
    test('gives the range, both ends included', async () => {
      await put('0123456789', 'key');
      expect(await text(store.open('key'))).toBe('0123456789');
      expect(await text(store.open('key', { start: 2, end: 4 }))).toBe('234');
      expect(await text(store.open('key', { start: 9, end: 9 }))).toBe('9');
    });

    test('piece by piece gives the same', async () => {
      const content = Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join('');
      await put(content, 'key');
      expect(await joined(store.pieces('key'))).toBe(content);
      expect(await joined(store.pieces('key', { start: 7, end: 600_000 }))).toBe(content.slice(7, 600_001));
      await expect(joined(store.pieces('missing'))).rejects.toThrow(MISSING);
      for await (const piece of store.pieces('key')) if (piece.length > 0) break;
    });

    test('of a missing file fails; its size is null and deleting it is no error', async () => {
      await expect(text(store.open('missing'))).rejects.toThrow(MISSING);
      expect(await store.size('missing')).toBeNull();
      await store.delete('missing');
    });

    test('of a deleted file fails', async () => {
      await put('text', 'a/b');
      await store.delete('a/b');
      expect(await store.size('a/b')).toBeNull();
      expect(await keys()).toEqual([]);
      await expect(text(store.open('a/b'))).rejects.toThrow(MISSING);
    });

    test('may be left in the middle', async () => {
      await put('x'.repeat(3_000_000), 'key');
      const stream = store.open('key');
      await once(stream, 'readable');
      stream.destroy();
      await once(stream, 'close');
      expect((await text(store.open('key'))).length).toBe(3_000_000);
    });

    test('neither way holds the file in memory', async () => {
      const chunk = 'x'.repeat(4 * 1024 * 1024);
      const before = held();
      let highest = 0;
      const look = () => (highest = Math.max(highest, held() - before));
      const writer = await store.create();
      for (let n = 1; n <= 40; n += 1) {
        await writer.write(chunk);
        if (n % 4 === 0) look();
      }
      await writer.finish(() => 'large');
      look();
      let [bytes, looked] = [0, 0];
      for await (const read of store.open('large')) {
        if (!Buffer.isBuffer(read)) throw new Error('The file is read as bytes');
        bytes += read.length;
        if (bytes - looked < 4 * chunk.length) continue;
        looked = bytes;
        look();
      }
      expect(bytes).toBe(40 * chunk.length);
      expect(highest).toBeLessThan(50 * 1024 * 1024); // The file has 160 MB.
    });
  });

  test('lists what is finished, with the time at which it was written', async () => {
    expect(await keys()).toEqual([]);
    const begun = Date.now();
    const wanted = ['t1/a.jsonl', 't1/b.jsonl', 't2/a.jsonl', 'top'];
    for (const key of wanted) await put(key, key);
    const unfinished = await store.create();
    expect(await keys()).toEqual(wanted);
    for await (const { writtenAt } of store.list())
      expect(Math.abs(writtenAt.getTime() - begun)).toBeLessThan(60_000);
    await unfinished.abort();
  });

  describe('keys', () => {
    const bad = [
      '',
      '/etc/passwd',
      '../x',
      'a/../b',
      'a/..',
      'a//b',
      'a/',
      '.hidden',
      'a\\b',
      'a\0b',
      'a\nb',
      'C:/x',
      'tmp',
      'tmp/x',
    ];
    test.each(bad)('%j is refused everywhere', async (key) => {
      expect(() => store.open(key)).toThrow('is no key');
      expect(() => store.size(key)).toThrow('is no key');
      expect(() => store.delete(key)).toThrow('is no key');
      await expect(put('text', key)).rejects.toThrow('is no key');
    });
  });
});

const MISSING = /ENOENT|specified key does not exist/;

describe('the directory', () => {
  beforeEach(stores[0]?.[1] ?? (() => undefined));

  test('keeps finished files from other users of the machine', async () => {
    await put('private', 't/f.jsonl');
    expect((await stat(join(directory, 't/f.jsonl'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, 't/f.jsonl'), 'utf8')).toBe('private');
  });
});

describe('the bucket', () => {
  beforeEach(stores[1]?.[1] ?? (() => undefined));

  test('keeps stores of different prefixes apart', async () => {
    const other = s3.store('elsewhere/', join(base, 'other'));
    await put('mine', 'key');
    expect(await other.size('key')).toBeNull();
    expect(await keys()).toEqual(['key']);
  });

  test('a refused key to the bucket is told, and nothing is left on this machine', async () => {
    const stranger = { accessKeyId: 'nobody', secretAccessKey: 'wrong' };
    store = s3.store('x/', directory, { credentials: stranger });
    const writer = await store.create();
    await writer.write('text');
    await expect(writer.finish(() => 'key')).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    await writer.abort();
    expect(await readdir(temporary)).toEqual([]);
  });

  test('an upload that breaks off is begun again, and shows nothing until it is whole', async () => {
    // Stands before the server and cuts the first uploads off in the middle.
    let cuts = 2;
    const target = new URL(s3.options.endpoint ?? '');
    const proxy = createServer((request, response) => {
      if (request.method === 'PUT' && cuts > 0) {
        request.once('data', () => {
          cuts -= 1;
          request.socket.destroy();
        });
        return;
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { host = '', ...headers } = request.headers;
        const sent = httpRequest(
          {
            host: target.hostname,
            port: target.port,
            path: request.url,
            method: request.method,
            headers: { ...headers, host },
          },
          (answer) => {
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(response);
          },
        );
        sent.end(Buffer.concat(chunks));
      });
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port');
    try {
      store = s3.store('broken/', directory, { endpoint: `http://127.0.0.1:${address.port}` });
      await put('x'.repeat(1_000_000), 'key');
      expect(cuts).toBe(0);
      expect(await store.size('key')).toBe(1_000_000);
      cuts = 10;
      const writer = await store.create();
      await writer.write('y'.repeat(1_000_000));
      await expect(writer.finish(() => 'never')).rejects.toThrow(/hang up|ECONNRESET|EPIPE/);
      await writer.abort();
      expect(await keys()).toEqual(['key']);
      expect(await readdir(temporary)).toEqual([]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000);
}
