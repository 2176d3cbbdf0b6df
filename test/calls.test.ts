/** Calls over GraphQL: importing up to 200, and what is reported. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { CallTranscriptionInput, ImportCallTranscriptionsInput } from '../src/generated/gql/graphql.ts';
import { collect, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { callsOf } from './support/importedCalls.ts';
import { newTenant } from './support/server.ts';

const ImportCalls = graphql(`
  mutation DataImportCalls($input: ImportCallTranscriptionsInput!) {
    importCallTranscriptions(input: $input) {
      __typename
      ... on ImportReport {
        received
        stored
        updated
        unchanged
        rejected
        faults {
          line
          field
          reason
        }
      }
      ... on InvalidInputError {
        code
        refused: faults {
          field
        }
      }
    }
  }
`);

const importCalls = async (
  client: TestClient,
  calls: CallTranscriptionInput[],
  rest: Partial<ImportCallTranscriptionsInput> = {},
) => (await client.run(ImportCalls, { input: { calls, ...rest } })).importCallTranscriptions;

const createdAt = '2026-09-01T09:00:00.000Z';
const report = {
  __typename: 'ImportReport',
  received: 1,
  stored: 0,
  updated: 0,
  unchanged: 0,
  rejected: 0,
  faults: [],
};

test('stores a call with all it brings', async () => {
  const client = await newTenant();
  const given: CallTranscriptionInput = {
    callSid: ' CA1 ',
    createdAt: '2026-09-01T11:00:00+02:00',
    phoneNumber: '+15550100',
    direction: 'Inbound',
    callStatus: 'completed',
    durationSeconds: 61,
    transcriptConfidence: 0.875,
    topic: 'Grüße',
    turns: [
      { speaker: 'Customer', text: ' Hello? ', startMs: 0 },
      { speaker: 'AI', text: 'Good morning! 👋' },
    ],
  };
  expect(await importCalls(client, [given])).toEqual({ ...report, stored: 1 });
  expect(await callsOf(client)).toEqual([
    {
      id: expect.any(String),
      callSid: 'CA1',
      phoneNumber: '+15550100',
      direction: 'INBOUND',
      status: 'completed',
      createdAt,
      durationSeconds: 61,
      transcriptConfidence: 0.875,
      topic: 'Grüße',
      transcriptText: null,
      turns: [
        { speaker: 'CALLER', text: 'Hello?', startMs: 0 },
        { speaker: 'AGENT', text: 'Good morning! 👋', startMs: null },
      ],
    },
  ]);
});

test('updates a call that is there, leaves an equal one alone, and keeps its id', async () => {
  const client = await newTenant();
  const given: CallTranscriptionInput = {
    callSid: 'CA1',
    createdAt,
    topic: 'Old',
    turns: [{ speaker: 'agent', text: 'Hello' }],
  };
  await importCalls(client, [given]);
  const [before] = await callsOf(client);
  expect(await importCalls(client, [given])).toEqual({ ...report, unchanged: 1 });
  for (const change of [
    { topic: 'New' },
    { topic: null },
    { transcriptConfidence: 0.1 },
    { turns: [{ speaker: 'user', text: 'Hello' }] },
    { createdAt: '2026-09-01T09:00:00.001Z' },
  ]) {
    expect(await importCalls(client, [{ ...given, ...change }])).toEqual({ ...report, updated: 1 });
  }
  expect(await callsOf(client)).toMatchObject([
    { id: before?.id, topic: 'Old', createdAt: '2026-09-01T09:00:00.001Z' },
  ]);
});

test('takes the same call twice in one list, in the order given', async () => {
  const client = await newTenant();
  const calls = ['first', 'second', 'second', 'first'].map((topic) => ({ callSid: 'CA1', createdAt, topic }));
  expect(await importCalls(client, calls)).toEqual({
    ...report,
    received: 4,
    stored: 1,
    updated: 2,
    unchanged: 1,
  });
  expect(await callsOf(client)).toMatchObject([{ callSid: 'CA1', topic: 'first' }]);
});

test('reports what cannot be read, with place, field and reason, and stores the rest', async () => {
  const client = await newTenant();
  const wrong: [rest: Partial<CallTranscriptionInput>, field: string][] = [
    [{ callSid: ' ' }, 'callSid'],
    [{ callSid: 'x'.repeat(65) }, 'callSid'],
    [{ callSid: 'a\0b' }, 'callSid'],
    [{ transcriptConfidence: 1.2 }, 'transcriptConfidence'],
    [{ direction: 'sideways' }, 'direction'],
    [{ durationSeconds: -1 }, 'durationSeconds'],
    [{ phoneNumber: '5'.repeat(33) }, 'phoneNumber'],
    [{ topic: '\ud800' }, 'topic'],
    [
      {
        turns: [
          { speaker: 'agent', text: 'a' },
          { speaker: 'Narrator', text: 'b' },
        ],
      },
      'turns[1].speaker',
    ],
    [{ turns: [{ speaker: 'agent', text: 'a\0' }] }, 'turns[0].text'],
    [{ turns: [{ speaker: 'agent', text: 'a', startMs: -5 }] }, 'turns[0].startMs'],
    [{ transcriptText: 'Agent: \0' }, 'transcriptText'],
    [{ createdAt: 'yesterday' }, 'createdAt'],
    [{ createdAt: '2026-02-30T00:00:00Z' }, 'createdAt'],
    [{ createdAt: '0000-01-01T00:00:00Z' }, 'createdAt'],
    [{ createdAt: '' }, 'createdAt'],
  ];
  const calls = wrong.map(([rest], index) => ({ callSid: `CA${index}`, createdAt, ...rest }));
  expect(await importCalls(client, [...calls, { callSid: 'good', createdAt }])).toEqual({
    ...report,
    received: 17,
    stored: 1,
    rejected: 16,
    faults: wrong.map(([, field], index) => ({
      line: index + 1,
      field,
      reason: expect.stringMatching(/^(must|holds)/),
    })),
  });
});

test('takes 1 to 200 calls at once', async () => {
  const client = await newTenant();
  const calls = Array.from({ length: 201 }, (_, index) => ({ callSid: `CA${index}`, createdAt }));
  const refusal = {
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    refused: [{ field: 'input.calls' }],
  };
  expect(await importCalls(client, calls)).toEqual(refusal);
  expect(await importCalls(client, [])).toEqual(refusal);
  expect(await importCalls(client, calls.slice(1))).toEqual({ ...report, received: 200, stored: 200 });
});

test('gives the default confidence to transcripts that bring none', async () => {
  const client = await newTenant();
  const turns = [{ speaker: 'agent', text: 'Hello' }];
  await importCalls(
    client,
    [
      { callSid: '1', createdAt: '2026-09-01T00:00:00Z', turns },
      { callSid: '2', createdAt: '2026-09-02T00:00:00Z', turns, transcriptConfidence: 0.3 },
      { callSid: '3', createdAt: '2026-09-03T00:00:00Z', transcriptText: 'no labels' },
      { callSid: '4', createdAt: '2026-09-04T00:00:00Z' },
    ],
    { defaultConfidence: 0.7 },
  );
  expect((await callsOf(client)).map(({ transcriptConfidence }) => transcriptConfidence)).toEqual([
    0.7,
    0.3,
    0.7,
    null,
  ]);
  for (const defaultConfidence of [-0.01, 1.01]) {
    expect(await importCalls(client, [{ callSid: '1', createdAt }], { defaultConfidence })).toMatchObject({
      __typename: 'InvalidInputError',
      refused: [{ field: 'input.defaultConfidence' }],
    });
  }
});

test('reads turns from a text with labels, extra ones too, and keeps a text without labels as it is', async () => {
  const client = await newTenant();
  const labelled = 'Kunde: Wann öffnen Sie morgen früh?\nund abends?\nBerater: Um neun Uhr, wie jeden Tag.';
  const unlabelled = 'Wann öffnen Sie morgen früh?\nUm neun Uhr, wie jeden Tag.';
  const labels = { caller: ['Kunde'], agent: ['Berater'] };
  await importCalls(
    client,
    [
      { callSid: '1', createdAt: '2026-09-01T00:00:00Z', transcriptText: labelled },
      { callSid: '2', createdAt: '2026-09-02T00:00:00Z', transcriptText: unlabelled },
      { callSid: '3', createdAt: '2026-09-03T00:00:00Z', turns: [{ speaker: 'KUNDE', text: 'Hallo' }] },
    ],
    { labels, defaultConfidence: 1 },
  );
  expect(await callsOf(client)).toMatchObject([
    {
      transcriptText: labelled,
      turns: [
        { speaker: 'CALLER', text: 'Wann öffnen Sie morgen früh? und abends?' },
        { speaker: 'AGENT', text: 'Um neun Uhr, wie jeden Tag.' },
      ],
    },
    { transcriptText: unlabelled, turns: [] },
    { turns: [{ speaker: 'CALLER', text: 'Hallo' }] },
  ]);
  const datasetId = await newDataset(client);
  expect(await collect(client, { datasetId })).toMatchObject({
    added: 1,
    considered: 1,
    skipped: [{ reason: 'ONE_SIDED', count: 2 }],
  });
  expect(await importCalls(client, [{ callSid: '1', createdAt, transcriptText: labelled }])).toMatchObject({
    updated: 1,
  });
  expect((await callsOf(client)).find(({ callSid }) => callSid === '1')?.turns).toEqual([]);
});

test.each([
  ['a label of both sides', { caller: ['Rep'], agent: [] }],
  ['an empty label', { caller: [' '], agent: [] }],
  ['a label with a colon', { caller: [], agent: ['a:'] }],
  ['too many labels', { caller: Array.from({ length: 101 }, (_, index) => `c${index}`), agent: [] }],
])('refuses %s', async (_name, labels) => {
  const client = await newTenant();
  expect(await importCalls(client, [{ callSid: '1', createdAt }], { labels })).toMatchObject({
    __typename: 'InvalidInputError',
    refused: [{ field: 'input.labels' }],
  });
  expect(await callsOf(client)).toEqual([]);
});
