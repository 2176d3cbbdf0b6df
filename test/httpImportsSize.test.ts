/** How large a file may be that is imported, and that whoever is refused is told so while still sending. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const MAX = 200_000;
const CALLS = '/import/call-transcriptions';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer({ limits: { importBytes: MAX } });
  client = await server.asNewTenant();
});
afterAll(() => server.close());

/** So many calls as NDJSON, which are as long as this together. */
function callsOf(count: number, length: number): string {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify(call(`CA${n}`, ['agent: Hello'])));
  return `${lines.join('\n')}\n`.padEnd(length);
}

const stored = async () => {
  const { data } = await client.answer('{ callTranscriptions { totalCount } }');
  return data;
};

/** What comes back over a connection on which this is sent, to its end, before anything is read. */
async function exchange(
  path: string,
  headers: Record<string, string>,
  body: Iterable<string>,
): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  const lines = { host: 'localhost', ...client.headers, connection: 'close', ...headers };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${head.join('')}\r\n`);
  for (const part of body) {
    if (!socket.write(part)) await once(socket, 'drain');
  }
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.end();
  socket.resume();
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}

const MB = 'x'.repeat(1_000_000);
const chunkOf = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('a file', () => {
  test('at the limit is read; one that tells that it is larger is not begun', async () => {
    const type = { 'content-type': 'application/x-ndjson' };
    const post = (body: string) => client.fetch(CALLS, { method: 'POST', headers: type, body });
    const refused = await post(callsOf(2, MAX + 1));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({
      error: {
        code: 'IMPORT_TOO_LARGE',
        message: expect.stringMatching(/200000 bytes.*IMPORT_MAX_BYTES.*Nothing was stored/),
      },
    });
    expect(await stored()).toEqual({ callTranscriptions: { totalCount: 0 } });
    expect((await post(callsOf(2, MAX))).status).toBe(200);
    const dataset = `/import/examples/${encodeURIComponent(await newDataset(client))}`;
    const examples = await client.fetch(dataset, {
      method: 'POST',
      headers: type,
      body: callsOf(2, MAX + 1),
    });
    expect(examples.status).toBe(413);
  });

  test('that does not tell is counted; what was stored of it counts as unchanged when it comes again', async () => {
    client = await server.asNewTenant();
    const whole = callsOf(600, 0);
    const parts = [chunkOf(whole), chunkOf(''.padEnd(MAX)), '0\r\n\r\n'];
    const headers = { 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' };
    const answer = await exchange(CALLS, headers, parts);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"IMPORT_TOO_LARGE"');
    expect(await stored()).toEqual({ callTranscriptions: { totalCount: 500 } });
    const again = await client.fetch(CALLS, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: whole,
    });
    expect(await again.json()).toMatchObject({ received: 600, stored: 100, unchanged: 500 });
  });
});

describe('who sends 5 MB and reads only then is told', () => {
  const PARTS = [MB, MB, MB, MB, MB];
  test.each([
    ['a GraphQL request', '/graphql', 'application/json', 413, 'BODY_TOO_LARGE'],
    ['an import', CALLS, 'application/x-ndjson', 413, 'IMPORT_TOO_LARGE'],
  ])('that %s is too large', async (_what, path, type, status, code) => {
    const told = { 'content-type': type, 'content-length': String(5 * MB.length) };
    for (const [headers, parts] of [
      [told, PARTS],
      [{ 'content-type': type, 'transfer-encoding': 'chunked' }, [...PARTS.map(chunkOf), '0\r\n\r\n']],
    ] as const) {
      const answer = await exchange(path, headers, parts);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain(`"${code}"`);
    }
  });
});
