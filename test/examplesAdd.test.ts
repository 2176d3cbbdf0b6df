/** Examples by hand: adding up to 200, all or none, with tools, and what is wrong with the ones that are refused. */
import { describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { ChatMessageInput, ExampleInput } from '../src/generated/gql/graphql.ts';
import { addExamples, countsOf, example, examplesOf, exportedLines, newDataset } from './support/calls.ts';
import { newTenant } from './support/server.ts';

const Tooled = graphql(`
  query DataExamplesTooled($datasetId: ID!) {
    examples(datasetId: $datasetId) {
      edges {
        node {
          userMessage
          assistantResponse
          tools
          parallelToolCalls
          qualityScore
          messages {
            role
            content
            name
            weight
            toolCallId
            toolCalls {
              id
              name
              arguments
            }
          }
        }
      }
    }
  }
`);

const tools = [
  {
    type: 'function',
    function: {
      name: 'find_table',
      description: 'Finds a free table',
      parameters: {
        type: 'object',
        properties: { z: { type: 'integer' }, a: { type: 'string' }, __proto__x: {} },
        required: ['z'],
      },
      strict: true,
    },
  },
];
const toolCall = { id: 'call_1', name: 'find_table', arguments: '{"z":2}' };
const conversation: ChatMessageInput[] = [
  { role: 'SYSTEM', content: 'You book tables.' },
  { role: 'USER', content: 'A table for two?', name: 'Anna' },
  { role: 'ASSISTANT', toolCalls: [toolCall], weight: 0 },
  { role: 'TOOL', content: '{"free":true}', toolCallId: 'call_1' },
  { role: 'ASSISTANT', content: 'There is one – 👍', weight: 1 },
];

test('keeps messages, tools, tool calls, weights and names, and exports them', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 'Tables', { systemPrompt: 'The dataset says this.' });
  const given: ExampleInput = {
    messages: conversation,
    tools,
    parallelToolCalls: false,
    qualityScore: 0.285,
  };
  expect(await addExamples(client, datasetId, [given, example('Plain?')], true)).toEqual({
    __typename: 'AddExamplesPayload',
    added: 2,
    alreadyThere: 0,
  });
  const { examples } = await client.run(Tooled, { datasetId });
  const absent = { content: null, name: null, weight: null, toolCallId: null, toolCalls: [] };
  expect(examples.edges[0]?.node).toEqual({
    userMessage: 'A table for two?',
    assistantResponse: 'There is one – 👍',
    tools,
    parallelToolCalls: false,
    qualityScore: 0.29,
    messages: conversation.map((message) => ({ ...absent, ...message })),
  });
  const [tooled, plain] = await exportedLines(client, datasetId);
  expect(JSON.parse(tooled ?? '')).toEqual({
    messages: [
      { role: 'system', content: 'You book tables.' },
      { role: 'user', content: 'A table for two?', name: 'Anna' },
      {
        role: 'assistant',
        content: null,
        weight: 0,
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'find_table', arguments: '{"z":2}' } },
        ],
      },
      { role: 'tool', content: '{"free":true}', tool_call_id: 'call_1' },
      { role: 'assistant', content: 'There is one – 👍', weight: 1 },
    ],
    tools,
    parallel_tool_calls: false,
  });
  expect(plain).toBe(
    '{"messages":[{"role":"system","content":"The dataset says this."},{"role":"user","content":"Plain?"},{"role":"assistant","content":"Answer to Plain?"}]}',
  );
});

test('adds messages once, whether they were there before or come twice', async () => {
  const client = await newTenant();
  const [datasetId, other] = [await newDataset(client, 'One'), await newDataset(client, 'Other')];
  expect(await addExamples(client, datasetId, [example('A'), example('B'), example('A')])).toMatchObject({
    added: 2,
    alreadyThere: 1,
  });
  expect(
    await addExamples(client, datasetId, [example('B'), example('C'), example('b')], true),
  ).toMatchObject({ added: 2, alreadyThere: 1 });
  expect(await addExamples(client, other, [example('B')])).toMatchObject({ added: 1, alreadyThere: 0 });
  expect(await examplesOf(client, datasetId)).toMatchObject([
    {
      position: 1,
      userMessage: 'A',
      validated: false,
      validatedBy: null,
      source: 'MANUAL',
      callTranscription: null,
      firstTurn: null,
      revision: 1,
    },
    { position: 2, userMessage: 'B', validated: false },
    { userMessage: 'C', validated: true, validatedBy: 'tester' },
    { userMessage: 'b', validated: true },
  ]);
});

test('takes 1 to 200 examples at once', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const examples = Array.from({ length: 201 }, (_, index) => example(`Q${index}`));
  for (const some of [examples, []]) {
    expect(await addExamples(client, datasetId, some)).toMatchObject({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      faults: [{ field: 'input.examples' }],
    });
  }
  expect(await addExamples(client, datasetId, examples.slice(1))).toMatchObject({ added: 200 });
});

describe('refuses all when one has', () => {
  const user: ChatMessageInput = { role: 'USER', content: 'Hello?' };
  const assistant: ChatMessageInput = { role: 'ASSISTANT', content: 'Good morning!' };
  const answered = (extra: Partial<ChatMessageInput>): ExampleInput => ({
    messages: [user, { ...assistant, ...extra }],
  });

  test.each<[name: string, wrong: ExampleInput, field: string]>([
    ['no messages', { messages: [] }, 'messages'],
    ['no answer', { messages: [user] }, 'messages'],
    ['no question', { messages: [assistant] }, 'messages'],
    ['2,001 messages', { messages: [...Array.from({ length: 2000 }, () => user), assistant] }, 'messages'],
    ['a question without words', { messages: [{ role: 'USER' }, assistant] }, 'messages[0].content'],
    [
      'a question of no words',
      { messages: [{ role: 'USER', content: '' }, assistant] },
      'messages[0].content',
    ],
    [
      'a system message of no words',
      { messages: [{ role: 'SYSTEM', content: '' }, user, assistant] },
      'messages[0].content',
    ],
    ['an answer of no words', answered({ content: '' }), 'messages[1].content'],
    [
      'an answer to a call that was not made',
      { messages: [user, { role: 'TOOL', content: 'x', toolCallId: 'call_1' }, assistant] },
      'messages[1].toolCallId',
    ],
    [
      'a system message later on',
      { messages: [user, { role: 'SYSTEM', content: 'x' }, assistant] },
      'messages[1].role',
    ],
    ['an answer without words or calls', answered({ content: null }), 'messages[1].content'],
    ['a weight of 2', answered({ weight: 2 }), 'messages[1].weight'],
    ['a weight on the question', { messages: [{ ...user, weight: 1 }, assistant] }, 'messages[0].weight'],
    ['nothing to learn', answered({ weight: 0 }), 'messages'],
    ['an empty name', answered({ name: '' }), 'messages[1].name'],
    ['an empty list of calls', answered({ toolCalls: [] }), 'messages[1].toolCalls'],
    [
      'a call of no tool name',
      answered({ toolCalls: [{ ...toolCall, name: 'find table' }] }),
      'messages[1].toolCalls[0].name',
    ],
    [
      'a tool without the call it answers',
      { messages: [user, { role: 'TOOL', content: 'x' }, assistant] },
      'messages[1].toolCallId',
    ],
    ['a NUL character', answered({ content: 'a\0b' }), 'messages[1].content'],
    ['half a surrogate pair', answered({ content: 'a\ud83d' }), 'messages[1].content'],
    ['tools that are no list', { messages: [user, assistant], tools: {} }, 'tools'],
    [
      'a tool without a name',
      { messages: [user, assistant], tools: [{ type: 'function', function: {} }] },
      'tools[0].function.name',
    ],
    [
      'a NUL character in a tool',
      {
        messages: [user, assistant],
        tools: [{ type: 'function', function: { name: 'f', parameters: { a: ['\0'] } } }],
      },
      'tools[0].function.parameters.a[0]',
    ],
    ['a quality of 2', { messages: [user, assistant], qualityScore: 2 }, 'qualityScore'],
  ])('%s', async (_name, wrong, field) => {
    const client = await newTenant();
    const datasetId = await newDataset(client);
    expect(await addExamples(client, datasetId, [example('Good'), wrong, example('Good too')])).toEqual({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      faults: [{ field: `input.examples[1].${field}`, message: expect.any(String) }],
    });
    expect(await countsOf(client, datasetId)).toMatchObject({ exampleCount: 0 });
  });

  test('several faults, each with its place', async () => {
    const client = await newTenant();
    const answer = await addExamples(client, await newDataset(client), [
      { messages: [] },
      example('Good'),
      { messages: [user] },
    ]);
    expect(answer).toMatchObject({
      faults: [{ field: 'input.examples[0].messages' }, { field: 'input.examples[2].messages' }],
    });
  });
});

test('knows no dataset that is not there', async () => {
  const [client, stranger] = [await newTenant(), await newTenant()];
  const foreign = await newDataset(stranger);
  expect(await addExamples(client, foreign, [example('A')])).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
  });
  expect(await addExamples(client, 'nonsense', [example('A')])).toMatchObject({
    faults: [{ field: 'input.datasetId' }],
  });
  expect(await countsOf(stranger, foreign)).toMatchObject({ exampleCount: 0 });
});
