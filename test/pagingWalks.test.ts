/** 1,000 walks through all lists of the schema, in all orders and both directions, while rows come in everywhere. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../bench/random.ts';
import { providersOf } from '../src/providers.ts';
import { call, importCalls } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { standIn } from './support/standIn.ts';
import { everyList, walkList, type List } from './support/walks.ts';

const WALKS = 1_000;
const AT_ONCE = 6;
const ROWS = 7;
const PAGES_AN_INSERT = 25;

let server: TestServer;
let client: TestClient;

// A provider whose jobs stay as they are: what is walked does not change by itself.
beforeAll(async () => {
  server = await startTestServer({ providers: providersOf(standIn()), pollPattern: '0 0 0 1 1 *' });
});
afterAll(() => server.close());

const NUMBER = '+4930123456';

async function ask<Data>(
  shape: z.ZodType<Data>,
  query: string,
  variables: Record<string, unknown>,
): Promise<Data> {
  const { data, errors } = await client.answer(query, variables);
  if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`);
  const [result] = Object.values(data ?? {});
  return shape.parse(result);
}
const withId = z.object({ id: z.string() });
const done = z.object({ __typename: z.string().refine((name) => !name.endsWith('Error'), 'was refused') });

let made = 0;
const next = () => (made += 1);
/** What was said differs, for else it is taken for the same. */
const spoken = (n: number) => [
  `caller: Good morning, what does the lamp with the number ${n} cost?`,
  `agent: It costs ${n + 10} euros, with the delivery to your door included.`,
];
const createDataset = async () =>
  (
    await ask(
      withId,
      'mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { ... on Dataset { id } } }',
      { input: { name: `Calls ${next()}` } },
    )
  ).id;
const importCall = (number = NUMBER) => {
  const n = next();
  return importCalls(client, [
    call(`CA${n}`, spoken(n), {
      phone_number: number,
      created_at: new Date(Date.UTC(2026, 8, 1 + (n % 28))).toISOString(), // Some share a time.
      transcript_confidence: n % 3 === 0 ? null : 0.9,
      duration_seconds: n % 4 === 0 ? null : n % 5,
    }),
  ]);
};
const addExample = (datasetId: string, words = `Question ${next()}?`) =>
  ask(done, 'mutation ($input: AddExamplesInput!) { addExamples(input: $input) { __typename } }', {
    input: {
      datasetId,
      autoValidate: true,
      examples: [
        {
          messages: [
            { role: 'USER', content: words },
            { role: 'ASSISTANT', content: 'It is as you say.' },
          ],
          ...(made % 3 > 0 && { qualityScore: (made % 5) / 10 }),
        },
      ],
    },
  });
const collectFrom = (datasetId: string) =>
  ask(done, 'mutation ($input: CollectExamplesInput!) { collectExamples(input: $input) { __typename } }', {
    input: { datasetId, minConfidence: 0, autoValidate: true },
  });
const exportDataset = async (datasetId: string) =>
  (
    await ask(
      withId,
      'mutation ($input: ExportDatasetInput!) { exportDataset(input: $input) { ... on Export { id } } }',
      { input: { datasetId } },
    )
  ).id;
const launchOn = async (exportId: string) =>
  (
    await ask(
      withId,
      'mutation ($input: LaunchTrainingRunInput!) { launchTrainingRun(input: $input) { ... on TrainingRun { id } } }',
      { input: { exportId, baseModel: 'sandbox-small', requestKey: `key ${next()}` } },
    )
  ).id;
const edit = (id: string) =>
  ask(done, 'mutation ($input: UpdateExampleInput!) { updateExample(input: $input) { __typename } }', {
    input: { id, assistantResponse: `As you say, and ${next()} times so.` },
  });
const review = (exampleId: string, as: string) =>
  client
    .as(as)
    .answer('mutation ($input: ReviewExampleInput!) { reviewExample(input: $input) { __typename } }', {
      input: { exampleId, verdict: 'ACCEPT', rating: 4 },
    });
const erase = () =>
  ask(done, 'mutation ($input: EraseCallerInput!) { eraseCaller(input: $input) { __typename } }', {
    input: { phoneNumber: `+49301${String(next()).padStart(6, '0')}` },
  });
const createKey = () =>
  ask(done, 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { __typename } }', {
    input: { name: `Key ${next()}`, role: 'VIEWER' },
  });
const idsOf = async (query: string, variables: Record<string, unknown> = {}) => {
  const { data } = await client.answer(query, variables);
  return [...JSON.stringify(data).matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id ?? '');
};

test(`${WALKS} walks miss nothing that stays, and see nothing twice`, async () => {
  client = await server.asNewTenant();
  const parents = await makeParents();
  const lists = everyList();
  // A list that comes new to the schema has to be filled here too.
  expect([...new Set(lists.map(({ parent }) => parent))].toSorted()).toEqual(
    [...Object.keys(parents), 'Query'].toSorted(),
  );
  const seed = randomInt(2 ** 31);
  const random = seededRandom(seed);
  const there = new Map<List, string[]>();
  for (const list of lists) {
    const whole = await walkList(client, list, parents[list.parent], {
      backwards: false,
      random,
      most: 100,
      between: async () => undefined,
    });
    expect(whole.length, `${list.name} has rows to walk over`).toBeGreaterThanOrEqual(2);
    there.set(list, whole);
  }

  const walks = Array.from({ length: WALKS }, (_, n) => n).values();
  let inserts = 0;
  const between = async () => {
    if (random.below(PAGES_AN_INSERT) === 0) await insertOne(parents, (inserts += 1));
  };
  const wrong: object[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const n of walks) {
        const list = lists[n % lists.length];
        if (!list) throw new Error('There are no lists');
        const backwards = Math.floor(n / lists.length) % 2 === 1;
        const walk = { backwards, random, most: random.pick([4, 10, 30, 60]), between };
        const seen = await walkList(client, list, parents[list.parent], walk);
        const wanted = staying(list, there, parents);
        const met = seen.filter((id) => wanted.includes(id));
        const repeated = moves(list) ? [] : seen.filter((id, index) => seen.indexOf(id) !== index);
        if (repeated.length > 0 || met.join() !== wanted.join())
          wrong.push({ list: list.name, backwards, met, wanted, repeated });
      }
    }),
  );
  expect(wrong.slice(0, 5), `seed ${seed}`).toEqual([]);
  expect(inserts).toBeGreaterThan(20);
}, 120_000);

type Parents = Record<string, string>;

/** What inserting changes has another place in these orders each time, and may rightly be met again. */
const moves = ({ orderBy }: List) => orderBy?.field === 'UPDATED_AT' || orderBy?.field === 'EXAMPLE_COUNT';
const moving = (list: List, id: string, { Dataset, Example }: Parents) =>
  moves(list) && (id === Dataset || id === Example);
const staying = (list: List, there: Map<List, string[]>, parents: Parents) =>
  (there.get(list) ?? []).filter((id) => !moving(list, id, parents));

/** One of each type with lists of its own, and some rows in each of those. */
async function makeParents(): Promise<Parents> {
  for (let n = 0; n < ROWS; n += 1) await importCall();
  const Dataset = await createDataset();
  for (let n = 0; n < 3; n += 1) await createDataset();
  await collectFrom(Dataset);
  for (let n = 0; n < 5; n += 1) await addExample(Dataset);
  for (const words of ['parcel', 'letter']) {
    for (const end of ['.', '!', ', please.'])
      await addExample(
        Dataset,
        `Where is the ${words} that I sent to my aunt in Berlin last ${words} day${end}`,
      );
  }
  const Export = await exportDataset(Dataset);
  for (let n = 0; n < 3; n += 1) {
    await launchOn(Export);
    await erase();
    await createKey();
  }
  const [CallTranscription = ''] = await idsOf('{ callTranscriptions(last: 1) { edges { node { id } } } }');
  // The one that has most of all: from a call, edited, reviewed, exported several times.
  const [Example = ''] = await idsOf(
    'query ($id: ID!) { node(id: $id) { ... on CallTranscription { examples(first: 1) { edges { node { id } } } } } }',
    { id: CallTranscription },
  );
  for (let n = 0; n < 4; n += 1) {
    await edit(Example);
    await review(Example, `reviewer ${n}`);
    await exportDataset(Dataset);
  }
  const again = await createDataset();
  await collectFrom(again);
  await ask(
    done,
    'mutation ($input: FindDuplicatesInput!) { findDuplicates(input: $input) { __typename } }',
    {
      input: { datasetId: Dataset, threshold: 0.6 },
    },
  );
  const [DuplicateGroup = ''] = await idsOf(
    'query ($id: ID!) { node(id: $id) { ... on Dataset { duplicateGroups(first: 1) { edges { node { id } } } } } }',
    { id: Dataset },
  );
  const queued = '{ trainingRuns(filter: { status: QUEUED }) { edges { node { id } } } }';
  await expect.poll(async () => (await idsOf(queued)).length, { timeout: 30_000 }).toBe(3);
  const [TrainingRun = ''] = await idsOf('{ trainingRuns(last: 1) { edges { node { id } } } }');
  // A place in a list is a row's: a walk that stands at one that moves goes on from where it went, past all between. What
  // inserting changes has its last place by then.
  await edit(Example);
  return { Dataset, Export, CallTranscription, Example, DuplicateGroup, TrainingRun, Caller: NUMBER };
}

/** Something new in each list in turn. */
async function insertOne({ Dataset = '', Export = '', Example = '' }: Parents, n: number): Promise<void> {
  const inserts = [
    () => importCall(),
    () => addExample(Dataset),
    () => createDataset(),
    () => edit(Example),
    () => review(Example, `late reviewer ${n}`),
    () => erase(),
    () => launchOn(Export),
    () => exportDataset(Dataset),
    () => collectFrom(Dataset),
    () => createKey(),
  ];
  await inserts[n % inserts.length]?.();
}
