/** What becomes of a walk through a list when the row that its cursor names is deleted meanwhile. */
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { addExamples, call, example, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
});

const pageShape = z.object({
  pageInfo: z.object({ startCursor: z.string().nullable(), endCursor: z.string().nullable() }),
  edges: z.array(z.object({ cursor: z.string(), node: z.object({ id: z.string() }) })),
});
type Page = z.output<typeof pageShape>;

const PAGE = '{ pageInfo { startCursor endCursor } edges { cursor node { id } } }';

/** A page of a list, as `datasets(first: 1)`, or the error that came in its place. */
async function ask(list: string, within?: string): Promise<Page | { code: unknown; message: string }> {
  const query =
    within === undefined ? `{ list: ${list} ${PAGE} }` : `{ of: ${within} { list: ${list} ${PAGE} } } }`;
  const { data, errors } = await client.answer(query);
  const [error] = errors ?? [];
  if (error) return { code: error.extensions?.['code'], message: error.message };
  const of = z.object({ of: z.object({ list: pageShape }) }).safeParse(data);
  return of.success ? of.data.of.list : z.object({ list: pageShape }).parse(data).list;
}

async function page(list: string, within?: string): Promise<Page> {
  return pageShape.parse(await ask(list, within));
}

const GONE = { code: 'CURSOR_GONE', message: expect.stringMatching(/deleted.*[Bb]egin/) };

const deleteDataset = (id = '') => client.answer(`mutation { deleteDataset(id: "${id}") { __typename } }`);

/** Erases the caller, and waits until the call is gone. */
async function erase(phoneNumber: string, callId = ''): Promise<void> {
  const input = `input: { phoneNumber: "${phoneNumber}" }`;
  await client.answer(`mutation { eraseCaller(${input}) { __typename } }`);
  await expect
    .poll(async () => (await client.answer(`{ node(id: "${callId}") { id } }`)).data, { timeout: 20_000 })
    .toEqual({ node: null });
}

test.each([
  ['after', 'first'],
  ['before', 'last'],
])(
  'of datasets: a page %s one that was deleted says so; the walk begun anew has what is left',
  async (from, size) => {
    client = await newTenant();
    for (let n = 0; n < 5; n += 1) await newDataset(client, `Calls ${n}`);
    const first = await page(`datasets(${size}: 2)`);
    const { cursor, node } = (from === 'after' ? first.edges.at(-1) : first.edges[0]) ?? {};
    await deleteDataset(node?.id);
    expect(await ask(`datasets(${size}: 2, ${from}: "${cursor}")`)).toEqual(GONE);
    expect((await page(`datasets(${size}: 10)`)).edges).toHaveLength(4);
  },
);

test('a cursor of the last row is good, and the page after it empty', async () => {
  client = await newTenant();
  await newDataset(client, 'One');
  const { pageInfo } = await page('datasets(first: 2)');
  expect(await page(`datasets(first: 2, after: "${pageInfo.endCursor}")`)).toMatchObject({ edges: [] });
});

test.each(['CREATED_AT', 'DURATION', 'CONFIDENCE'])(
  'of calls by %s: what has no value is not taken for the next page',
  async (field) => {
    client = await newTenant();
    const rows = [0, 1, 2, 3, 4, 5].map((n) =>
      call(`CA${n}`, ['caller: Hello?', 'agent: Good morning.'], {
        phone_number: `+4930123450${n}`,
        created_at: `2026-11-0${n + 1}T10:00:00Z`,
        transcript_confidence: n < 3 ? 0.9 - n / 10 : null,
        duration_seconds: n < 3 ? 100 - n : null,
      }),
    );
    await importCalls(client, rows);
    for (const direction of ['ASC', 'DESC']) {
      const order = `orderBy: { field: ${field}, direction: ${direction} }`;
      const { edges } = await page(`callTranscriptions(first: 1, ${order})`);
      const number = await client.answer(
        `{ node(id: "${edges[0]?.node.id}") { ... on CallTranscription { phoneNumber } } }`,
      );
      const { phoneNumber } = z
        .object({ node: z.object({ phoneNumber: z.string() }) })
        .parse(number.data).node;
      await erase(phoneNumber, edges[0]?.node.id);
      expect(await ask(`callTranscriptions(first: 2, ${order}, after: "${edges[0]?.cursor}")`)).toEqual(GONE);
    }
  },
);

test('of examples, their own list and that of their call', async () => {
  client = await newTenant();
  await importCalls(client, [
    call('CA1', [
      'caller: What does the lamp cost, please?',
      'agent: It costs ten euros, delivery included.',
    ]),
  ]);
  const kept = await newDataset(client, 'Kept');
  const lost = await newDataset(client, 'Lost');
  for (const id of [lost, kept]) {
    await client.answer(
      `mutation { collectExamples(input: { datasetId: "${id}", minConfidence: 0 }) { __typename } }`,
    );
  }
  await addExamples(client, kept, [example('Is the lamp in stock?')]);
  const calls = await page('callTranscriptions(first: 1)');
  const ofCall = `node(id: "${calls.edges[0]?.node.id}") { ... on CallTranscription`;
  const mine = await page('examples(first: 1)');
  const theirs = await page('examples(first: 1)', ofCall);
  await deleteDataset(lost);
  expect(await ask(`examples(first: 2, after: "${mine.pageInfo.endCursor}")`)).toEqual(GONE);
  expect(await ask(`examples(first: 2, after: "${theirs.pageInfo.endCursor}")`, ofCall)).toEqual(GONE);
});

test('a cursor of another tenant’s row says the same as one that was deleted', async () => {
  client = await newTenant();
  await newDataset(client, 'Theirs');
  const { pageInfo } = await page('datasets(first: 1)');
  client = await newTenant();
  await newDataset(client, 'Mine');
  expect(await ask(`datasets(first: 1, after: "${pageInfo.endCursor}")`)).toEqual(GONE);
});
