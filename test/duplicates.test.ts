/** Near-duplicates of a dataset: found, shown, and one of each group kept. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { addExamples, countsOf, example, examplesOf, newDataset } from './support/calls.ts';
import type { KeepBestOfDuplicatesInput } from '../src/generated/gql/graphql.ts';
import type { TestClient } from './support/client.ts';
import { findDuplicates, groupsOf, keepBest } from './support/duplicates.ts';
import { reject, setQuality, validate } from './support/review.ts';
import { newTenant, sharedServer } from './support/server.ts';

const Edit = graphql(`
  mutation DuplicatesEdit($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      __typename
    }
  }
`);

const Delete = graphql(`
  mutation DuplicatesDelete($id: ID!) {
    deleteDataset(id: $id) {
      __typename
    }
  }
`);

const question =
  'Good morning, I ordered two lamps last week and I would like to know when they will be delivered to my house in Lyon';
const answers = [
  'They left our warehouse on Monday and will be with you by Thursday evening at the latest',
  'They left our warehouse on Monday and will be with you by Thursday evening at the very latest',
  'They left our warehouse on Monday, and will be with you by Thursday evening at the latest!',
  'They left our warehouse on Monday and will be with you by Thursday morning at the latest',
];
const other =
  'Do you also sell bulbs that fit these lamps, and which of them would you recommend for a child’s room';

/** Positions 1 to 4 nearly the same, 5 and 6 nearly the same, 7 like no other. */
async function sevenExamples(): Promise<[client: TestClient, datasetId: string, ids: string[]]> {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [
    ...answers.map((answer) => example(question, answer)),
    example(other, 'The warm ones'),
    example(other.toUpperCase(), 'The warm ones.'),
    example('Hello?', 'Good morning.'),
  ]);
  return [client, datasetId, (await examplesOf(client, datasetId)).map(({ id }) => id)];
}

const positionsOf = ({ members }: { members: { example: { position: number } }[] }) =>
  members.map((member) => member.example.position);

test('finds the groups, the largest first, with the most similar to the best first', async () => {
  const [client, datasetId] = await sevenExamples();
  expect(await groupsOf(client, datasetId)).toEqual({ totalCount: 0, groups: [] });
  expect(await findDuplicates(client, { datasetId, threshold: 0.8 })).toEqual({
    __typename: 'FindDuplicatesPayload',
    compared: 7,
    groups: 2,
    examples: 6,
    dataset: { duplicateGroups: { totalCount: 2 } },
  });
  const { groups } = await groupsOf(client, datasetId);
  expect(groups).toMatchObject([
    { size: 4, memberCount: 4, remaining: 4, threshold: 0.8, settledAt: null, best: { position: 2 } },
    { size: 2, memberCount: 2, remaining: 2, threshold: 0.8, settledAt: null, best: { position: 6 } },
  ]);
  const [large, small] = groups;
  if (!large || !small) throw new Error('There are no groups');
  // The longest answer is the best; 1 and 3 differ from it by a word, 4 by another one too.
  expect(positionsOf(large)).toEqual([2, 1, 3]);
  // "very" parts a run of three words in two, and adds three.
  expect(large.members.map(({ similarity }) => similarity)).toEqual([1, 38 / 41, 38 / 41]);
  expect(large.members[1]).toMatchObject({
    number: 2,
    edited: false,
    kept: false,
    example: { duplicate: { number: 2, group: { id: large.id, best: { position: 2 } } } },
  });
  const rest = await groupsOf(client, datasetId, { members: large.lastCursor ?? null });
  expect(rest.groups[0]).toMatchObject({ members: [{ number: 4, example: { position: 4 } }] });

  const ascending = await groupsOf(client, datasetId, { orderBy: { field: 'SIZE', direction: 'ASC' } });
  expect(ascending.groups.map(({ size }) => size)).toEqual([2, 4]);
  expect(await groupsOf(client, datasetId, { filter: { minSize: 3 } })).toMatchObject({ totalCount: 1 });
});

test('finding again replaces what was found before', async () => {
  const [client, datasetId] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  const before = await groupsOf(client, datasetId);
  expect(await findDuplicates(client, { datasetId, threshold: 1 })).toMatchObject({ groups: 2, examples: 4 });
  const after = await groupsOf(client, datasetId);
  const ascending = after.groups.map((group) =>
    positionsOf(group)
      .toSorted((a, b) => a - b)
      .join(),
  );
  expect(new Set(ascending)).toEqual(new Set(['1,3', '5,6']));
  expect(before.groups.map(({ id }) => id)).not.toContain(after.groups[0]?.id);
});

test('the best is validated, else of the highest quality, else has the longer answer, else comes first', async () => {
  const [client, datasetId, ids] = await sevenExamples();
  const bestAfter = async () => {
    await findDuplicates(client, { datasetId, threshold: 0.8 });
    return (await groupsOf(client, datasetId)).groups[0]?.best.position;
  };
  expect(await bestAfter()).toBe(2);
  await setQuality(client, [ids[3] ?? ''], 0.4);
  expect(await bestAfter()).toBe(4);
  await setQuality(client, [ids[2] ?? ''], 0.5);
  expect(await bestAfter()).toBe(3);
  await validate(client, { ids: [ids[0] ?? ''] });
  expect(await bestAfter()).toBe(1);
  await reject(client, { ids: ids.slice(0, 3) });
  expect(await findDuplicates(client, { datasetId, threshold: 0.8 })).toMatchObject({
    compared: 4,
    groups: 1,
  });
});

test('keeps the best and rejects the others, once', async () => {
  const [client, datasetId, ids] = await sevenExamples();
  await validate(client, { datasetId });
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  const [large, small] = (await groupsOf(client, datasetId)).groups;
  if (!large || !small) throw new Error('There are no groups');

  const once = { __typename: 'KeepBestOfDuplicatesPayload', groups: 1, rejected: 3, edited: 0 };
  expect(await keepBest(client, { groupIds: [large.id, large.id] })).toEqual(once);
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 7, validatedCount: 4, rejectedCount: 3 });
  const open = await groupsOf(client, datasetId, { filter: { settled: false } });
  expect(open.groups.map(({ id }) => id)).toEqual([small.id]);
  const settled = await groupsOf(client, datasetId, { filter: { settled: true } });
  expect(settled.groups).toMatchObject([
    {
      id: large.id,
      remaining: 1,
      settledAt: expect.any(String),
      members: [
        { kept: true, example: { position: 2, validated: true, rejected: false } },
        { kept: false, example: { validated: false, rejected: true, rejectedBy: 'tester' } },
        { kept: false, example: { validated: false, rejected: true } },
      ],
    },
  ]);
  const reason = settled.groups[0]?.members[1]?.example.rejectionReason;
  const uuid = Buffer.from(large.id, 'base64').toString().split(':')[1];
  expect(reason).toBe(`Near-duplicate of the example at position 2, which was kept; group ${uuid}`);

  expect(await keepBest(client, { datasetId })).toEqual({ ...once, groups: 2, rejected: 1 });
  expect(await keepBest(client, { datasetId })).toEqual({ ...once, groups: 2, rejected: 0 });
  expect((await examplesOf(client, datasetId, { rejected: false })).map(({ id }) => id)).toEqual([
    ids[1],
    expect.any(String),
    ids[6],
  ]);
  expect(await findDuplicates(client, { datasetId, threshold: 0.8 })).toMatchObject({
    compared: 3,
    groups: 0,
  });
});

test('keeps the one that is named, and the next best where the proposed one was rejected', async () => {
  const [client, datasetId, ids] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  const [large, small] = (await groupsOf(client, datasetId)).groups;
  if (!large || !small) throw new Error('There are no groups');
  expect(await keepBest(client, { bestExampleId: ids[3] ?? '' })).toMatchObject({
    rejected: 3,
  });
  await reject(client, { ids: [small.best.id] });
  expect(await keepBest(client, { groupIds: [small.id] })).toMatchObject({ rejected: 0 });
  const left = await examplesOf(client, datasetId, { rejected: false });
  expect(left.map(({ position }) => position)).toEqual([4, small.best.position === 5 ? 6 : 5, 7]);
});

test('an edit after the search is shown, and spares the example', async () => {
  const [client, datasetId, ids] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  await client.run(Edit, { input: { id: ids[0] ?? '', assistantResponse: 'We do not deliver to Lyon.' } });
  const [large] = (await groupsOf(client, datasetId)).groups;
  expect(large?.members.map(({ edited, example: { position } }) => ({ edited, position }))).toEqual([
    { edited: false, position: 2 },
    { edited: true, position: 1 },
    { edited: false, position: 3 },
  ]);
  expect(await keepBest(client, { datasetId })).toMatchObject({ groups: 2, rejected: 3, edited: 1 });
  const left = await examplesOf(client, datasetId, { rejected: false });
  expect(left.map(({ position }) => position)).toEqual([1, 2, expect.any(Number), 7]);
});

test('refuses what cannot be, and changes nothing', async () => {
  const [client, datasetId, ids] = await sevenExamples();
  const [stranger, foreignDataset] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  await findDuplicates(stranger, { datasetId: foreignDataset });
  const [large] = (await groupsOf(client, datasetId)).groups;
  const [foreign] = (await groupsOf(stranger, foreignDataset)).groups;
  if (!large || !foreign) throw new Error('There are no groups');

  for (const threshold of [0.49, 1.01, -1]) {
    expect(await findDuplicates(client, { datasetId, threshold })).toMatchObject({
      code: 'INVALID_INPUT',
      faults: [{ field: 'input.threshold' }],
    });
  }
  expect(await findDuplicates(client, { datasetId: foreignDataset })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await findDuplicates(client, { datasetId: large.id })).toMatchObject({
    faults: [{ field: 'input.datasetId' }],
  });

  expect(await keepBest(client, { datasetId: foreignDataset })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await keepBest(client, { groupIds: [large.id, foreign.id] })).toMatchObject({ code: 'NOT_FOUND' });
  await reject(client, { ids: ids.slice(2, 3) });
  for (const [input, field] of [
    [{}, 'input'],
    [{ datasetId, groupIds: [large.id] }, 'input'],
    [{ groupIds: [] }, 'input.groupIds'],
    [{ groupIds: Array.from({ length: 1001 }, () => large.id) }, 'input.groupIds'],
    [{ groupIds: [large.id], bestExampleId: ids[0] ?? '' }, 'input'],
    [{ bestExampleId: ids[6] ?? '' }, 'input.bestExampleId'],
    [{ bestExampleId: ids[2] ?? '' }, 'input.bestExampleId'],
  ] satisfies [KeepBestOfDuplicatesInput, string][]) {
    expect(await keepBest(client, input)).toMatchObject({
      code: 'INVALID_INPUT',
      faults: [{ field }],
    });
  }
  expect(await countsOf(client, datasetId)).toMatchObject({ rejectedCount: 1 });
});

test('an abort leaves what was found before', async () => {
  const [client, datasetId] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  const { system } = await sharedServer();
  const viewer = { tenantId: client.tenantId, subject: 'tester', role: 'ADMIN' as const };
  const id = Buffer.from(datasetId, 'base64').toString().split(':')[1] ?? '';
  const stop = new AbortController();
  const searching = system.services.duplicates.find(viewer, { datasetId: id, threshold: 1 }, stop.signal);
  stop.abort(new Error('Not wanted any more'));
  await expect(searching).rejects.toThrow('Not wanted any more');
  expect((await groupsOf(client, datasetId)).groups.map(({ size }) => size)).toEqual([4, 2]);
  // The next search does not wait for the one that was aborted.
  expect(await findDuplicates(client, { datasetId, threshold: 1 })).toMatchObject({ groups: 2 });
});

test('deleting the dataset deletes what was found', async () => {
  const [client, datasetId] = await sevenExamples();
  await findDuplicates(client, { datasetId, threshold: 0.8 });
  expect(await client.run(Delete, { id: datasetId })).toEqual({ deleteDataset: { __typename: 'Dataset' } });
  const { db } = await sharedServer();
  expect(await db.withTenant(client.tenantId, (tx) => tx.duplicateMember.count())).toBe(0);
});
