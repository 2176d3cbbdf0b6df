import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  ask,
  bytes,
  exportId,
  json,
  link,
  links,
  refusal,
  setUpDownloads,
  tenantId,
  world,
} from './support/downloads.ts';

setUpDownloads();

describe('the file name', () => {
  test.each([
    ['Zürich 2026', '"Z_rich 2026.jsonl"', 'Z%C3%BCrich%202026.jsonl'],
    ['客服 😀', '"__ _.jsonl"', '%E5%AE%A2%E6%9C%8D%20%F0%9F%98%80.jsonl'],
    [`it's (100%)*!`, `"it's (100_)_!.jsonl"`, 'it%27s%20%28100%25%29_!.jsonl'],
    ['a"b\\c/../d', '"a_b_c_.._d.jsonl"', 'a_b_c_.._d.jsonl'],
    ['..', '"_.jsonl"', '_.jsonl'],
    ['x\r\nSet-Cookie: a=b', '"x__Set-Cookie_ a=b.jsonl"', 'x__Set-Cookie_%20a%3Db.jsonl'],
    ['x"; filename="evil.exe', '"x_; filename=_evil.exe.jsonl"', 'x_%3B%20filename%3D_evil.exe.jsonl'],
    ['half \ud800', '"half _.jsonl"', 'half%20%EF%BF%BD.jsonl'],
  ])('of the dataset %j cannot leave its header', async (name, ascii, encoded) => {
    world.datasetName = name;
    const answer = await ask(link());
    expect(answer.status).toBe(200);
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename=${ascii}; filename*=UTF-8''${encoded}`,
    );
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

describe('a link', () => {
  test('that has expired is told to be asked for again', async () => {
    const old = link();
    world.now = new Date(world.now.getTime() + 15 * 60_000);
    const answer = await ask(old);
    expect(answer.status).toBe(410);
    expect(json(answer)).toEqual({
      error: { code: 'LINK_EXPIRED', message: expect.stringContaining('downloadUrl again') },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body.includes('messages')).toBe(false);
  });

  test.each<[string, (url: URL) => void]>([
    ['tenant', (url) => (url.pathname = url.pathname.replace('001/', '004/'))],
    ['export', (url) => (url.pathname = url.pathname.replace(/002$/, '004'))],
    [
      'expiry',
      (url) => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 60)),
    ],
    ['signature', (url) => url.searchParams.set('signature', randomBytes(32).toString('base64url'))],
    ['expiry left out', (url) => url.searchParams.delete('expires')],
    ['signature left out', (url) => url.searchParams.delete('signature')],
  ])('with another %s is refused', async (_what, change) => {
    const url = new URL(link());
    change(url);
    const answer = await ask(url.href);
    expect(answer.status).toBe(403);
    expect(json(answer)).toEqual(refusal('INVALID_LINK'));
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.headers.etag).toBeUndefined();
  });

  test.each([
    [tenantId, '019ab000-0000-7000-8000-000000000009'],
    ['019ab000-0000-7000-8000-000000000009', exportId],
  ])('to what is not there finds nothing', async (tenant, id) => {
    const answer = await ask(links.sign(tenant, id, 'TRAINING'));
    expect(answer.status).toBe(404);
    expect(json(answer)).toEqual(refusal('NOT_FOUND'));
    expect((await ask(links.sign(tenant, id, 'TRAINING'), {}, 'HEAD')).body).toHaveLength(0);
  });
});

describe('when something breaks', () => {
  test('a file that the store has lost is a fault, told before anything is sent', async () => {
    world.hasFile = async () => false;
    const answer = await ask(link());
    expect(answer.status).toBe(500);
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(world.failures).toEqual([
      expect.objectContaining({ message: expect.stringContaining('missing from the store') }),
    ]);
  });

  test('a file that breaks off cuts the connection, so that nobody takes the part for the whole', async () => {
    world.piecesOf = () => Readable.from(breaking());
    await expect(ask(link())).rejects.toThrow('aborted');
    await expect.poll(() => world.failures).toEqual([expect.objectContaining({ message: 'disk gone' })]);
  });

  test('a client that leaves closes the file, and is no fault', async () => {
    const endless = new Readable({ read: () => endless.push(Buffer.alloc(65_536)) });
    world.piecesOf = () => endless;
    const url = new URL(link());
    const socket = connect(Number(url.port), url.hostname);
    socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    expect(endless.destroyed).toBe(false);
    socket.destroy();
    await expect.poll(() => endless.destroyed).toBe(true);
    expect(world.failures).toEqual([]);
  });

  test('a client that left before the file was opened opens none', async () => {
    const url = new URL(link());
    const socket = connect(Number(url.port), url.hostname);
    let opened = false;
    world.piecesOf = () => {
      opened = true;
      return Readable.from([bytes]);
    };
    let asked = false;
    let answered = false;
    world.hasFile = async () => {
      asked = true;
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 100));
      answered = true;
      return true;
    };
    socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(() => asked && answered).toBe(true);
    expect(opened).toBe(false);
    expect(world.failures).toEqual([]);
  });
});

async function* breaking(): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, 100);
  throw new Error('disk gone');
}
