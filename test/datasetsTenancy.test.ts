/** Another tenant's things look exactly as if they were not there, wherever an id can be given. */
import { parse } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import {
  addExamples,
  call,
  collect,
  example,
  exportedLines,
  importCalls,
  newDataset,
} from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { erase } from './support/erasure.ts';
import { findDuplicates } from './support/duplicates.ts';
import {
  idPlaces,
  operationOf,
  rootFields,
  smallestValue,
  type Kind,
  type RootField,
} from './support/operations.ts';
import { accept, take } from './support/reviewers.ts';
import { newTenant } from './support/server.ts';

const Launch = graphql(`
  mutation DataTenancyLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
    }
  }
`);

const Everything = graphql(`
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

type NodeType =
  | 'ApiKey'
  | 'CallTranscription'
  | 'CallerErasure'
  | 'Dataset'
  | 'DuplicateGroup'
  | 'Example'
  | 'Export'
  | 'Review'
  | 'TrainingRun';
const MISSING = '019ab000-0000-7000-8000-000000000001';
const missing = (type: string) => Buffer.from(`${type}:${MISSING}`).toString('base64');

let owner: TestClient;
let stranger: TestClient;
let ids: Record<NodeType, string>;
let baseModel = '';

const firstOf = (list: { edges: { node: { id: string } }[] }) => list.edges[0]?.node.id ?? '';

beforeAll(async () => {
  [owner, stranger] = [await newTenant(), await newTenant()];
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
  baseModel = (await owner.run(Everything, {})).baseModels[0]?.name ?? '';
  await owner.run(Launch, { input: { datasetId, baseModel, provider: 'sandbox' } });
  const { datasets, examples, callTranscriptions, exports, trainingRuns } = await owner.run(Everything, {});
  const keys = await owner.answer(
    'mutation { createApiKey(input: { name: "x", role: VIEWER }) { ... on CreateApiKeyPayload { apiKey { id } } } }',
  );
  ids = {
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
});

/** What kind of id is wanted there. */
function typeAt(field: RootField, path: string[]): NodeType {
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

const places = (['query', 'mutation', 'subscription'] as Kind[]).flatMap((kind) =>
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

test('there are as many places for an id as there should be', () => {
  expect(places.map(({ name }) => name)).toMatchInlineSnapshot(`
    [
      "query callTranscription(id)",
      "query dataset(id)",
      "query erasure(id)",
      "query example(id)",
      "query examples(datasetId)",
      "query export(id)",
      "query exports(datasetId)",
      "query node(id)",
      "query nodes(ids)",
      "query preflight(datasetId)",
      "query preflight(exportId)",
      "query trainingRun(id)",
      "query trainingRuns(filter.datasetId)",
      "query trainingRuns(filter.exportId)",
      "mutation addExamples(input.datasetId)",
      "mutation askModel(input.trainingRunId)",
      "mutation cancelTrainingRun(id)",
      "mutation collectExamples(input.datasetId)",
      "mutation deleteDataset(id)",
      "mutation exportDataset(input.datasetId)",
      "mutation findDuplicates(input.datasetId)",
      "mutation keepBestOfDuplicates(input.bestExampleId)",
      "mutation keepBestOfDuplicates(input.datasetId)",
      "mutation keepBestOfDuplicates(input.groupIds)",
      "mutation launchTrainingRun(input.datasetId)",
      "mutation launchTrainingRun(input.exportId)",
      "mutation refreshTrainingRun(id)",
      "mutation rejectExamples(input.datasetId)",
      "mutation rejectExamples(input.ids)",
      "mutation releaseExample(id)",
      "mutation resolveTrainingRun(input.id)",
      "mutation reviewExample(input.exampleId)",
      "mutation revokeApiKey(id)",
      "mutation setQualityScore(input.ids)",
      "mutation takeExampleToReview(input.datasetId)",
      "mutation undoReview(id)",
      "mutation updateDataset(input.id)",
      "mutation updateExample(input.id)",
      "mutation validateExamples(input.datasetId)",
      "mutation validateExamples(input.ids)",
      "subscription datasetUpdated(id)",
      "subscription trainingRunEvents(id)",
      "subscription trainingRunUpdated(id)",
    ]
  `);
});

async function answerTo({ kind, field, path }: (typeof places)[number], id: string): Promise<unknown> {
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
  if (kind !== 'subscription') return stranger.answer(document, variables);
  try {
    for await (const news of stranger.follow(parse(document), variables as never)) return news;
    return 'ended';
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

describe.each(places)('$name', (place) => {
  test('answers for what is another’s as for what is not there', async () => {
    const type = typeAt(place.field, place.path);
    const id = Buffer.from(ids[type], 'base64').toString().split(':')[1] ?? '';
    const before = await owner.run(Everything, {});
    const text = JSON.stringify(await answerTo(place, ids[type]));
    const expected = JSON.stringify(await answerTo(place, missing(type)));
    expect(text.replaceAll(id, MISSING)).toBe(expected);
    expect(expected).not.toContain('INTERNAL_ERROR');
    const nothing =
      /^\{"data":\{"\w+":(null|\[null\]|\{"totalCount":0,"edges":\[\]\})\}\}$|^\{"errors":.*"NOT_FOUND"/;
    expect(expected).toMatch(place.kind === 'query' ? nothing : /NOT_FOUND/);
    expect(await owner.run(Everything, {})).toEqual({ ...before, trainingRuns: expect.anything() });
  });

  test('refuses an id of another type, and what is no id', async () => {
    if (['node', 'nodes'].includes(place.field.name)) return;
    const type = typeAt(place.field, place.path);
    const wrong = [
      ...Object.entries(ids)
        .filter(([other]) => other !== type)
        .map(([, id]) => id),
      '',
      '\0',
      'x'.repeat(1000),
      Buffer.from(`${type}:1`).toString('base64'),
      missing('Tenant'),
    ];
    for (const id of wrong) {
      const answer = JSON.stringify(await answerTo(place, id));
      expect([id, answer]).toEqual([id, expect.stringContaining('INVALID_INPUT')]);
    }
  });
});

test('lists show a stranger nothing', async () => {
  const nothing = { edges: [] };
  expect(await stranger.run(Everything, {})).toMatchObject({
    datasets: nothing,
    examples: nothing,
    callTranscriptions: nothing,
    exports: nothing,
    trainingRuns: nothing,
  });
});
