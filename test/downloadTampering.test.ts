/** Ten thousand links that are not to be served, over the real route: none is, and each refusal is a documented one. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ExportPart } from '../src/generated/prisma/client.ts';
import { createDownloadLinks } from '../src/services/downloadLinks.ts';
import { addExamples, example, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { exportOf } from './support/exportOf.ts';
import { getAll } from './support/pipelined.ts';
import { DOWNLOAD_KEY, newTenant, sharedServer } from './support/server.ts';

const LINKS = 10_000;
/** Of those, the ones that the server's own key signed, as a tenant's right to another's export: each is looked up. */
const FOREIGN = 100;

interface Scene {
  /** Good ones, of two tenants. */
  own: string;
  foreign: string;
  /** Signs as the server does, with its key, so many seconds from now. */
  sign: (tenantId: string, exportId: string, part: ExportPart, secondsFromNow?: number) => string;
}

test('none of 10,000 tampered, expired or foreign links is served', async () => {
  const { own, foreign, sign } = await newScene();
  const [mine, theirs] = [partsOf(own), partsOf(foreign)];
  const expired = fc.sample(expiredLinks(mine, theirs, sign), { numRuns: LINKS / 4, seed: 25 });
  const strange = Array.from({ length: FOREIGN }, (_, index) =>
    sign(mine.tenantId, theirs.exportId, index % 2 === 0 ? 'TRAINING' : 'VALIDATION'),
  );
  const changed = fc.sample(tampered(own, foreign), {
    numRuns: LINKS - expired.length - strange.length,
    seed: 25,
  });
  expect(await told(changed)).toEqual({ '403 INVALID_LINK': changed.length });
  expect(await told(expired)).toEqual({ '410 LINK_EXPIRED': expired.length });
  expect(await told(strange)).toEqual({ '404 NOT_FOUND': strange.length });
  expect((await fetch(own)).status).toBe(200);
});

test("a link to another tenant's export and one to none look exactly alike", async () => {
  const { own, foreign, sign } = await newScene();
  const { tenantId } = partsOf(own);
  const theirs = partsOf(foreign);
  const links = (exportId: string) => {
    const untouched = new URL(own);
    const [moved, borrowed] = [new URL(own), new URL(foreign)];
    // My link with the other export's id; theirs, with its signature, in my tenant's address.
    replaceSegment(moved, 3, exportId);
    replaceSegment(borrowed, 2, tenantId);
    replaceSegment(borrowed, 3, exportId);
    return [
      sign(tenantId, exportId, 'TRAINING'),
      sign(tenantId, exportId, 'VALIDATION'),
      sign(tenantId, exportId, 'TRAINING', -1000),
      sign(randomUUID(), exportId, 'TRAINING'),
      untouched.href.replace(untouched.search, ''),
      moved.href,
      borrowed.href,
    ];
  };
  const missing = randomUUID();
  const answers = async (exportId: string) => JSON.stringify(await getAll(links(exportId)));
  const [toTheirs, toNone] = [await answers(theirs.exportId), await answers(missing)];
  // What was asked for is repeated, and nothing besides.
  expect(toTheirs.replaceAll(theirs.exportId, missing)).toBe(toNone);
  expect((JSON.parse(toNone) as { status: number }[]).map(({ status }) => status)).toEqual([
    404, 404, 410, 404, 403, 403, 403,
  ]);
});

async function newScene(): Promise<Scene> {
  const { url } = await sharedServer();
  const [own, foreign] = await Promise.all([linkOf(await newTenant()), linkOf(await newTenant())]);
  return {
    own,
    foreign,
    sign(tenantId, exportId, part, secondsFromNow = 0) {
      const clock = { now: () => new Date(Date.now() + secondsFromNow * 1000) };
      return createDownloadLinks({ keys: [DOWNLOAD_KEY], clock, baseUrl: () => url }).sign(
        tenantId,
        exportId,
        part,
      );
    },
  };
}

async function linkOf(client: TestClient): Promise<string> {
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [example('A')], true);
  return (await exportOf(client, datasetId)).downloadUrl;
}

function partsOf(link: string): { tenantId: string; exportId: string } {
  const [tenantId = '', exportId = ''] = new URL(link).pathname.split('/').slice(2);
  return { tenantId, exportId };
}

/** Good links once, of either tenant's export or of none. */
function expiredLinks(
  mine: ReturnType<typeof partsOf>,
  theirs: ReturnType<typeof partsOf>,
  sign: Scene['sign'],
): fc.Arbitrary<string> {
  const tenantIds = fc.constantFrom(mine.tenantId, theirs.tenantId);
  const exportIds = fc.constantFrom(mine.exportId, theirs.exportId, randomUUID());
  const parts = fc.constantFrom('TRAINING' as const, 'VALIDATION' as const);
  // A link lasts for 15 minutes; 900 seconds ago is when the latest of them ended just now.
  const secondsAgo = fc.integer({ min: 901, max: 1_000_000_000 });
  return fc
    .tuple(tenantIds, exportIds, parts, secondsAgo)
    .map(([tenantId, exportId, part, ago]) => sign(tenantId, exportId, part, -ago));
}

/** The link with one to three of its parts changed. */
function tampered(own: string, foreign: string): fc.Arbitrary<string> {
  const { tenantId, exportId } = partsOf(foreign);
  const strange = new URL(foreign).searchParams;
  const change = fc.oneof(
    fc.constantFrom(tenantId, randomUUID()).map((to) => (url: URL) => replaceSegment(url, 2, to)),
    fc.constantFrom(exportId, randomUUID()).map((to) => (url: URL) => replaceSegment(url, 3, to)),
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

/** How often the links are answered with which status and code. */
async function told(links: string[]): Promise<Record<string, number>> {
  const answers = await getAll(links);
  return counted(answers.map(({ status, body }) => `${status} ${/"code":"(\w+)"/.exec(body)?.[1]}`));
}

function counted(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
