/** What the tests of calls, datasets and examples share: documents, files to import, and walks over lists. */
import { readFileSync } from 'node:fs';
import { graphql } from '../../src/generated/gql/index.ts';
import type {
  CollectExamplesInput,
  CreateDatasetInput,
  ExampleFilter,
  ExampleInput,
} from '../../src/generated/gql/graphql.ts';
import type { ImportReport } from '../../src/services/importReport.ts';
import type { TestClient } from './client.ts';

export type { ImportReport };

const CreateDataset = graphql(`
  mutation DataCreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      ... on Dataset {
        id
      }
    }
  }
`);

const Collect = graphql(`
  mutation DataCollect($input: CollectExamplesInput!) {
    collectExamples(input: $input) {
      __typename
      ... on CollectExamplesPayload {
        added
        alreadyThere
        considered
        skipped {
          reason
          count
        }
        dataset {
          exampleCount
          validatedCount
          rejectedCount
        }
      }
      ... on InvalidInputError {
        code
        faults {
          field
          message
        }
      }
      ... on NotFoundError {
        code
        message
      }
    }
  }
`);

const Export = graphql(`
  mutation DataExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        downloadUrl
      }
      ... on Error {
        code
      }
    }
  }
`);

const Add = graphql(`
  mutation DataAdd($input: AddExamplesInput!) {
    addExamples(input: $input) {
      __typename
      ... on AddExamplesPayload {
        added
        alreadyThere
      }
      ... on InvalidInputError {
        code
        faults {
          field
          message
        }
      }
      ... on NotFoundError {
        code
        message
      }
    }
  }
`);

const Examples = graphql(`
  query DataExamples($datasetId: ID!, $after: String, $filter: ExampleFilter) {
    examples(datasetId: $datasetId, first: 100, after: $after, filter: $filter) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
          position
          userMessage
          assistantResponse
          qualityScore
          validated
          validatedBy
          rejected
          source
          firstTurn
          lastTurn
          revision
          messages {
            role
            content
          }
          callTranscription {
            callSid
          }
        }
      }
    }
  }
`);

const Counts = graphql(`
  query DataCounts($id: ID!) {
    dataset(id: $id) {
      exampleCount
      validatedCount
      rejectedCount
    }
  }
`);

export const sharedData = new URL('../../../shared/data/', import.meta.url);

/** The file's bytes. */
export function readShared(name: string) {
  return readFileSync(new URL(name, sharedData));
}

export async function newDataset(
  client: TestClient,
  name = 'Calls',
  rest: Omit<CreateDatasetInput, 'name'> = {},
): Promise<string> {
  const { createDataset } = await client.run(CreateDataset, { input: { name, ...rest } });
  if (!('id' in createDataset)) throw new Error('The dataset was not created');
  return createDataset.id;
}

export async function collect(client: TestClient, input: CollectExamplesInput) {
  const { collectExamples } = await client.run(Collect, { input });
  return collectExamples;
}

export async function addExamples(
  client: TestClient,
  datasetId: string,
  examples: ExampleInput[],
  autoValidate = false,
) {
  const { addExamples: answer } = await client.run(Add, { input: { datasetId, examples, autoValidate } });
  return answer;
}

/** An example with one question and one answer. */
export function example(
  question: string,
  answer = `Answer to ${question}`,
  qualityScore?: number,
): ExampleInput {
  return {
    messages: [
      { role: 'USER', content: question },
      { role: 'ASSISTANT', content: answer },
    ],
    ...(qualityScore !== undefined && { qualityScore }),
  };
}

/** All examples that the filter keeps, page by page in the order of adding. */
export async function examplesOf(client: TestClient, datasetId: string, filter: ExampleFilter = {}) {
  const all: Awaited<ReturnType<typeof page>>['edges'][number]['node'][] = [];
  const page = async (after: string | null) =>
    (await client.run(Examples, { datasetId, after, filter })).examples;
  for (let after: string | null = null; ;) {
    const { edges, pageInfo } = await page(after);
    all.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage) return all;
    after = pageInfo.endCursor ?? null;
  }
}

export async function countsOf(client: TestClient, id: string) {
  return (await client.run(Counts, { id })).dataset;
}

/** The lines of the export of what is validated now, as the download gives them; none when there is nothing. */
export async function exportedLines(client: TestClient, datasetId: string): Promise<string[]> {
  const { exportDataset } = await client.run(Export, { input: { datasetId } });
  if (!('downloadUrl' in exportDataset)) return [];
  const text = await (await fetch(exportDataset.downloadUrl)).text();
  return text.split('\n').slice(0, -1);
}

/** Sends a file to an import route. */
export function post(client: TestClient, path: string, type: string, body: BodyInit): Promise<Response> {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    duplex: 'half',
  };
  return client.fetch(path, init);
}

/** Sends a file to an import route and gives the report; an answer other than 200 fails the test. */
export async function importFile(
  client: TestClient,
  path: string,
  type: string,
  body: BodyInit,
): Promise<ImportReport> {
  const response = await post(client, path, type, body);
  if (response.status !== 200)
    throw new Error(`The import answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as ImportReport;
}

/** Imports calls as NDJSON. */
export function importCalls(client: TestClient, calls: object[], query = ''): Promise<ImportReport> {
  const body = calls.map((one) => JSON.stringify(one)).join('\n');
  return importFile(client, `/import/call-transcriptions${query}`, 'application/x-ndjson', body);
}

/** A call as a feed delivers it; `turns` as `caller: text` and `agent: text`. */
export function call(callSid: string, turns: string[] = [], rest: object = {}) {
  return {
    call_sid: callSid,
    created_at: '2026-09-01T09:00:00Z',
    transcript_confidence: 0.9,
    turns: turns.map((turn) => {
      const [speaker = '', ...words] = turn.split(': ');
      return { speaker, text: words.join(': ') };
    }),
    ...rest,
  };
}
