import { get_encoding as getEncoding } from 'tiktoken';
import { afterAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { longExamplesOf } from '../src/services/tokens/longExamples.ts';
import type { TestClient } from './support/client.ts';
import { newDataset, rowId, SYSTEM_PROMPT } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';

const tiktoken = getEncoding('o200k_base');
afterAll(() => tiktoken.free());
const tokensOf = (text: string) => tiktoken.encode(text, [], []).length;

interface Line {
  messages: {
    role: string;
    content?: string | null;
    name?: string;
    weight?: number;
    tool_calls?: unknown[];
    tool_call_id?: string;
  }[];
  tools?: unknown[];
}

/** The cookbook's num_tokens_from_messages, word for word, but for weights and for tools as JSON. */
function cookbookTokens({ messages, tools }: Line): number {
  let total = 3 + (tools ? tokensOf(JSON.stringify(tools)) : 0);
  for (const message of messages) {
    total += 3;
    for (const [key, value] of Object.entries(message)) {
      if (key === 'weight' || value === null) continue;
      total += tokensOf(typeof value === 'string' ? value : JSON.stringify(value));
      if (key === 'name') total += 1;
    }
  }
  return total;
}

const Totals = graphql(`
  query TokenTotals($id: ID!) {
    dataset(id: $id) {
      tokens
      examples(first: 100) {
        edges {
          node {
            id
            tokens
            validated
          }
        }
      }
    }
  }
`);

const MakeExport = graphql(`
  mutation TokenExport($datasetId: ID!) {
    exportDataset(input: { datasetId: $datasetId }) {
      ... on Export {
        tokens
        validationTokens
        downloadUrl
      }
    }
  }
`);

const Judge = graphql(`
  mutation TokenJudge($valid: [ID!]!, $rejected: [ID!]!, $edited: ID!, $text: String!) {
    validateExamples(input: { ids: $valid }) {
      __typename
    }
    rejectExamples(input: { ids: $rejected }) {
      __typename
    }
    updateExample(input: { id: $edited, assistantResponse: $text }) {
      __typename
    }
  }
`);

const Reprompt = graphql(`
  mutation TokenReprompt($id: ID!, $systemPrompt: String) {
    updateDataset(input: { id: $id, systemPrompt: $systemPrompt }) {
      ... on Dataset {
        tokens
      }
    }
  }
`);

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'find_order',
      description: 'Finds an order by its number.',
      // Keys out of order: what is counted is what is written, and PostgreSQL keeps them in an order of its own.
      parameters: {
        type: 'object',
        required: ['number'],
        properties: { number: { type: 'string' }, a: { type: 'null' } },
      },
    },
  },
];
const LINES: Line[] = [
  {
    messages: [
      { role: 'user', content: 'Wo ist mein Päckchen? 📦' },
      { role: 'assistant', content: 'Unterwegs.' },
    ],
  },
  {
    messages: [
      { role: 'system', content: 'Answer in one word.' },
      { role: 'user', name: 'Ada_L', content: "Isn't it <|endoftext|> late?" },
      { role: 'assistant', content: 'Yes.', weight: 0 },
      { role: 'user', content: 'Sure?' },
      { role: 'assistant', content: 'Quite.' },
    ],
  },
  {
    messages: [
      { role: 'user', content: 'Where is order 4471?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'find_order', arguments: '{"number":"4471"}' } },
        ],
      },
      { role: 'tool', content: '{"at":"Köln"}', tool_call_id: 'c1' },
      { role: 'assistant', content: 'It is in Cologne.' },
    ],
    tools: TOOLS,
  },
];

async function imported(client: TestClient, lines: Line[], systemPrompt = SYSTEM_PROMPT): Promise<string> {
  const datasetId = await newDataset(client, 0);
  if (systemPrompt !== SYSTEM_PROMPT) await client.run(Reprompt, { id: datasetId, systemPrompt });
  const response = await client.fetch(`/import/examples/${datasetId}?autoValidate=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
  });
  expect(await response.json()).toMatchObject({ stored: lines.length });
  return datasetId;
}

async function totals(client: TestClient, id: string) {
  const { dataset } = await client.run(Totals, { id });
  const examples = (dataset?.examples.edges ?? []).map(({ node }) => node);
  return { tokens: dataset?.tokens, examples };
}

async function fileOf(client: TestClient, datasetId: string) {
  const { exportDataset } = await client.run(MakeExport, { datasetId });
  if (!('tokens' in exportDataset)) throw new Error('The export was refused');
  const text = await (await fetch(exportDataset.downloadUrl)).text();
  const lines = text
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line));
  return { ...exportDataset, lines };
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
const PROMPT = 3 + tokensOf('system') + tokensOf(SYSTEM_PROMPT);

test('an example, a dataset and a file have the tokens that the cookbook counts', async () => {
  const client = await newTenant();
  const datasetId = await imported(client, LINES);
  const { tokens, examples } = await totals(client, datasetId);
  const file = await fileOf(client, datasetId);
  const expected = file.lines.map(cookbookTokens);
  // The second begins with a system message of its own.
  expect(examples.map((example) => example.tokens)).toEqual([
    (expected[0] ?? 0) - PROMPT,
    expected[1],
    (expected[2] ?? 0) - PROMPT,
  ]);
  expect(tokens).toBe(sum(expected));
  expect(file).toMatchObject({ tokens: sum(expected), validationTokens: null });
});

test('the sums stay right, whatever becomes of the examples and the system prompt', async () => {
  const client = await newTenant();
  const datasetId = await imported(client, LINES);
  const [first, second, third] = (await totals(client, datasetId)).examples.map(({ id }) => id);
  if (!first || !second || !third) throw new Error('Examples are missing');
  await client.run(Judge, {
    valid: [second],
    rejected: [third],
    edited: first,
    text: 'Es kommt morgen um 9:30 Uhr.',
  });
  const after = await totals(client, datasetId);
  expect(after.examples.map(({ validated }) => validated)).toEqual([false, true, false]);
  expect(after.tokens).toBe(after.examples[1]?.tokens);
  await client.run(Judge, { valid: [first, third], rejected: [second], edited: third, text: 'Gone.' });
  const last = await totals(client, datasetId);
  expect(last.tokens).toBe(sum((await fileOf(client, datasetId)).lines.map(cookbookTokens)));
  const { updateDataset } = await client.run(Reprompt, { id: datasetId, systemPrompt: null });
  expect(updateDataset).toEqual({ tokens: (last.tokens ?? 0) - PROMPT });
});

test('examples from before there was counting are counted by the job, and readers say so until then', async () => {
  const { db, system } = await sharedServer();
  const client = await newTenant();
  const datasetId = await imported(client, LINES);
  const before = await totals(client, datasetId);
  await db.withTenant(client.tenantId, async (tx) => {
    await tx.example.updateMany({ data: { tokens: null, ownSystemPrompt: false } });
    await tx.dataset.updateMany({ data: { systemPromptTokens: 0 } });
  });
  const uncounted = await totals(client, datasetId);
  expect(uncounted.tokens).toBeNull();
  expect(uncounted.examples.map(({ tokens }) => tokens)).toEqual([null, null, null]);
  await system.tokenBacklog.countBacklog(AbortSignal.timeout(30_000));
  expect(await totals(client, datasetId)).toEqual(before);
});

test('examples past a limit are found, with the system prompt where it belongs', async () => {
  const { db } = await sharedServer();
  const client = await newTenant();
  const long = 'one two '.repeat(9000);
  const answer = { role: 'assistant', content: 'Yes.' };
  const datasetId = await imported(client, [
    { messages: [{ role: 'user', content: long }, answer] },
    { messages: [{ role: 'system', content: 'Short.' }, { role: 'user', content: `${long}?` }, answer] },
    { messages: [{ role: 'user', content: 'Short?' }, answer] },
  ]);
  const { lines } = await fileOf(client, datasetId);
  const counted = lines.map(cookbookTokens);
  const past = (limit: number) =>
    db.withTenant(client.tenantId, async (tx) => {
      const dataset = await tx.dataset.findFirstOrThrow({ where: { id: rowId(datasetId) } });
      return (await longExamplesOf(tx, dataset, limit, 10)).map(({ tokens }) => tokens);
    });
  const [first = 0, second = 0, third = 0] = counted;
  expect(await past(first - 1)).toEqual(counted.filter((tokens) => tokens >= first));
  expect(await past(second - 1)).toEqual(counted.filter((tokens) => tokens >= second));
  expect(await past(Math.max(first, second))).toEqual([]);
  expect(await past(third - 1)).toEqual(counted);
});
