/** Exporting in tests. */
import { createHash } from 'node:crypto';
import { graphql } from '../../src/generated/gql/index.ts';
import type { TestClient } from './client.ts';

export const Export = graphql(`
  mutation DataExportsMake($datasetId: ID!) {
    exportDataset(input: { datasetId: $datasetId }) {
      __typename
      ... on Export {
        id
        format
        systemPrompt
        exampleCount
        bytes
        sha256
        createdAt
        downloadUrl
        dataset {
          id
        }
      }
      ... on Error {
        code
      }
    }
  }
`);

export async function exportOf(client: TestClient, datasetId: string) {
  const { exportDataset } = await client.run(Export, { datasetId });
  if (!('id' in exportDataset)) throw new Error(`The export was refused: ${exportDataset.code}`);
  return exportDataset;
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
