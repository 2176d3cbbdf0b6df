/** Every format, read back by code of its own to the conversations that went in; and what a format has no place for. */
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { ChatMessageInput, ExportFormat } from '../src/generated/gql/graphql.ts';
import { addExamples, call, collect, examplesOf, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const FormatExport = graphql(`
  mutation FormatExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      __typename
      ... on Export {
        id
        format
        exampleCount
        sha256
        downloadUrl
      }
      ... on Error {
        code
        message
      }
      ... on FormatCannotHoldError {
        exampleId
        line
      }
    }
  }
`);

const FormatReword = graphql(`
  mutation FormatReword($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      __typename
    }
  }
`);

const FormatValidate = graphql(`
  mutation FormatValidate($input: ValidateExamplesInput!) {
    validateExamples(input: $input) {
      __typename
    }
  }
`);

const FormatList = graphql(`
  query FormatList($datasetId: ID!, $filter: ExportFilter, $orderBy: ExportOrder) {
    exports(datasetId: $datasetId, filter: $filter, orderBy: $orderBy) {
      totalCount
      edges {
        node {
          format
        }
      }
    }
    dataset(id: $datasetId) {
      exports(filter: $filter, orderBy: $orderBy) {
        edges {
          node {
            format
          }
        }
      }
    }
  }
`);

const PROMPT = 'Answer as our best agents do.';
const says = (...texts: string[]): ChatMessageInput[] =>
  texts.map((content, place) => ({ role: place % 2 === 0 ? 'USER' : 'ASSISTANT', content }));
/** What people say that a file must not stumble over. */
const conversations = [
  says('Hello?', 'Hi.'),
  says('=SUM(A1:A9)', '@you, "quoted", and\r\na new line'),
  says('First, then\u2028second', '+1 555 0100', "'tis all", '-1'),
];

/** Full-width signs, which some spreadsheets read as their narrow kin, and a line break before the sign. */
const formulas = [says('＝1+1', '＋1'), says('\n=1+1', '－1')];

async function exported(client: TestClient, datasetId: string, format: ExportFormat) {
  const made = (await client.run(FormatExport, { input: { datasetId, format } })).exportDataset;
  if (!('downloadUrl' in made)) throw new Error(JSON.stringify(made));
  const response = await fetch(made.downloadUrl);
  return { made, headers: response.headers, text: await response.text() };
}

const refused = async (client: TestClient, datasetId: string, format: ExportFormat) =>
  (await client.run(FormatExport, { input: { datasetId, format } })).exportDataset;

async function datasetWith(...messages: ChatMessageInput[][]): Promise<[TestClient, string]> {
  const client = await newTenant();
  const datasetId = await newDataset(client, 'Formats', { systemPrompt: PROMPT });
  await addExamples(
    client,
    datasetId,
    messages.map((said) => ({ messages: said })),
    true,
  );
  return [client, datasetId];
}

type Said = { role: string; content: string }[];
const expected: Said[] = conversations.map((messages) => [
  { role: 'system', content: PROMPT },
  ...messages.map(({ role, content }) => ({ role: role.toLowerCase(), content: content ?? '' })),
]);

const records = <Row>(text: string): Row[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

function readChat(text: string): Said[] {
  return records<{ messages: Said }>(text).map(({ messages }) => messages);
}

function readShareGpt(text: string): Said[] {
  const roles: Record<string, string> = { system: 'system', human: 'user', gpt: 'assistant' };
  return records<{ conversations: { from: string; value: string }[] }>(text).map((record) =>
    record.conversations.map(({ from, value }) => ({ role: roles[from] ?? from, content: value })),
  );
}

function readAlpaca(text: string): Said[] {
  type Row = { instruction: string; input: string; output: string; system: string; history?: string[][] };
  return records<Row>(text).map(({ instruction, input, output, system, history = [] }) => {
    expect(input).toBe('');
    const pairs = [...history, [instruction, output]];
    return [
      { role: 'system', content: system },
      ...pairs.flatMap(([asked = '', answered = '']) => [
        { role: 'user', content: asked },
        { role: 'assistant', content: answered },
      ]),
    ];
  });
}

const readTable = (text: string) =>
  parse(text, { columns: true, record_delimiter: '\r\n' }).map((row) =>
    Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, String(value)])),
  );

const readCsv = (text: string): Said[] =>
  readTable(text).map(({ messages = '' }) => JSON.parse(messages) as Said);

test.each<[ExportFormat, (text: string) => Said[], string, string]>([
  ['OPENAI_CHAT_JSONL', readChat, 'jsonl', 'application/jsonl'],
  ['SHAREGPT', readShareGpt, 'jsonl', 'application/jsonl'],
  ['ALPACA', readAlpaca, 'jsonl', 'application/jsonl'],
  ['CSV', readCsv, 'csv', 'text/csv'],
])('%s reads back to the same conversations', async (format, read, extension, type) => {
  const [client, datasetId] = await datasetWith(...conversations);
  const { made, headers, text } = await exported(client, datasetId, format);
  expect(made).toMatchObject({ format, exampleCount: 3 });
  expect(read(text)).toEqual(expected);
  expect(headers.get('content-type')).toContain(type);
  expect(headers.get('content-disposition')).toContain(`Formats.${extension}"`);
  expect((await exported(client, datasetId, format)).made.id).toBe(made.id);
});

test('a table has no cell that a spreadsheet takes for a formula, and tells where an example comes from', async () => {
  const [client, datasetId] = await datasetWith(...conversations, ...formulas);
  await importCalls(client, [
    call('CA1', ['caller: =1+1 is what I would like to know', 'agent: That would be two, as far as I know.']),
  ]);
  await collect(client, { datasetId });
  const { text } = await exported(client, datasetId, 'CSV');
  const rows = readTable(text);
  for (const row of rows)
    for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@＝＋－＠\t\r\n]/);
  expect(rows.map((row) => row['user_message'])).toEqual([
    'Hello?',
    "'=SUM(A1:A9)",
    "''tis all",
    "'＝1+1",
    "'\n=1+1",
    "'=1+1 is what I would like to know",
  ]);
  expect(rows.map(({ line, source, revision, call_sid: sid }) => [line, source, revision, sid])).toEqual([
    ['1', 'MANUAL', '1', ''],
    ['2', 'MANUAL', '1', ''],
    ['3', 'MANUAL', '1', ''],
    ['4', 'MANUAL', '1', ''],
    ['5', 'MANUAL', '1', ''],
    ['6', 'CALL', '1', 'CA1'],
  ]);
  expect(rows[0]).toMatchObject({ system_prompt: PROMPT, conversation: 'user: Hello?\nassistant: Hi.' });
});

const asked: ChatMessageInput = { role: 'USER', content: 'Where is it?' };
const calls: ChatMessageInput = {
  role: 'ASSISTANT',
  toolCalls: [{ id: 'c1', name: 'find', arguments: '{"what":"it"}' }],
};
const found: ChatMessageInput = { role: 'TOOL', content: 'here', toolCallId: 'c1' };
const told: ChatMessageInput = { role: 'ASSISTANT', content: 'Here.' };

test('ShareGPT holds a tool’s call and answer, one at a time', async () => {
  const [client, datasetId] = await datasetWith([asked, calls, found, told]);
  const { text } = await exported(client, datasetId, 'SHAREGPT');
  expect(JSON.parse(text)).toEqual({
    conversations: [
      { from: 'system', value: PROMPT },
      { from: 'human', value: 'Where is it?' },
      { from: 'function_call', value: '{"name":"find","arguments":{"what":"it"}}' },
      { from: 'observation', value: 'here' },
      { from: 'gpt', value: 'Here.' },
    ],
  });
});

describe('what a format has no place for is refused, with the line, and nothing is exported', () => {
  test.each<[string, ExportFormat, ChatMessageInput[], string]>([
    ['tools', 'ALPACA', [asked, calls, found, told], 'tools'],
    ['two questions in a row', 'ALPACA', [asked, asked, told], 'two messages of one side'],
    ['two questions in a row', 'SHAREGPT', [asked, asked, told], 'two messages of one side'],
    ['what is not to be learned', 'SHAREGPT', [asked, { ...told, weight: 0 }, asked, told], 'weight 0'],
    [
      'words beside a tool call',
      'SHAREGPT',
      [asked, { ...calls, content: 'One moment.' }, found, told],
      'words',
    ],
  ])('%s in %s', async (_what, format, messages, why) => {
    const [client, datasetId] = await datasetWith(says('Fine', 'Fine.'), messages);
    const second = (await examplesOf(client, datasetId))[1]?.id;
    expect(await refused(client, datasetId, format)).toMatchObject({
      __typename: 'FormatCannotHoldError',
      code: 'FORMAT_CANNOT_HOLD',
      message: expect.stringContaining(why),
      exampleId: second,
      line: 2,
    });
    expect((await client.run(FormatList, { datasetId })).exports.totalCount).toBe(0);
  });
});

describe('preference pairs', () => {
  test('prefer the repair over the first wording, and hold nothing else', async () => {
    const [client, datasetId] = await datasetWith(
      says('Open on Sunday?', 'Dunno.'),
      says('And the price?', 'Cheap.'),
      says('Who are you?', 'A bot.'),
      says('Never changed', 'Fine.'),
      says('Changed and not validated', 'Hm.'),
      says('Changed there and back', 'Same.'),
    );
    const ids = (await examplesOf(client, datasetId)).map(({ id }) => id);
    const [twice = '', question = '', history = '', , unjudged = '', back = ''] = ids;
    const reword = (id: string, change: object) => client.run(FormatReword, { input: { id, ...change } });
    await reword(twice, { assistantResponse: 'On Sunday we are closed.' });
    await reword(twice, { assistantResponse: 'On Sundays we are closed, sorry.' });
    await reword(question, { userMessage: 'What is the price?', assistantResponse: 'Ten euros.' });
    await reword(history, { messages: says('Who are you?', 'I am Ann.', 'Thanks', 'A pleasure.') });
    await reword(unjudged, { assistantResponse: 'Yes, of course.' });
    await reword(back, { assistantResponse: 'Other.' });
    await reword(back, { assistantResponse: 'Same.' });
    expect(await refused(client, datasetId, 'OPENAI_DPO_JSONL')).toMatchObject({
      __typename: 'NothingToPairError',
      code: 'NOTHING_TO_PAIR',
      message: expect.stringContaining('edits the last answer'),
    });
    await client.run(FormatValidate, { input: { ids: [twice, question, history, back] } });
    const { made, text } = await exported(client, datasetId, 'OPENAI_DPO_JSONL');
    expect(records(text)).toEqual([
      {
        input: {
          messages: [
            { role: 'system', content: PROMPT },
            { role: 'user', content: 'Open on Sunday?' },
          ],
        },
        preferred_output: [{ role: 'assistant', content: 'On Sundays we are closed, sorry.' }],
        non_preferred_output: [{ role: 'assistant', content: 'Dunno.' }],
      },
    ]);
    expect(made.exampleCount).toBe(1);
    expect((await exported(client, datasetId, 'OPENAI_DPO_JSONL')).made.id).toBe(made.id);

    // A later edit changes nothing in it, and makes another.
    await reword(twice, { assistantResponse: 'Closed on Sundays.' });
    await client.run(FormatValidate, { input: { ids: [twice] } });
    expect(await (await fetch(made.downloadUrl)).text()).toBe(text);
    expect((await exported(client, datasetId, 'OPENAI_DPO_JSONL')).made.id).not.toBe(made.id);
  });
});

test('exports are listed by format, and in the order that is asked for', async () => {
  const [client, datasetId] = await datasetWith(...conversations);
  for (const format of ['CSV', 'SHAREGPT', 'OPENAI_CHAT_JSONL'] as const)
    await exported(client, datasetId, format);
  const formats = async (variables: object) => {
    const { exports, dataset } = await client.run(FormatList, { datasetId, ...variables });
    expect(dataset?.exports.edges).toEqual(exports.edges);
    return exports.edges.map(({ node }) => node.format);
  };
  expect(await formats({})).toEqual(['OPENAI_CHAT_JSONL', 'SHAREGPT', 'CSV']);
  expect(await formats({ orderBy: { field: 'CREATED_AT', direction: 'ASC' } })).toEqual([
    'CSV',
    'SHAREGPT',
    'OPENAI_CHAT_JSONL',
  ]);
  expect((await formats({ orderBy: { field: 'BYTES', direction: 'DESC' } }))[0]).toBe('CSV');
  expect(await formats({ filter: { format: ['CSV', 'SHAREGPT'] } })).toEqual(['SHAREGPT', 'CSV']);
  expect(await formats({ filter: { split: true } })).toEqual([]);
});
