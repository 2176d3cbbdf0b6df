/** Collecting: its rules one by one, and its arguments. */
import { describe, expect, test } from 'vitest';
import { call, collect, countsOf, examplesOf, importCalls, newDataset } from './support/calls.ts';
import { newTenant } from './support/server.ts';

const question = 'caller: Could you tell me when you open?';
const answer = 'agent: We open at nine in the morning.';

describe('a call counts', () => {
  test.each([
    ['when its confidence is just enough', { transcript_confidence: 0.8 }, 1, []],
    ['not below', { transcript_confidence: 0.7999 }, 0, [{ reason: 'LOW_CONFIDENCE', count: 1 }]],
    ['not without a confidence', { transcript_confidence: null }, 0, [{ reason: 'NO_CONFIDENCE', count: 1 }]],
    ['not unless completed', { call_status: 'busy' }, 0, [{ reason: 'NOT_COMPLETED', count: 1 }]],
    [
      'not with the caller alone',
      { turns: [{ speaker: 'caller', text: 'Hello? Is anybody there?' }] },
      0,
      [{ reason: 'ONE_SIDED', count: 1 }],
    ],
    ['not without turns', { turns: [] }, 0, [{ reason: 'ONE_SIDED', count: 1 }]],
    [
      'under its first reason only',
      { call_status: 'busy', transcript_confidence: null, turns: [] },
      0,
      [{ reason: 'NOT_COMPLETED', count: 1 }],
    ],
  ])('%s', async (_name, rest, added, skipped) => {
    const client = await newTenant();
    await importCalls(client, [call('CA1', [question, answer], rest)]);
    const datasetId = await newDataset(client);
    expect(await collect(client, { datasetId })).toEqual({
      __typename: 'CollectExamplesPayload',
      added,
      alreadyThere: 0,
      considered: added,
      skipped,
      dataset: { exampleCount: added, validatedCount: added, rejectedCount: 0 },
    });
  });
});

test('joins neighbouring turns of one side, trimmed, with one space, and measures code points', async () => {
  const client = await newTenant();
  await importCalls(client, [
    call('CA1', [
      'agent: Good morning!',
      'caller:   Ten  ',
      'caller: \n chars ',
      'agent: Ten chars.',
      'caller: 😀😀😀😀😀😀😀😀😀😀',
      'agent: That was ten more.',
      'caller: 123456789',
      'agent: Too short a question.',
      'caller: Nobody answers this one.',
    ]),
  ]);
  const datasetId = await newDataset(client);
  const input = { datasetId, minMessageLength: 9 };
  expect(await collect(client, input)).toMatchObject({
    added: 1,
    skipped: [{ reason: 'TOO_SHORT', count: 2 }],
  });
  expect(await collect(client, { ...input, minMessageLength: 8 })).toMatchObject({
    added: 2,
    alreadyThere: 1,
    skipped: [],
  });
  expect(await collect(client, { ...input, strategy: 'CONVERSATION' })).toMatchObject({ added: 1 });
  const contents = (await examplesOf(client, datasetId)).map(({ messages }) =>
    messages.map(({ content }) => content),
  );
  expect(contents).toEqual([
    ['😀😀😀😀😀😀😀😀😀😀', 'That was ten more.'],
    ['Ten chars', 'Ten chars.'],
    ['123456789', 'Too short a question.'],
    [
      'Ten chars',
      'Ten chars.',
      '😀😀😀😀😀😀😀😀😀😀',
      'That was ten more.',
      '123456789',
      'Too short a question.',
    ],
  ]);
});

const turnsOf = (sid: string) => [
  `caller: First question of ${sid}`,
  `agent: First answer of ${sid}`,
  `caller: Second question of ${sid}`,
  `agent: Second answer of ${sid}`,
];

const made = (sid: string, transcript_confidence: number, created_at: string) =>
  call(sid, turnsOf(sid), { transcript_confidence, created_at });

test('orders by confidence, then time, then sid, then place in the call', async () => {
  const client = await newTenant();
  await importCalls(client, [
    made('b', 0.9, '2026-09-01T09:00:00Z'),
    made('0late', 0.9, '2026-09-01T09:00:00.001Z'),
    made('unsure', 0.85, '2020-01-01T00:00:00Z'),
    made('B', 0.9, '2026-09-01T11:00:00+02:00'),
    made('a', 0.9, '2026-09-01T09:00:00Z'),
    made('sure', 0.91, '2026-09-02T00:00:00Z'),
  ]);
  const datasetId = await newDataset(client);
  await collect(client, { datasetId, minMessageLength: 1 });
  const order = ['sure', 'B', 'a', 'b', '0late', 'unsure'];
  expect((await examplesOf(client, datasetId)).map(({ userMessage }) => userMessage)).toEqual(
    order.flatMap((sid) => [`First question of ${sid}`, `Second question of ${sid}`]),
  );
});

test('keeps the confidence with two decimals, and validates only when told', async () => {
  const client = await newTenant();
  await importCalls(client, [
    call('CA1', [question, answer], { transcript_confidence: 0.875 }),
    call('CA2', [`${question} Please.`, answer], { transcript_confidence: 0.934 }),
  ]);
  const [left, judged] = [await newDataset(client, 'Left'), await newDataset(client, 'Judged')];
  await collect(client, { datasetId: left, autoValidate: false });
  await collect(client, { datasetId: judged, minConfidence: 0.5 });
  expect(await examplesOf(client, left)).toMatchObject([
    { qualityScore: 0.93, validated: false, validatedBy: null },
    { qualityScore: 0.88, validated: false, validatedBy: null },
  ]);
  expect(await examplesOf(client, judged)).toMatchObject([
    { qualityScore: 0.93, validated: true, validatedBy: 'rule: confidence >= 0.5' },
    { qualityScore: 0.88, validated: true, validatedBy: 'rule: confidence >= 0.5' },
  ]);
  expect(await countsOf(client, left)).toEqual({ exampleCount: 2, validatedCount: 0, rejectedCount: 0 });
});

test('bounds the time from, inclusive, to, exclusive', async () => {
  const client = await newTenant();
  const times = [
    '2026-09-01T08:59:59.999Z',
    '2026-09-01T09:00:00Z',
    '2026-09-01T09:59:59.999Z',
    '2026-09-01T10:00:00Z',
  ];
  await importCalls(
    client,
    times.map((time) => call(time, [`${question} ${time}`, answer], { created_at: time })),
  );
  const datasetId = await newDataset(client);
  const payload = await collect(client, {
    datasetId,
    from: '2026-09-01T11:00:00+02:00',
    to: '2026-09-01T10:00:00Z',
  });
  expect(payload).toMatchObject({ added: 2, considered: 2, skipped: [] });
  expect(
    (await examplesOf(client, datasetId)).map(({ callTranscription }) => callTranscription?.callSid),
  ).toEqual(times.slice(1, 3));
});

test.each([
  ['minConfidence', { minConfidence: 1.01 }],
  ['minConfidence', { minConfidence: -0.1 }],
  ['maxExamples', { maxExamples: 0 }],
  ['maxExamples', { maxExamples: 1_000_001 }],
  ['minMessageLength', { minMessageLength: -1 }],
  ['to', { from: '2026-09-02T00:00:00Z', to: '2026-09-01T00:00:00Z' }],
  ['topic', { topic: 'a\0' }],
  ['topic', { topic: '\ud83d' }],
])('refuses a wrong %s', async (field, input) => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  expect(await collect(client, { datasetId, ...input })).toMatchObject({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    faults: [{ field: `input.${field}` }],
  });
});

test('takes a call again when an import has changed its words', async () => {
  const client = await newTenant();
  await importCalls(client, [call('CA1', [question, answer])]);
  const datasetId = await newDataset(client);
  await collect(client, { datasetId });
  await importCalls(client, [call('CA1', [question, `${answer} And close at five.`])]);
  expect(await collect(client, { datasetId })).toMatchObject({ added: 1, alreadyThere: 0 });
  expect(await countsOf(client, datasetId)).toMatchObject({ exampleCount: 2 });
});

test.each([
  ['yesterday', '"yesterday"'],
  ['2026-02-30T00:00:00Z', '"2026-02-30T00:00:00Z"'],
  ['0000-01-01T00:00:00Z', '"0000-01-01T00:00:00Z"'],
  [5, '5'],
])(
  'refuses %j as a time with the same code and words, as a variable and as a literal',
  async (from, shown) => {
    const client = await newTenant();
    const datasetId = await newDataset(client);
    const byVariable = await client.answer(
      'mutation ($from: DateTime, $id: ID!) { collectExamples(input: { datasetId: $id, from: $from }) { __typename } }',
      { from, id: datasetId },
    );
    const byLiteral = await client.answer(
      `mutation { collectExamples(input: { datasetId: "${datasetId}", from: ${JSON.stringify(from)} }) { __typename } }`,
    );
    for (const { errors } of [byVariable, byLiteral]) {
      expect(errors).toMatchObject([
        { message: expect.stringContaining(`such as 2026-09-01T09:02:55Z, not ${shown}`) },
      ]);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' });
    }
  },
);
