/** A new wording for an example: what becomes of the old one, and what is refused. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { UpdateExampleInput } from '../src/generated/gql/graphql.ts';
import { addExamples, countsOf, example, examplesOf, exportedLines, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant, sharedServer } from './support/server.ts';

const Update = graphql(`
  mutation DataExamplesUpdate($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      __typename
      ... on Example {
        id
        revision
        userMessage
        assistantResponse
        validated
        validatedBy
        rejected
        rejectionReason
        qualityScore
        tools
        messages {
          role
          content
        }
      }
      ... on Error {
        code
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
    }
  }
`);

const update = async (client: TestClient, input: UpdateExampleInput) =>
  (await client.run(Update, { input })).updateExample;

/** The earlier wordings of a tenant's examples, as the table has them. */
async function revisionsOf({ tenantId }: TestClient) {
  const { db } = await sharedServer();
  const rows = await db.withTenant(tenantId, (tx) =>
    tx.exampleRevision.findMany({ where: { tenantId }, orderBy: { revision: 'asc' } }),
  );
  return rows.map(({ revision, messages, tools, replacedBy }) => ({ revision, messages, tools, replacedBy }));
}

async function twoExamples(): Promise<[client: TestClient, datasetId: string, id: string]> {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const longer = {
    ...example('First?'),
    qualityScore: 0.7,
    tools: [{ type: 'function', function: { name: 'f' } }],
  };
  longer.messages.push({ role: 'USER', content: 'And then?' }, { role: 'ASSISTANT', content: 'Then this.' });
  await addExamples(client, datasetId, [longer, example('Other?')], true);
  const [{ id } = { id: '' }] = await examplesOf(client, datasetId);
  return [client, datasetId, id];
}

const wording = (question: string, answer: string) => [
  { role: 'user', content: 'First?' },
  { role: 'assistant', content: 'Answer to First?' },
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];

test('changes the last question or answer; the old wording is kept, and the verdict lifted', async () => {
  const [client, datasetId, id] = await twoExamples();
  expect(await update(client, { id, userMessage: 'What then?' })).toEqual({
    __typename: 'Example',
    id,
    revision: 2,
    userMessage: 'What then?',
    assistantResponse: 'Then this.',
    validated: false,
    validatedBy: null,
    rejected: false,
    rejectionReason: null,
    qualityScore: 0.7,
    tools: [{ type: 'function', function: { name: 'f' } }],
    messages: [
      { role: 'USER', content: 'First?' },
      { role: 'ASSISTANT', content: 'Answer to First?' },
      { role: 'USER', content: 'What then?' },
      { role: 'ASSISTANT', content: 'Then this.' },
    ],
  });
  expect(
    await update(client, { id, userMessage: 'What now?', assistantResponse: 'Now that. 👍' }),
  ).toMatchObject({
    revision: 3,
    userMessage: 'What now?',
    assistantResponse: 'Now that. 👍',
  });
  expect(await countsOf(client, datasetId)).toEqual({ exampleCount: 2, validatedCount: 1, rejectedCount: 0 });
  const rest = { tools: [{ type: 'function', function: { name: 'f' } }], replacedBy: 'tester' };
  expect(await revisionsOf(client)).toEqual([
    { revision: 1, messages: wording('And then?', 'Then this.'), ...rest },
    { revision: 2, messages: wording('What then?', 'Then this.'), ...rest },
  ]);
});

test('replaces the whole conversation', async () => {
  const [client, datasetId, id] = await twoExamples();
  const { messages } = example('New?', 'New!');
  expect(await update(client, { id, messages })).toMatchObject({
    revision: 2,
    messages,
    userMessage: 'New?',
    assistantResponse: 'New!',
  });
  expect((await exportedLines(client, datasetId)).join('\n')).not.toContain('First?');
});

test('refuses a wording that another example has, and keeps the old one', async () => {
  const [client, datasetId, id] = await twoExamples();
  expect(await update(client, { id, messages: example('Other?').messages })).toEqual({
    __typename: 'DuplicateExampleError',
    code: 'DUPLICATE_EXAMPLE',
  });
  expect(await examplesOf(client, datasetId)).toMatchObject([
    { revision: 1, userMessage: 'And then?', validated: true },
    { revision: 1 },
  ]);
  expect(await revisionsOf(client)).toEqual([]);
});

test.each<[name: string, change: Omit<UpdateExampleInput, 'id'>, field: string]>([
  ['nothing', {}, 'input'],
  ['nulls', { messages: null, userMessage: null, assistantResponse: null }, 'input'],
  ['all messages and the last one', { messages: example('A').messages, userMessage: 'B' }, 'input.messages'],
  ['no messages', { messages: [] }, 'input.messages'],
  ['messages without an answer', { messages: [{ role: 'USER', content: 'A' }] }, 'input.messages'],
  [
    'a message that says nothing',
    { messages: [{ role: 'USER' }, { role: 'ASSISTANT', content: 'B' }] },
    'input.messages[0].content',
  ],
  [
    'a tool name that is none',
    {
      messages: [
        { role: 'USER', content: 'A' },
        { role: 'ASSISTANT', toolCalls: [{ id: '1', name: '?', arguments: '' }] },
      ],
    },
    'input.messages[1].toolCalls[0].name',
  ],
  ['a question of no words', { userMessage: '' }, 'input.userMessage'],
  ['an answer of no words', { assistantResponse: '' }, 'input.assistantResponse'],
  ['a question that cannot be stored', { userMessage: 'a\0' }, 'input.userMessage'],
  ['an answer that cannot be stored', { assistantResponse: '\ud800' }, 'input.assistantResponse'],
])('refuses %s, and names the field', async (_name, change, field) => {
  const [client, datasetId, id] = await twoExamples();
  expect(await update(client, { id, ...change })).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    faults: [{ field }],
  });
  expect(await examplesOf(client, datasetId)).toMatchObject([{ revision: 1, validated: true }, {}]);
});

test('knows no example that is not there', async () => {
  const [client] = await twoExamples();
  const [, datasetId, foreign] = await twoExamples();
  expect(await update(client, { id: foreign, userMessage: 'x' })).toEqual({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
  });
  expect(await update(client, { id: datasetId, userMessage: 'x' })).toMatchObject({
    faults: [{ field: 'input.id' }],
  });
});

test('edits at once are both kept, one after the other', async () => {
  const [client, , id] = await twoExamples();
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => update(client, { id, userMessage: text })));
  expect(new Set(answers.map((answer) => 'revision' in answer && answer.revision))).toEqual(
    new Set([2, 3, 4]),
  );
  expect((await revisionsOf(client)).map(({ revision }) => revision)).toEqual([1, 2, 3]);
});

test('changes the tools alone, gives them with a new wording, and takes them away', async () => {
  const [client, , id] = await twoExamples();
  const other = [{ type: 'function', function: { name: 'look_up' } }];
  expect(await update(client, { id, tools: other })).toMatchObject({
    revision: 2,
    tools: other,
    validated: false,
  });
  expect(await update(client, { id, assistantResponse: 'That.' })).toMatchObject({
    revision: 3,
    tools: other,
  });
  expect(await update(client, { id, parallelToolCalls: false })).toMatchObject({ revision: 4, tools: other });
  expect(await update(client, { id, userMessage: 'Why?', tools: null })).toMatchObject({
    revision: 5,
    userMessage: 'Why?',
    tools: null,
  });
  const { db } = await sharedServer();
  const rows = await db.withTenant(client.tenantId, (tx) =>
    tx.exampleRevision.findMany({
      orderBy: { revision: 'asc' },
      select: { tools: true, parallelToolCalls: true },
    }),
  );
  expect(rows.map(({ parallelToolCalls }) => parallelToolCalls)).toEqual([null, null, null, false]);
  const now = await db.withTenant(client.tenantId, (tx) => tx.example.findFirst({ where: { revision: 5 } }));
  expect(now?.parallelToolCalls).toBeNull();
});

test('refuses tools that no provider takes, naming the argument, and changes nothing', async () => {
  const [client, datasetId, id] = await twoExamples();
  const refused = await update(client, {
    id,
    tools: [{ type: 'function', function: { name: 'no spaces' } }],
  });
  expect(refused).toMatchObject({
    __typename: 'InvalidInputError',
    faults: [{ field: 'input.tools[0].function.name' }],
  });
  expect((await examplesOf(client, datasetId))[0]).toMatchObject({ id, revision: 1 });
});
