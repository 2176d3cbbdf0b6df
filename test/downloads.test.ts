import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ask,
  bytes,
  exportId,
  json,
  link,
  refusal,
  setUpDownloads,
  sha256,
  world,
} from './support/downloads.ts';

setUpDownloads();

describe('the whole file', () => {
  test('comes with everything that a client needs to save, check and resume it', async () => {
    const answer = await ask(link());
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/jsonl; charset=utf-8',
      'content-disposition': `attachment; filename="Calls.jsonl"; filename*=UTF-8''Calls.jsonl`,
      'content-length': String(bytes.length),
      etag: `"${sha256}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=900',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers['content-range']).toBeUndefined();
  });

  test('for HEAD comes as the same headers alone, whatever range is asked for', async () => {
    const whole = await ask(link());
    const head = await ask(link(), { range: 'bytes=0-1' }, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' });
  });

  test.each(['POST', 'DELETE', 'OPTIONS'])('is not for %s', async (method) => {
    const answer = await ask(link(), {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD');
    expect(json(answer)).toEqual(refusal('METHOD_NOT_ALLOWED'));
  });
});

describe('a client that has the file', () => {
  test.each([
    ['the tag', `"${sha256}"`],
    ['the tag as a cache weakened it', `W/"${sha256}"`],
    ['the tag among others', `"a", W/"b" ,"${sha256}"`],
    ['any tag', '*'],
  ])('is told so by 304: %s', async (_what, tag) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(link(), { 'if-none-match': tag, range: 'bytes=0-1' }, method);
      expect(answer.status).toBe(304);
      expect(answer.body).toHaveLength(0);
      expect(answer.headers).toMatchObject({ etag: `"${sha256}"`, 'cache-control': 'private, max-age=900' });
    }
  });

  test.each(['"other"', sha256, '""', ''])('is sent it when the tag is another: %j', async (tag) => {
    expect((await ask(link(), { 'if-none-match': tag })).status).toBe(200);
  });
});

describe('a range', () => {
  const size = bytes.length;
  test.each<[string, number, number]>([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=10-', 10, size - 1],
    ['bytes=-10', size - 10, size - 1],
    [`bytes=-${size + 1000}`, 0, size - 1],
    [`bytes=5-${size + 1000}`, 5, size - 1],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['BYTES=1-2', 1, 2],
    ['bytes= 1-2', 1, 2],
  ])('%s is served as 206', async (range, start, end) => {
    const answer = await ask(link(), { range });
    expect(answer.status).toBe(206);
    expect(answer.body.equals(bytes.subarray(start, end + 1))).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end}/${size}`,
      'content-length': String(end - start + 1),
      etag: `"${sha256}"`,
      'accept-ranges': 'bytes',
    });
  });

  test.each([
    'bytes=0-1,5-6',
    'lines=1-2',
    'bytes',
    'bytes=',
    'bytes=a-b',
    'bytes=1.5-2',
    'bytes=--1',
    'bytes=1',
  ])('%s is ignored', async (range) => {
    const answer = await ask(link(), { range });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
    expect(answer.headers['content-range']).toBeUndefined();
  });

  test.each([`bytes=${size}-`, `bytes=${size + 5}-${size + 9}`, 'bytes=-0', 'bytes=9-5'])(
    '%s is refused',
    async (range) => {
      const answer = await ask(link(), { range });
      expect(answer.status).toBe(416);
      expect(answer.headers['content-range']).toBe(`bytes */${size}`);
      expect(json(answer)).toEqual(refusal('RANGE_NOT_SATISFIABLE'));
    },
  );

  test('with If-Range is served while the file is the same, else the file whole', async () => {
    const range = 'bytes=0-4';
    expect((await ask(link(), { range, 'if-range': `"${sha256}"` })).status).toBe(206);
    for (const other of ['"other"', `W/"${sha256}"`, new Date().toUTCString()]) {
      const answer = await ask(link(), { range, 'if-range': other });
      expect(answer.status).toBe(200);
      expect(answer.body.equals(bytes)).toBe(true);
    }
  });

  test('that goes on where a broken download ended gives the file', async () => {
    const first = await ask(link(), { range: 'bytes=0-99' });
    const rest = await ask(link(), { range: 'bytes=100-', 'if-range': String(first.headers.etag) });
    const whole = Buffer.concat([first.body, rest.body]);
    expect(createHash('sha256').update(whole).digest('hex')).toBe(sha256);
  });
});

describe('a download is noted', () => {
  test('with where it goes, before it begins', async () => {
    await ask(link());
    expect(world.noted).toEqual([{ address: '127.0.0.1', id: exportId, part: 'TRAINING' }]);
  });

  test('once, however often it breaks off', async () => {
    await ask(link(), { range: 'bytes=0-9' });
    await ask(link(), { range: 'bytes=10-' });
    expect(world.noted).toHaveLength(1);
  });

  test('and not where nothing goes out', async () => {
    await ask(link(), {}, 'HEAD');
    await ask(link(), { 'if-none-match': `"${sha256}"` });
    await ask(`${link()}x`);
    expect(world.noted).toEqual([]);
  });
});
