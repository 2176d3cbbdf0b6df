/** From a model back to the calls it learned from, and from a caller to the models that learned from them. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { examplesOf } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import {
  callerOf,
  CALLER,
  CALLER_WRITTEN,
  collectedDataset,
  importCaller,
  SECRET,
} from './support/erasure.ts';
import { ended, launch } from './support/runs.ts';
import { newTenant } from './support/server.ts';

const FromModel = graphql(`
  query LineageFromModel($name: String!) {
    trainingRunOfModel(name: $name) {
      id
      resultModelId
      providerJobId
      checkpoints {
        modelId
      }
      export {
        id
        sha256
        examples(first: 20) {
          totalCount
          edges {
            node {
              part
              line
              exampleRevision
              messages {
                role
                content
              }
              tools
              export {
                id
              }
              example {
                revision
                validatedBy
                turns {
                  speaker
                  text
                }
                exports {
                  totalCount
                  edges {
                    node {
                      line
                      export {
                        id
                      }
                    }
                  }
                }
                callTranscription {
                  callSid
                  phoneNumber
                  models {
                    name
                  }
                }
              }
            }
          }
        }
      }
    }
  }
`);

const Update = graphql(`
  mutation LineageUpdate($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      ... on Example {
        revision
      }
    }
  }
`);

const Models = graphql(`
  query LineageModels {
    callTranscriptions {
      edges {
        node {
          callSid
          models {
            name
            step
            trainingRunId
          }
        }
      }
    }
  }
`);

let client: TestClient;
let run: Awaited<ReturnType<typeof ended>>;

beforeAll(async () => {
  client = await newTenant();
  await importCaller(client);
  const datasetId = await collectedDataset(client);
  run = await ended(client, (await launch(client, { datasetId })).id);
  const mine = (await examplesOf(client, datasetId)).find(({ userMessage }) =>
    userMessage.startsWith(`${SECRET} and`),
  );
  // An edit after the export: the model has learned the wording before it.
  await client.run(Update, { input: { id: mine?.id ?? '', assistantResponse: 'A walrus costs extra.' } });
}, 60_000);

test('from a model’s name one comes to the job, the lines, their wording, the turns and the call', async () => {
  const { trainingRunOfModel } = await client.run(FromModel, { name: run.resultModelId ?? '' });
  expect(trainingRunOfModel).toMatchObject({ id: run.id, providerJobId: run.providerJobId });
  const lines = trainingRunOfModel?.export?.examples.edges.map(({ node }) => node) ?? [];
  expect(lines).toHaveLength(16);
  expect(lines.map(({ part, line }) => [part, line])).toEqual(
    Array.from({ length: 16 }, (_, n) => ['TRAINING', n + 1]),
  );
  const edited = lines.find(({ example }) => example?.revision === 2);
  expect(edited).toMatchObject({
    exampleRevision: 1,
    tools: null,
    export: { id: trainingRunOfModel?.export?.id },
    messages: [
      { role: 'USER', content: `${SECRET} and I wonder what that costs me.` },
      { role: 'ASSISTANT', content: 'That is quite all right, it costs nothing at all.' },
    ],
    example: {
      turns: [
        { speaker: 'CALLER', text: `${SECRET} and I wonder what that costs me.` },
        { speaker: 'AGENT', text: 'That is quite all right, it costs nothing at all.' },
      ],
      exports: { totalCount: 1, edges: [{ node: { line: edited?.line } }] },
      callTranscription: { callSid: 'CA-secret-1', phoneNumber: CALLER_WRITTEN },
    },
  });
  expect(edited?.example?.callTranscription?.models.map(({ name }) => name)).toContain(run.resultModelId);
  expect(lines.filter(({ example }) => example?.validatedBy === 'rule: confidence >= 0.8')).toHaveLength(15);
});

test('a checkpoint’s name leads to the same run, an unknown one or another tenant’s to none', async () => {
  const { trainingRunOfModel } = await client.run(FromModel, { name: run.resultModelId ?? '' });
  const checkpoint = trainingRunOfModel?.checkpoints[0]?.modelId ?? '';
  expect(checkpoint).toContain('ckpt');
  expect((await client.run(FromModel, { name: checkpoint })).trainingRunOfModel?.id).toBe(run.id);
  expect((await client.run(FromModel, { name: 'no such model' })).trainingRunOfModel).toBeNull();
  const stranger = await newTenant();
  expect((await stranger.run(FromModel, { name: run.resultModelId ?? '' })).trainingRunOfModel).toBeNull();
});

test('from a number, however written, one comes to calls, examples, exports, runs and models', async () => {
  const caller = await callerOf(client, '001 555/010.0001');
  expect(caller).toMatchObject({
    phoneNumber: CALLER,
    calls: { totalCount: 2 },
    examples: { totalCount: 2 },
    exports: { totalCount: 1 },
    trainingRuns: { totalCount: 1, edges: [{ node: { id: run.id } }] },
  });
  expect(caller.calls.edges.map(({ node }) => node.callSid).toSorted()).toEqual([
    'CA-secret-1',
    'CA-secret-2',
  ]);
  const models = new Map(caller.models.map((model) => [model.name, model]));
  expect(models.get(run.resultModelId ?? '')).toMatchObject({
    provider: 'sandbox',
    baseModel: expect.stringContaining('sandbox-small'),
    step: null,
    trainingRunId: run.id,
  });
  expect(caller.models.filter(({ step }) => step !== null).length).toBeGreaterThan(0);
  expect(await callerOf(client, '+15550100002')).toMatchObject({
    calls: { totalCount: 0 },
    exports: { totalCount: 0 },
    trainingRuns: { totalCount: 0 },
    models: [],
  });
});

test('each call of a list knows its models', async () => {
  const { callTranscriptions } = await client.run(Models, {});
  expect(callTranscriptions.edges).toHaveLength(16);
  for (const { node } of callTranscriptions.edges) {
    expect(node.models.map(({ name }) => name)).toContain(run.resultModelId);
    expect(new Set(node.models.map(({ trainingRunId }) => trainingRunId))).toEqual(new Set([run.id]));
  }
});
