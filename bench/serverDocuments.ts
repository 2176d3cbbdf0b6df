/** What benchmarks of the server ask. */
import { graphql } from '../src/generated/gql/index.ts';

export const Collect = graphql(`
  mutation BenchCollect($input: CollectExamplesInput!) {
    collectExamples(input: $input) {
      ... on CollectExamplesPayload {
        added
        alreadyThere
      }
      ... on Error {
        message
      }
    }
  }
`);

export const ExportDataset = graphql(`
  mutation BenchExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        id
        bytes
        sha256
        downloadUrl
      }
      ... on Error {
        message
      }
    }
  }
`);

/** A small query: what a page shows first. */
export const SmallQuery = graphql(`
  query BenchSmall {
    datasets(first: 1) {
      edges {
        node {
          id
          name
          exampleCount
        }
      }
    }
  }
`);
