import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { AskModelInput } from '../src/generated/gql/graphql.ts';
import type { ChatTurn } from '../src/services/providers/port.ts';
import type { TestClient } from './support/client.ts';
import { answer, ended, launch, newDataset, question, reached, SYSTEM_PROMPT } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';
import { lost, standIn } from './support/standIn.ts';
import { serverWith, setUpWorkshop } from './support/workshop.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

setUpWorkshop();

const Ask = graphql(`
  mutation RunAsk($input: AskModelInput!) {
    askModel(input: $input) {
      __typename
      ... on ModelAnswer {
        content
        model
        promptTokens
        completionTokens
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
    }
  }
`);

const user = (content: string) => ({ role: 'USER' as const, content });
const ask = async (client: TestClient, input: AskModelInput) => (await client.run(Ask, { input })).askModel;

test('a tuned model answers from what it was trained on', async () => {
  const client = await newTenant();
  const { id } = await launch(client, {
    datasetId: await newDataset(client, 20),
    hyperparameters: { nEpochs: 3 },
  });
  const { resultModelId } = await ended(client, id);
  for (const n of [0, 7, 19]) {
    expect(await ask(client, { trainingRunId: id, messages: [user(question(n))] })).toMatchObject({
      __typename: 'ModelAnswer',
      content: answer(n),
      model: resultModelId,
      promptTokens: expect.any(Number),
      completionTokens: expect.any(Number),
    });
  }
  const cut = await ask(client, {
    trainingRunId: id,
    messages: [user(question(3))],
    maxTokens: 2,
    temperature: 0,
  });
  expect('content' in cut && cut.content.length).toBeLessThan(answer(3).length);
});

test('the system prompt of the training goes first unless the messages bring one', async () => {
  const asked: ChatTurn[][] = [];
  const provider = standIn((it) => ({
    createJob: async (job) => {
      const made = it.add(job);
      it.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 10 });
      return made;
    },
    chat: async ({ model, messages }) => {
      asked.push(messages);
      return { content: 'Hello.', model, promptTokens: null, completionTokens: null };
    },
  }));
  const client = await (await serverWith(provider)).asNewTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  await ended(client, id);
  await ask(client, { trainingRunId: id, messages: [user('Hi')] });
  await ask(client, { trainingRunId: id, messages: [{ role: 'SYSTEM', content: 'Be rude.' }, user('Hi')] });
  expect(asked).toEqual([
    [
      { role: 'system', content: SYSTEM_PROMPT },
      { role: 'user', content: 'Hi' },
    ],
    [
      { role: 'system', content: 'Be rude.' },
      { role: 'user', content: 'Hi' },
    ],
  ]);
});

test('there is nothing to ask before the run has succeeded, and nothing to hear when the provider is away', async () => {
  const provider = standIn(() => ({
    chat: async () => {
      throw lost();
    },
  }));
  const client = await (await serverWith(provider)).asNewTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  await reached(client, id, 'QUEUED');
  expect(await ask(client, { trainingRunId: id, messages: [user('Hi')] })).toMatchObject({
    __typename: 'ModelNotReadyError',
    code: 'MODEL_NOT_READY',
    message: expect.stringContaining('QUEUED'),
  });
  provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 10 });
  await ended(client, id);
  expect(await ask(client, { trainingRunId: id, messages: [user('Hi')] })).toMatchObject({
    __typename: 'ProviderError',
    code: 'PROVIDER_UNREACHABLE',
  });
});

test('bad questions are refused by name', async () => {
  const provider = standIn();
  const server = await serverWith(provider);
  const [client, neighbour] = [await server.asNewTenant(), await server.asNewTenant()];
  const { id } = await launch(client, { datasetId: await newDataset(client, 12) });
  const cases: [Omit<AskModelInput, 'trainingRunId'>, string][] = [
    [{ messages: [] }, 'input.messages'],
    [{ messages: Array.from({ length: 201 }, () => user('x')) }, 'input.messages'],
    [{ messages: [{ role: 'TOOL', content: 'x' }] }, 'input.messages'],
    [{ messages: [user('x'), user('x'.repeat(200_001))] }, 'input.messages[1].content'],
    [{ messages: [user('a\u0000b')] }, 'input.messages[0].content'],
    [{ messages: [user('x')], maxTokens: 0 }, 'input.maxTokens'],
    [{ messages: [user('x')], temperature: 2.1 }, 'input.temperature'],
  ];
  for (const [input, field] of cases) {
    expect(await ask(client, { trainingRunId: id, ...input }), field).toMatchObject({
      __typename: 'InvalidInputError',
      faults: [{ field: expect.stringContaining(field) }],
    });
  }
  expect(await ask(client, { trainingRunId: 'no id', messages: [user('x')] })).toMatchObject({
    faults: [{ field: 'input.trainingRunId' }],
  });
  expect(await ask(neighbour, { trainingRunId: id, messages: [user('x')] })).toMatchObject({
    __typename: 'NotFoundError',
  });
});
