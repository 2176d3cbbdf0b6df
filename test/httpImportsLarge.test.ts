/** Memory while a large file is imported: it must not grow with the file. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { expect, test, vi } from 'vitest';
import { newDataset, type ImportReport } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { collectGarbage } from './support/garbage.ts';
import { newTenant } from './support/server.ts';

vi.setConfig({ testTimeout: 180_000 }); // It takes seconds, but minutes on a machine that is busy.

const MB = 1024 * 1024;
const FILE = 96 * MB;
/** The first half is for warming up. Memory is measured in the second: as often in its first half as in its last. */
const WARM = FILE / 2;
const MEASURED = 16;
/** An import that keeps what it reads would hold 24 MB more, at the least, in the last quarter of the file than in the one before. */
const ALLOWED = 18 * MB;

/** What this process holds: the server, and the client that sends. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Sends lines made as they are asked for, and gives the report and what was held now and then. Not with
 * fetch, which keeps the body that it sends.
 */
async function importLarge(client: TestClient, path: string, lineOf: (index: number) => string) {
  const held: number[] = [];
  let lines = 0;
  async function* file() {
    for (let sent = 0; sent < FILE;) {
      if (sent >= WARM + (held.length * (FILE - WARM)) / MEASURED) held.push(heldBytes());
      const chunk = Buffer.from(Array.from({ length: 8 }, () => lineOf((lines += 1))).join(''));
      sent += chunk.length;
      yield chunk;
    }
  }
  const headers = { ...client.headers, 'content-type': 'application/x-ndjson' };
  const sending = request(`${client.url}${path}`, { method: 'POST', headers });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  await pipeline(file(), sending);
  const [response] = await answered;
  expect(response.statusCode).toBe(200);
  return { report: (await json(response)) as ImportReport, lines, held };
}

function expectFlat(held: number[]): void {
  expect(held).toHaveLength(MEASURED);
  // What a batch takes for a moment comes and goes: the least counts.
  const growth = Math.min(...held.slice(MEASURED / 2)) - Math.min(...held.slice(0, MEASURED / 2));
  expect(growth).toBeLessThan(ALLOWED);
}

const turns = Array.from({ length: 300 }, (_, at) => ({
  speaker: at % 2 ? 'agent' : 'caller',
  text: `Number ${at} of what was said in a long call about nothing in particular, word after word after word.`,
}));

test('96 MB of calls are imported in flat memory', async () => {
  const client = await newTenant();
  const tail = `"created_at":"2026-09-01T09:00:00Z","turns":${JSON.stringify(turns)}}\n`;
  const lineOf = (index: number) => `{"call_sid":"CA${index % 50}",${tail}`;
  const { report, lines, held } = await importLarge(client, '/import/call-transcriptions', lineOf);
  const unchanged = lines - 50;
  expect(report).toEqual({ received: lines, stored: 50, updated: 0, unchanged, rejected: 0, faults: [] });
  expectFlat(held);
});

const brokenLine = (index: number) => `{"broken": ${index} ${'x'.repeat(20_000)}\n`;

test('96 MB of broken lines are reported in flat memory, the first thousand one by one', async () => {
  const client = await newTenant();
  const { report, lines, held } = await importLarge(client, '/import/call-transcriptions', brokenLine);
  expect(report).toMatchObject({ received: lines, rejected: lines, stored: 0 });
  expect(report.faults).toHaveLength(1000);
  expectFlat(held);
});

test('96 MB of long examples are imported in flat memory', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const answer = JSON.stringify({ role: 'assistant', content: 'word '.repeat(80_000) });
  const lineOf = (index: number) =>
    `{"messages":[{"role":"user","content":"Question ${index % 4}"},${answer}]}\n`;
  const { report, lines, held } = await importLarge(client, `/import/examples/${datasetId}`, lineOf);
  const unchanged = lines - 4;
  expect(report).toEqual({ received: lines, stored: 4, updated: 0, unchanged, rejected: 0, faults: [] });
  expectFlat(held);
});
