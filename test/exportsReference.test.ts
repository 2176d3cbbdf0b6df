/** The export of the shared calls against the reference. */
import { beforeAll, expect, test } from 'vitest';
import { collect, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { referenceCollect, sharedCalls } from './support/collectReference.ts';
import { exportOf, sha256 } from './support/exportOf.ts';
import { newTenant } from './support/server.ts';

const calls = sharedCalls();
const prompt = 'You are a friendly assistant – “short” answers.\nNever guess.';
let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
  await importCalls(client, calls);
});

test('each line is the reference’s, byte for byte, and what is downloaded is what was told', async () => {
  const datasetId = await newDataset(client, 'Ärzte & "Co" 100%', { systemPrompt: prompt });
  await collect(client, { datasetId, maxExamples: 2500 });
  const made = await exportOf(client, datasetId);
  const response = await fetch(made.downloadUrl);
  const bytes = Buffer.from(await response.arrayBuffer());
  const system = { role: 'system', content: prompt };
  const expected = referenceCollect(calls, { maxExamples: 2500 }).examples.map(
    ({ messages }) => `${JSON.stringify({ messages: [system, ...messages] })}\n`,
  );
  expect(bytes.toString().split(/(?<=\n)/)).toEqual(expected);
  expect(bytes.equals(Buffer.from(expected.join('')))).toBe(true);
  for (const line of bytes.toString().trimEnd().split('\n'))
    expect(() => JSON.parse(line) as unknown).not.toThrow();
  expect(made).toMatchObject({
    format: 'OPENAI_CHAT_JSONL',
    systemPrompt: prompt,
    exampleCount: 2500,
    bytes: bytes.length,
    sha256: sha256(bytes),
    dataset: { id: datasetId },
  });
  expect(response.headers.get('content-type')).toBe('application/jsonl; charset=utf-8');
  expect(response.headers.get('content-length')).toBe(String(bytes.length));
  expect(response.headers.get('etag')).toBe(`"${made.sha256}"`);
  const disposition = response.headers.get('content-disposition') ?? '';
  expect(decodeURIComponent(disposition.split("filename*=UTF-8''")[1] ?? '')).toBe('Ärzte & _Co_ 100%.jsonl');
});

test('two tenants with the same calls, imported in another order, get the same file', async () => {
  const other = await newTenant();
  await importCalls(other, calls.toReversed());
  const hashes = [];
  for (const one of [client, other]) {
    const datasetId = await newDataset(one, 'Same', { systemPrompt: prompt });
    await collect(one, { datasetId, maxExamples: 400, strategy: 'CONVERSATION' });
    hashes.push((await exportOf(one, datasetId)).sha256);
  }
  expect(hashes[0]).toBe(hashes[1]);
});
