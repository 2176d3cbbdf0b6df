/** Turns with a confidence of their own: from the import to the line of the export. */
import { expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { call, collect, exportedLines, importCalls, importFile, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const Turns = graphql(`
  query TurnConfidences {
    callTranscriptions(orderBy: { field: CREATED_AT, direction: ASC }) {
      edges {
        node {
          callSid
          turns {
            text
            confidence
          }
        }
      }
    }
  }
`);

const Import = graphql(`
  mutation TurnConfidenceImport($input: ImportCallTranscriptionsInput!) {
    importCallTranscriptions(input: $input) {
      ... on ImportReport {
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
    }
  }
`);

const confidencesOf = async (client: TestClient) =>
  (await client.run(Turns, {})).callTranscriptions.edges.map(({ node }) =>
    node.turns.map(({ confidence }) => confidence),
  );

const spoken = [
  'caller: I would like to return a lamp that I bought',
  'agent: You can send it back within thirty days of buying it',
  'caller: And who pays for sending it back to you',
  'agent: We do, the label is in the box that it came in',
];

/** The call with confidences for its turns. */
function heard(sid: string, ...confidences: unknown[]) {
  const { turns, ...rest } = call(sid, spoken);
  return { ...rest, turns: turns.map((turn, index) => ({ ...turn, confidence: confidences[index] })) };
}

test('an unsure answer stays as context with weight 0; a pair with it is left out', async () => {
  const client = await newTenant();
  await importCalls(client, [heard('CA1', 0.2, 0.95, null, '0.79')]);
  expect(await confidencesOf(client)).toEqual([[0.2, 0.95, null, 0.79]]);
  const [question, answer, second, unsure] = spoken.map((turn) => turn.split(': ')[1]);

  const whole = await newDataset(client, 'Whole');
  expect(await collect(client, { datasetId: whole, strategy: 'CONVERSATION' })).toMatchObject({
    added: 1,
    skipped: [],
  });
  const messages = [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
    { role: 'user', content: second },
    { role: 'assistant', content: unsure, weight: 0 },
  ];
  expect(await exportedLines(client, whole)).toEqual([JSON.stringify({ messages })]);

  const pairs = await newDataset(client, 'Pairs');
  expect(await collect(client, { datasetId: pairs })).toMatchObject({
    added: 1,
    skipped: [{ reason: 'LOW_TURN_CONFIDENCE', count: 1 }],
  });
  expect(await exportedLines(client, pairs)).toEqual([JSON.stringify({ messages: messages.slice(0, 2) })]);
  expect(await collect(client, { datasetId: pairs, minConfidence: 0.79 })).toMatchObject({
    added: 1,
    skipped: [],
  });
});

test('the call itself must be sure enough too, and an answer at least', async () => {
  const client = await newTenant();
  await importCalls(client, [
    { ...heard('CA1', 1, 1, 1, 1), transcript_confidence: 0.7 },
    heard('CA2', 1, 0.5, 1, 0.5),
  ]);
  const datasetId = await newDataset(client);
  expect(await collect(client, { datasetId, strategy: 'CONVERSATION' })).toMatchObject({
    added: 0,
    considered: 1,
    skipped: [
      { reason: 'LOW_CONFIDENCE', count: 1 },
      { reason: 'LOW_TURN_CONFIDENCE', count: 1 },
    ],
  });
});

test('the same call with other confidences is a changed call, and gives another example', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  const input = { datasetId, strategy: 'CONVERSATION' as const };
  await importCalls(client, [call('CA1', spoken)]);
  expect(await collect(client, input)).toMatchObject({ added: 1 });
  expect(await importCalls(client, [heard('CA1', null, null)])).toMatchObject({ unchanged: 1 });
  expect(await importCalls(client, [heard('CA1', 1, 0.1)])).toMatchObject({ updated: 1 });
  expect(await collect(client, input)).toMatchObject({ added: 1, alreadyThere: 0 });
  expect(await exportedLines(client, datasetId)).toHaveLength(2);
});

const turn = (confidence: number) => [{ speaker: 'caller', text: 'Hello', confidence }];
const row = (sid: string, confidence: string) =>
  `${sid},,,"[{""speaker"":""agent"",""text"":""Hi"",""confidence"":${confidence}}]",0.9,,,2026-09-01T09:00:01Z\n`;

test('comes by mutation and in a table’s turns, and is refused where it is none', async () => {
  const client = await newTenant();
  const createdAt = '2026-09-01T09:00:00Z';
  const { importCallTranscriptions } = await client.run(Import, {
    input: {
      calls: [
        { callSid: 'CA1', createdAt, turns: turn(0.5) },
        { callSid: 'CA2', createdAt, turns: turn(1.5) },
      ],
    },
  });
  expect(importCallTranscriptions).toMatchObject({
    stored: 1,
    rejected: 1,
    faults: [{ line: 2, field: 'turns[0].confidence', reason: 'must be a number from 0 to 1, not 1.5' }],
  });

  const header =
    'call_sid,phone_number,direction,turns,transcript_confidence,duration_seconds,call_status,created_at\n';
  const report = await importFile(
    client,
    '/import/call-transcriptions',
    'text/csv',
    header + row('CA3', '0.25') + row('CA4', '""sure""'),
  );
  expect(report).toMatchObject({
    stored: 1,
    rejected: 1,
    faults: [{ line: 3, field: 'turns[0].confidence', reason: 'must be a number from 0 to 1, not "sure"' }],
  });
  expect(await confidencesOf(client)).toEqual([[0.5], [0.25]]);
});
