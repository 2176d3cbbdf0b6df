import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { newTenant } from './support/server.ts';

const CreateDataset = graphql(`
  mutation TestCreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      __typename
      ... on Dataset { id name description systemPrompt exampleCount }
      ... on InvalidInputError { code faults { field message } }
      ... on DatasetNameTakenError { code message datasetName }
    }
  }
`);

test('creates a dataset and refuses its name a second time', async () => {
  const client = await newTenant();
  const input = { name: '  Support ', systemPrompt: 'Be brief.' };
  const { createDataset } = await client.run(CreateDataset, { input });
  expect(createDataset).toMatchObject({ __typename: 'Dataset', name: 'Support', systemPrompt: 'Be brief.', description: null, exampleCount: 0 });
  const again = await client.run(CreateDataset, { input });
  expect(again.createDataset).toMatchObject({ __typename: 'DatasetNameTakenError', code: 'DATASET_NAME_TAKEN', datasetName: 'Support' });
});
