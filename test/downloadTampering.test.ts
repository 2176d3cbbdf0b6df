/** Ten thousand links that were tampered with, over the real route: none is served, each refusal is a documented one. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addExamples, example, newDataset } from './support/calls.ts';
import { exportOf } from './support/exportOf.ts';
import { newTenant } from './support/server.ts';

const LINKS = 10_000;
const AT_ONCE = 32;

test('none of 10,000 tampered, expired or foreign links is served', async () => {
  const [mine, theirs] = await Promise.all([newTenant(), newTenant()]);
  const [own, foreign] = await Promise.all([mine, theirs].map(linkOf));
  if (own === undefined || foreign === undefined) throw new Error('There are no links');
  const links = fc.sample(tampered(own, foreign), { numRuns: LINKS, seed: 25 });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const seen = new Map<string, number>();
  const queue = links.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const link of queue) {
        const { status, body } = await answerTo(link, agent);
        const told = `${status} ${/"code":"(\w+)"/.exec(body)?.[1]}`;
        seen.set(told, (seen.get(told) ?? 0) + 1);
      }
    }),
  );
  agent.destroy();
  expect([...seen.keys()]).toEqual(['403 INVALID_LINK']);
  expect(seen.get('403 INVALID_LINK')).toBe(LINKS);
  expect((await fetch(own)).status).toBe(200);
});

async function linkOf(client: Awaited<ReturnType<typeof newTenant>>): Promise<string> {
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [example('A')], true);
  return (await exportOf(client, datasetId)).downloadUrl;
}

/** The link with one to three of its parts changed. */
function tampered(own: string, foreign: string): fc.Arbitrary<string> {
  const [tenant, id] = new URL(foreign).pathname.split('/').slice(2);
  const strange = new URL(foreign).searchParams;
  const change = fc.oneof(
    fc.constantFrom(tenant, randomUUID()).map((to) => (url: URL) => replaceSegment(url, 2, to ?? '')),
    fc.constantFrom(id, randomUUID()).map((to) => (url: URL) => replaceSegment(url, 3, to ?? '')),
    fc.constant((url: URL) => replaceSegment(url, 4, 'validation')),
    fc.integer({ min: 0, max: 4e9 }).map((to) => (url: URL) => url.searchParams.set('expires', `0${to}`)),
    fc.string({ maxLength: 20 }).map((to) => (url: URL) => url.searchParams.set('kid', `${to}?`)),
    fc
      .oneof(fc.constant(strange.get('signature') ?? ''), fc.base64String(), fc.string())
      .map((to) => (url: URL) => url.searchParams.set('signature', to)),
    fc.constantFrom('expires', 'kid', 'signature').map((name) => (url: URL) => url.searchParams.delete(name)),
  );
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => {
      const url = new URL(own);
      for (const apply of changes) apply(url);
      return url.href;
    })
    .filter((link) => link !== own && link !== foreign);
}

function replaceSegment(url: URL, index: number, to: string): void {
  const segments = url.pathname.split('/');
  segments[index] = to;
  url.pathname = segments.join('/');
}

function answerTo(link: string, agent: Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(link, { agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}
