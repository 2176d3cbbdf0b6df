import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { CreateDatasetInput } from '../src/generated/gql/graphql.ts';
import { addExamples, example, exportedLines, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const CreateDataset = graphql(`
  mutation DataDatasetCreate($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      __typename
      ... on Dataset {
        id
        name
        description
        systemPrompt
        exampleCount
        validatedCount
        rejectedCount
        createdAt
        updatedAt
      }
      ... on InvalidInputError {
        code
        faults {
          field
          message
        }
      }
      ... on DatasetNameTakenError {
        code
        message
        datasetName
      }
    }
  }
`);

const UpdateDataset = graphql(`
  mutation DataDatasetUpdate($input: UpdateDatasetInput!) {
    updateDataset(input: $input) {
      __typename
      ... on Dataset {
        id
        name
        description
        systemPrompt
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
      ... on NotFoundError {
        code
      }
      ... on DatasetNameTakenError {
        datasetName
      }
    }
  }
`);

const DeleteDataset = graphql(`
  mutation DataDatasetDelete($id: ID!) {
    deleteDataset(id: $id) {
      __typename
      ... on Dataset {
        id
        name
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const ReadDataset = graphql(`
  query DataDatasetRead($id: ID!) {
    dataset(id: $id) {
      id
      name
    }
    node(id: $id) {
      id
    }
    nodes(ids: [$id]) {
      id
    }
  }
`);

const create = async (client: TestClient, input: CreateDatasetInput) =>
  (await client.run(CreateDataset, { input })).createDataset;

test('creates a dataset with trimmed texts, and refuses its name a second time', async () => {
  const client = await newTenant();
  const input = { name: '  Support ', description: '', systemPrompt: ' Be brief. ' };
  const created = await create(client, input);
  expect(created).toMatchObject({
    __typename: 'Dataset',
    name: 'Support',
    systemPrompt: 'Be brief.',
    description: null,
    exampleCount: 0,
    validatedCount: 0,
    rejectedCount: 0,
  });
  expect(await create(client, { name: 'Support' })).toEqual({
    __typename: 'DatasetNameTakenError',
    code: 'DATASET_NAME_TAKEN',
    message: expect.stringContaining('"Support"'),
    datasetName: 'Support',
  });
  expect(await create(client, { name: 'support' })).toMatchObject({ __typename: 'Dataset' });
  const other = await newTenant();
  expect(await create(other, input)).toMatchObject({ __typename: 'Dataset', name: 'Support' });
});

const unusable = [
  ['no name', { name: '' }, 'input.name'],
  ['a name of spaces', { name: ' \t\n' }, 'input.name'],
  ['201 characters', { name: 'x'.repeat(201) }, 'input.name'],
  ['a NUL character in the name', { name: 'a\0b' }, 'input.name'],
  ['half a surrogate pair in the name', { name: 'a\ud83d' }, 'input.name'],
  ['10,001 characters of description', { name: 'x', description: 'x'.repeat(10_001) }, 'input.description'],
  ['a NUL character in the description', { name: 'x', description: '\0' }, 'input.description'],
  [
    '100,001 characters of system prompt',
    { name: 'x', systemPrompt: 'x'.repeat(100_001) },
    'input.systemPrompt',
  ],
  ['half a surrogate pair in the system prompt', { name: 'x', systemPrompt: '\udc00' }, 'input.systemPrompt'],
] as const;

test.each(unusable)('refuses %s, when creating and when changing', async (_name, input, field) => {
  const client = await newTenant();
  const id = await newDataset(client, 'There');
  const refusal = { __typename: 'InvalidInputError', faults: [{ field }] };
  expect(await create(client, input)).toMatchObject({ code: 'INVALID_INPUT', ...refusal });
  expect((await client.run(UpdateDataset, { input: { id, ...input } })).updateDataset).toEqual(refusal);
  expect((await client.run(ReadDataset, { id })).dataset?.name).toBe('There');
});

test('tells every fault at once', async () => {
  const client = await newTenant();
  const created = await create(client, { name: '', description: '\0', systemPrompt: '\ud800' });
  expect(created).toMatchObject({
    faults: [{ field: 'input.name' }, { field: 'input.description' }, { field: 'input.systemPrompt' }],
  });
});

test('changes what is given, leaves the rest, and clears with null or an empty text', async () => {
  const client = await newTenant();
  const id = await newDataset(client, 'One', { systemPrompt: 'Be brief.' });
  await newDataset(client, 'Two');
  const update = async (input: object) =>
    (await client.run(UpdateDataset, { input: { id, ...input } })).updateDataset;
  expect(await update({ name: 'x'.repeat(200), description: 'For calls' })).toMatchObject({
    name: 'x'.repeat(200),
    description: 'For calls',
    systemPrompt: 'Be brief.',
  });
  expect(await update({ description: null, systemPrompt: '' })).toEqual({
    __typename: 'Dataset',
    id,
    name: 'x'.repeat(200),
    description: null,
    systemPrompt: null,
  });
  expect(await update({ name: ' Two ' })).toEqual({
    __typename: 'DatasetNameTakenError',
    datasetName: 'Two',
  });
  expect(await update({ name: 'x'.repeat(200) })).toMatchObject({ __typename: 'Dataset' });
  expect(await update({})).toMatchObject({ __typename: 'Dataset', name: 'x'.repeat(200) });
});

test('deletes a dataset with its examples, unless something was exported from it', async () => {
  const client = await newTenant();
  const [unused, used] = [await newDataset(client, 'Unused'), await newDataset(client, 'Used')];
  for (const id of [unused, used]) await addExamples(client, id, [example('Why?')], true);
  expect((await client.run(DeleteDataset, { id: unused })).deleteDataset).toEqual({
    __typename: 'Dataset',
    id: unused,
    name: 'Unused',
  });
  expect(await client.run(ReadDataset, { id: unused })).toEqual({ dataset: null, node: null, nodes: [null] });
  expect((await client.run(DeleteDataset, { id: unused })).deleteDataset).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
  });
  expect((await client.run(UpdateDataset, { input: { id: unused, name: 'x' } })).updateDataset).toMatchObject(
    { code: 'NOT_FOUND' },
  );

  await exportedLines(client, used);
  expect((await client.run(DeleteDataset, { id: used })).deleteDataset).toMatchObject({
    __typename: 'DatasetInUseError',
    code: 'DATASET_IN_USE',
  });
  expect(await client.run(ReadDataset, { id: used })).toEqual({
    dataset: { id: used, name: 'Used' },
    node: { id: used },
    nodes: [{ id: used }],
  });
});

test('what is asked about a deleted dataset beyond its own fields is answered with a code', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  const { errors } = await client.answer(
    'mutation ($id: ID!) { deleteDataset(id: $id) { ... on Dataset { examples { totalCount edges { node { id } } } } } }',
    { id },
  );
  expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['NOT_FOUND']);
});
