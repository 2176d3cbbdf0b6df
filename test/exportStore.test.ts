import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDirectoryStore, type ExportStore } from '../src/services/exportStore.ts';

let directory: string;
let store: ExportStore;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'tunesmith-store-')), 'made/by/the store');
  store = createDirectoryStore(directory);
});
afterEach(() => rm(join(directory, '../../..'), { recursive: true, force: true }));

async function put(content: string, key: string) {
  const writer = await store.create();
  await writer.write(content);
  return writer.finish(() => key);
}

describe('writing', () => {
  test('hashes the UTF-8 bytes of all chunks and files them under the key made from the hash', async () => {
    const chunks = ['{"a":"ä"}\n', '', '😀\u2028\n', 'x'.repeat(3_000_000)];
    const whole = Buffer.from(chunks.join(''));
    const sha256 = createHash('sha256').update(whole).digest('hex');
    const writer = await store.create();
    for (const chunk of chunks) await writer.write(chunk);
    const stored = await writer.finish((hash) => `tenant/${hash}.jsonl`);
    expect(stored).toEqual({ key: `tenant/${sha256}.jsonl`, bytes: whole.length, sha256 });
    expect(whole.equals(await readFile(join(directory, stored.key)))).toBe(true);
    expect(await store.size(stored.key)).toBe(whole.length);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });

  test('keeps the files from other users of the machine', async () => {
    await put('private', 't/f.jsonl');
    expect((await stat(join(directory, 't/f.jsonl'))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('shows nothing before it is finished, and nothing after it is aborted', async () => {
    const writer = await store.create();
    await writer.write('half');
    expect(await readdir(directory)).toEqual(['tmp']);
    expect(await readdir(join(directory, 'tmp'))).toHaveLength(1);
    await writer.abort();
    await writer.abort();
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
    await expect(writer.write('more')).rejects.toThrow('closed');
  });

  test('can be aborted when the key could not be made', async () => {
    const writer = await store.create();
    await writer.write('text');
    const finishing = writer.finish(() => {
      throw new Error('no key');
    });
    await expect(finishing).rejects.toThrow('no key');
    await writer.abort();
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });

  test('leaves the first file of a key, also when the second is aborted after it was finished', async () => {
    await put('first', 'key');
    const { ino } = await stat(join(directory, 'key'));
    const writer = await store.create();
    await writer.write('second');
    await writer.finish(() => 'key');
    await writer.abort();
    expect(await readFile(join(directory, 'key'), 'utf8')).toBe('first');
    expect((await stat(join(directory, 'key'))).ino).toBe(ino);
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
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
});

describe('reading', () => {
  test('gives the range, both ends included', async () => {
    await put('0123456789', 'key');
    expect(await text(store.open('key'))).toBe('0123456789');
    expect(await text(store.open('key', { start: 2, end: 4 }))).toBe('234');
    expect(await text(store.open('key', { start: 9, end: 9 }))).toBe('9');
  });

  test('of a missing file fails; its size is null and deleting it is no error', async () => {
    await expect(text(store.open('missing'))).rejects.toThrow('ENOENT');
    expect(await store.size('missing')).toBeNull();
    await store.delete('missing');
  });

  test('of a deleted file fails', async () => {
    await put('text', 'a/b');
    await store.delete('a/b');
    expect(await store.size('a/b')).toBeNull();
    await expect(text(store.open('a/b'))).rejects.toThrow('ENOENT');
  });
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

test('what a dead writer left goes after a day, and not before', async () => {
  const temporary = join(directory, 'tmp');
  await mkdir(temporary, { recursive: true });
  for (const [name, hours] of [['old', 25] as const, ['recent', 23] as const]) {
    await writeFile(join(temporary, name), randomBytes(10));
    await utimes(join(temporary, name), hoursAgo(hours), hoursAgo(hours));
  }
  await put('text', 'key');
  expect(await readdir(temporary)).toEqual(['recent']);
});

function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000);
}
