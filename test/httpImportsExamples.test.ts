/** Importing examples as OpenAI chat JSONL over HTTP. */
import { expect, test } from 'vitest';
import {
  addExamples,
  countsOf,
  example,
  examplesOf,
  exportedLines,
  importFile,
  newDataset,
  post,
} from './support/calls.ts';
import { newTenant } from './support/server.ts';

const ndjson = 'application/x-ndjson';
const chat = (question: string, rest: object = {}) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: `Answer to ${question}` },
    ],
    ...rest,
  });

const withoutId = ({ code, message }: { code: string; message: string }) => ({
  code,
  message: message.replace(/[0-9a-f-]{36}/, 'ID'),
});

test('stores what can be read, reports the rest by line, field and reason', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(client, datasetId, [example('There')]);
  const file = [
    chat('One'),
    chat('There'),
    '{"messages": [',
    '',
    '"messages"',
    chat('One'),
    JSON.stringify({ messages: [{ role: 'user', content: 'Alone' }] }),
    JSON.stringify({
      messages: [
        { role: 'user', content: 'Hi', mood: 'good' },
        { role: 'assistant', content: 'Hi' },
      ],
    }),
    JSON.stringify({
      messages: [
        { role: 'developer', content: 'Hi' },
        { role: 'assistant', content: 'Hi' },
      ],
    }),
    chat('a\0b'),
    chat(''),
    chat('Scored', { quality_score: 0.876, comment: 'ignored' }),
    chat('Scored wrong', { quality_score: 7 }),
  ].join('\n');
  const faults = [
    { line: 3, field: null, reason: 'is not valid JSON' },
    { line: 5, field: null, reason: 'must be a JSON object, not "messages"' },
    { line: 7, field: 'messages', reason: 'must end with a message of the assistant, not a list of 1' },
    { line: 8, field: 'messages[0].mood', reason: 'is not a known key' },
    { line: 9, field: 'messages[0].role', reason: expect.stringContaining('"developer"') },
    { line: 10, field: 'messages[0].content', reason: expect.stringContaining('NUL') },
    { line: 11, field: 'messages[0].content', reason: 'must not be empty' },
    { line: 13, field: 'quality_score', reason: 'must be a number from 0 to 1, not 7' },
  ];
  const report = await importFile(client, `/import/examples/${datasetId}`, ndjson, file);
  expect(report).toMatchObject({ received: 12, stored: 2, updated: 0, unchanged: 2, rejected: 8 });
  expect(report.faults.map(({ line, field }) => ({ line, field }))).toEqual(
    faults.map(({ line, field }) => ({ line, field })),
  );
  expect(report.faults.filter(({ line }) => line !== 7)).toEqual(faults.filter(({ line }) => line !== 7));
  expect(await examplesOf(client, datasetId)).toMatchObject([
    { userMessage: 'There', source: 'MANUAL' },
    { userMessage: 'One', source: 'IMPORT', validated: false, qualityScore: null },
    { userMessage: 'Scored', source: 'IMPORT', validated: false, qualityScore: 0.88 },
  ]);
  const again = await importFile(client, `/import/examples/${encodeURIComponent(datasetId)}`, ndjson, file);
  expect(again).toMatchObject({ received: 12, stored: 0, unchanged: 4, rejected: 8 });
});

test('what was exported comes in again as it was', async () => {
  const client = await newTenant();
  const [from, to] = [
    await newDataset(client, 'From', { systemPrompt: 'Be brief.' }),
    await newDataset(client, 'To'),
  ];
  const examples = Array.from({ length: 450 }, (_, index) => ({
    ...example(`Question ${index}\n“quoted” \\ 👍`),
    tools: [
      {
        type: 'function',
        function: { name: 'f', parameters: { type: 'object', properties: { b: {}, a: {} } } },
      },
    ],
  }));
  for (const part of [0, 1, 2])
    await addExamples(client, from, examples.slice(part * 150, part * 150 + 150), true);
  const lines = await exportedLines(client, from);
  const body = `\ufeff${lines.join('\r\n')}`;
  const report = await importFile(
    client,
    `/import/examples/${to}?autoValidate=true`,
    'application/jsonl',
    body,
  );
  expect(report).toEqual({ received: 450, stored: 450, updated: 0, unchanged: 0, rejected: 0, faults: [] });
  expect(await countsOf(client, to)).toEqual({ exampleCount: 450, validatedCount: 450, rejectedCount: 0 });
  expect(await exportedLines(client, to)).toEqual(lines);
  expect((await examplesOf(client, to))[0]).toMatchObject({ validatedBy: 'tester' });
});

test('knows no dataset that is not there, and tells an id that is none', async () => {
  const [client, stranger] = [await newTenant(), await newTenant()];
  const foreign = await newDataset(stranger);
  const missing = Buffer.from('Dataset:019ab000-0000-7000-8000-000000000001').toString('base64');
  const answers = [];
  for (const id of [foreign, missing]) {
    const response = await post(client, `/import/examples/${id}`, ndjson, chat('A'));
    expect(response.status).toBe(404);
    answers.push(((await response.json()) as { error: { code: string; message: string } }).error);
  }
  expect(answers.map(withoutId)).toEqual([
    withoutId(answers[0] ?? { code: '', message: '' }),
    { code: 'NOT_FOUND', message: expect.stringContaining('ID') },
  ]);
  expect(await countsOf(stranger, foreign)).toMatchObject({ exampleCount: 0 });

  const wrong = [
    'nonsense',
    '%',
    '%00',
    'x'.repeat(500),
    Buffer.from('Example:019ab000-0000-7000-8000-000000000001').toString('base64'),
    Buffer.from('Dataset:1').toString('base64'),
  ];
  for (const id of wrong) {
    const response = await post(client, `/import/examples/${id}`, ndjson, chat('A'));
    expect({ id, status: response.status, body: await response.json() }).toEqual({
      id,
      status: 400,
      body: { error: { code: 'INVALID_INPUT', message: expect.stringContaining('DATASET') } },
    });
  }
});
