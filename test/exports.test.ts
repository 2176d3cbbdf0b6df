/** Exports over GraphQL: the bytes that are downloaded, what they are made of, and when there is a new one. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { addExamples, call, collect, example, examplesOf, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { Export, exportOf, sha256 } from './support/exportOf.ts';
import { newTenant } from './support/server.ts';

const Members = graphql(`
  query DataExportsMembers($id: ID!, $after: String) {
    export(id: $id) {
      examples(first: 100, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          node {
            line
            exampleRevision
            example {
              id
              revision
              userMessage
            }
          }
        }
      }
    }
  }
`);

const Exports = graphql(`
  query DataExportsListed($datasetId: ID, $id: ID!) {
    exports(datasetId: $datasetId) {
      totalCount
      edges {
        node {
          id
        }
      }
    }
    dataset(id: $id) {
      exports {
        totalCount
        edges {
          node {
            id
          }
        }
      }
    }
  }
`);

const Judge = graphql(`
  mutation DataExportsJudge($validate: ValidateExamplesInput!, $reject: RejectExamplesInput!) {
    validateExamples(input: $validate) {
      __typename
    }
    rejectExamples(input: $reject) {
      __typename
    }
  }
`);

const Change = graphql(`
  mutation DataExportsChange($dataset: UpdateDatasetInput!) {
    updateDataset(input: $dataset) {
      __typename
    }
  }
`);

const Reword = graphql(`
  mutation DataExportsReword($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      __typename
    }
  }
`);

async function membersOf(client: TestClient, id: string) {
  const found = (await client.run(Members, { id })).export;
  expect(found?.examples.totalCount).toBe(found?.examples.edges.length);
  return found?.examples.edges.map(({ node }) => node) ?? [];
}

test('holds the validated examples in their order, and tells which wording is which line', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(
    client,
    datasetId,
    ['A', 'B', 'C', 'D'].map((question) => example(question)),
  );
  const [a = '', b = '', c = '', d = ''] = (await examplesOf(client, datasetId)).map(({ id }) => id);
  await client.run(Reword, { input: { id: b, userMessage: 'B, reworded' } });
  await client.run(Judge, { validate: { ids: [d, b, a, c] }, reject: { ids: [c] } });
  const made = await exportOf(client, datasetId);
  await client.run(Reword, { input: { id: a, userMessage: 'A, later' } });
  expect(await membersOf(client, made.id)).toEqual([
    { line: 1, exampleRevision: 1, example: { id: a, revision: 2, userMessage: 'A, later' } },
    { line: 2, exampleRevision: 2, example: { id: b, revision: 2, userMessage: 'B, reworded' } },
    { line: 3, exampleRevision: 1, example: { id: d, revision: 1, userMessage: 'D' } },
  ]);
  const text = await (await fetch(made.downloadUrl)).text();
  expect(text.match(/"role":"user","content":"[^"]*"/g)).toEqual(
    ['A', 'B, reworded', 'D'].map((said) => `"role":"user","content":"${said}"`),
  );
  expect(sha256(Buffer.from(text))).toBe(made.sha256);
});

test('the same state gives the same export, another state another, and going back the first again', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 'Calls', { systemPrompt: 'One' });
  await addExamples(client, datasetId, [example('A'), example('B')], true);
  const [first, again] = await Promise.all([exportOf(client, datasetId), exportOf(client, datasetId)]);
  const third = await exportOf(client, datasetId);
  expect([again.id, third.id, third.createdAt]).toEqual([first.id, first.id, first.createdAt]);

  const change = async (input: object) =>
    void (await client.run(Change, { dataset: { id: datasetId, ...input } }));
  await change({ systemPrompt: 'Two' });
  const prompted = await exportOf(client, datasetId);
  expect(prompted.id).not.toBe(first.id);
  expect(prompted.sha256).not.toBe(first.sha256);
  await change({ systemPrompt: 'One', name: 'Renamed', description: 'Other' });
  expect(await exportOf(client, datasetId)).toMatchObject({ id: first.id, sha256: first.sha256 });
  await addExamples(client, datasetId, [example('Not validated')]);
  expect((await exportOf(client, datasetId)).id).toBe(first.id);

  const { exports, dataset } = await client.run(Exports, { datasetId, id: datasetId });
  expect(exports.edges.map(({ node }) => node.id)).toEqual([prompted.id, first.id]);
  expect(exports.totalCount).toBe(2);
  expect(dataset?.exports).toEqual(exports);
});

test('a system message of an example’s own stands in place of the dataset’s', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 'Calls', { systemPrompt: 'Everyone’s' });
  const own = example('A');
  own.messages.unshift({ role: 'SYSTEM', content: 'Its own' });
  await addExamples(client, datasetId, [own, example('B')], true);
  const text = await (await fetch((await exportOf(client, datasetId)).downloadUrl)).text();
  expect(text.match(/"role":"system","content":"[^"]*"/g)).toEqual([
    '"role":"system","content":"Its own"',
    '"role":"system","content":"Everyone’s"',
  ]);
});

test('keeps what an example was exported with when its call is imported anew', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const turns = ['caller: What would the weather be like?', 'agent: Sunny, all day long, I think.'];
  await importCalls(client, [call('CA1', turns)]);
  await collect(client, { datasetId });
  const made = await exportOf(client, datasetId);
  await importCalls(client, [call('CA1', [])]);
  expect((await exportOf(client, datasetId)).id).toBe(made.id);
});

test('refuses a dataset without validated examples, and one that is not there', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const answer = async (id: string) => (await client.run(Export, { datasetId: id })).exportDataset;
  expect(await answer(datasetId)).toEqual({ __typename: 'NothingToExportError', code: 'NOTHING_TO_EXPORT' });
  await addExamples(client, datasetId, [example('A')]);
  expect(await answer(datasetId)).toMatchObject({ code: 'NOTHING_TO_EXPORT' });
  const stranger = await newTenant();
  expect((await stranger.run(Export, { datasetId })).exportDataset).toEqual({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
  });
  expect(await answer('nonsense')).toEqual({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' });
});
