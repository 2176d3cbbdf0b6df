/** A tenant that has one of everything, a stranger, and every place where the stranger can give an id. */
import { parse } from 'graphql';
import { graphql } from '../../src/generated/gql/index.ts';
import { addExamples, call, collect, example, exportedLines, importCalls, newDataset } from './calls.ts';
import type { TestClient } from './client.ts';
import { erase } from './erasure.ts';
import { findDuplicates } from './duplicates.ts';
import { idPlaces, operationOf, rootFields, smallestValue, type Kind, type RootField } from './operations.ts';
import { accept, take } from './reviewers.ts';
import type { TestServer } from './server.ts';

const Launch = graphql(`
  mutation DataTenancyLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
    }
  }
`);

export const Everything = graphql(`
  query DataTenancyEverything {
    datasets {
      edges {
        node {
          id
          name
          exampleCount
          validatedCount
          duplicateGroups {
            edges {
              node {
                id
                settledAt
              }
            }
          }
        }
      }
    }
    examples {
      edges {
        node {
          id
          revision
          validated
          rejected
          reviews {
            edges {
              node {
                id
                undoneAt
              }
            }
          }
        }
      }
    }
    callTranscriptions {
      edges {
        node {
          id
        }
      }
    }
    exports {
      edges {
        node {
          id
        }
      }
    }
    trainingRuns {
      edges {
        node {
          id
          cancelRequestedAt
        }
      }
    }
    baseModels(provider: "sandbox") {
      name
    }
  }
`);

export type NodeType =
  | 'ApiKey'
  | 'CallTranscription'
  | 'CallerErasure'
  | 'Dataset'
  | 'DuplicateGroup'
  | 'Example'
  | 'Export'
  | 'Review'
  | 'TrainingRun';
export const MISSING = '019ab000-0000-7000-8000-000000000001';
export const missing = (type: string) => Buffer.from(`${type}:${MISSING}`).toString('base64');

export interface Scene {
  owner: TestClient;
  stranger: TestClient;
  /** Of the owner's. */
  ids: Record<NodeType, string>;
  baseModel: string;
}

const firstOf = (list: { edges: { node: { id: string } }[] }) => list.edges[0]?.node.id ?? '';

/** Sets it on the server. */
export async function setForeignScene(server: Pick<TestServer, 'asNewTenant'>): Promise<Scene> {
  const [owner, stranger] = [await server.asNewTenant(), await server.asNewTenant()];
  const datasetId = await newDataset(owner, 'Secret');
  const input = { datasetId };
  await importCalls(owner, [
    call('CA1', ['caller: What is the secret number?', 'agent: I may not tell it to you.']),
  ]);
  await collect(owner, input);
  await addExamples(
    owner,
    datasetId,
    Array.from({ length: 12 }, (_, index) => example(`Q${index}`)),
    true,
  );
  await addExamples(owner, datasetId, [example('Q twice', 'Twice'), example('Q, twice', 'Twice')]);
  await findDuplicates(owner, input);
  const held = (await take(owner, datasetId)).example;
  await accept(owner, held?.id ?? '');
  await exportedLines(owner, datasetId);
  const baseModel = (await owner.run(Everything, {})).baseModels[0]?.name ?? '';
  await owner.run(Launch, { input: { datasetId, baseModel, provider: 'sandbox' } });
  const { datasets, examples, callTranscriptions, exports, trainingRuns } = await owner.run(Everything, {});
  const keys = await owner.answer(
    'mutation { createApiKey(input: { name: "x", role: VIEWER }) { ... on CreateApiKeyPayload { apiKey { id } } } }',
  );
  const ids = {
    ApiKey: /"id":"([^"]+)"/.exec(JSON.stringify(keys))?.[1] ?? '',
    Dataset: firstOf(datasets),
    DuplicateGroup: firstOf(datasets.edges[0]?.node.duplicateGroups ?? datasets),
    Example: firstOf(examples),
    CallTranscription: firstOf(callTranscriptions),
    CallerErasure: (await erase(owner)).erasure?.id ?? '',
    Export: firstOf(exports),
    Review: examples.edges.map(({ node }) => firstOf(node.reviews)).find((id) => id !== '') ?? '',
    TrainingRun: firstOf(trainingRuns),
  };
  if (Object.values(ids).includes('')) throw new Error('The owner lacks something to look for');
  return { owner, stranger, ids, baseModel };
}

/** What kind of id is wanted there. */
export function typeAt(field: RootField, path: string[]): NodeType {
  const name = path.at(-1) ?? '';
  if (field.name === 'erasure') return 'CallerErasure';
  if (field.name === 'revokeApiKey') return 'ApiKey';
  if (name === 'datasetId') return 'Dataset';
  if (name === 'exportId') return 'Export';
  if (name === 'trainingRunId') return 'TrainingRun';
  if (name === 'groupIds') return 'DuplicateGroup';
  if (name === 'ids' && field.name !== 'nodes') return 'Example';
  if (name === 'exampleId') return 'Example';
  if (name === 'bestExampleId') return 'Example';
  const types: NodeType[] = ['CallTranscription', 'Dataset', 'Export', 'Review', 'TrainingRun', 'Example'];
  return types.find((type) => field.name.toLowerCase().includes(type.toLowerCase())) ?? 'Dataset';
}

export type Place = (typeof places)[number];

/** What must stand where no id does, for the operation to be a good one. */
const values: Record<string, unknown> = {
  messages: [
    { role: 'USER', content: 'Hello?' },
    { role: 'ASSISTANT', content: 'Good morning!' },
  ],
  qualityScore: 0.5,
  giveUp: true,
  verdict: 'ACCEPT',
};

export const places = (['query', 'mutation', 'subscription'] as Kind[]).flatMap((kind) =>
  rootFields(kind).flatMap((field) =>
    field.args.flatMap((arg) =>
      idPlaces(arg.type, [arg.name]).map((path) => ({
        kind,
        field,
        path,
        name: `${kind} ${field.name}(${path.join('.')})`,
      })),
    ),
  ),
);

/** What the stranger is answered who gives the id there, over HTTP or over WebSocket. */
export async function answerTo(
  { stranger, baseModel }: Pick<Scene, 'stranger' | 'baseModel'>,
  { kind, field, path }: Place,
  id: string,
  transport: 'HTTP' | 'WebSocket' = 'HTTP',
): Promise<unknown> {
  const wanted = path.join('.');
  const variables = Object.fromEntries(
    field.args
      .filter(
        ({ name, type, defaultValue }) =>
          name === path[0] || (String(type).endsWith('!') && defaultValue === undefined),
      )
      .map(({ name, type }) => [
        name,
        smallestValue(type, [name], (at, named) => {
          if (at.join('.') === wanted) return id;
          if (at.at(-1) === 'baseModel') return baseModel;
          return named === 'ID' && wanted.split('.').length === 1 ? undefined : values[at.at(-1) ?? ''];
        }),
      ]),
  );
  const document = operationOf(kind, field);
  if (kind !== 'subscription' && transport === 'HTTP') return stranger.answer(document, variables);
  try {
    for await (const news of stranger.follow(parse(document), variables as never)) return news;
    return 'ended';
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}
