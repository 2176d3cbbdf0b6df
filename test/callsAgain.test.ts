/** Importing a call again: what it carries is taken, what it does not say is kept. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCallTranscriptionService } from '../src/services/callTranscription.ts';
import { importFile } from './support/calls.ts';
import { callsOf } from './support/importedCalls.ts';
import { newTenant, sharedServer } from './support/server.ts';

const path = '/import/call-transcriptions';
const ndjson = 'application/x-ndjson';
const createdAt = '2026-09-01T09:00:00.000Z';
const recorded = {
  call_sid: 'CA1',
  created_at: createdAt,
  phone_number: '+15550100',
  direction: 'inbound',
  call_status: 'busy',
  duration_seconds: 61,
  transcript_confidence: 0.7,
  topic: 'Opening hours',
  transcript_text: 'Customer: Hello?\nAgent: Yes?',
};
const stored = {
  callSid: 'CA1',
  createdAt,
  phoneNumber: '+15550100',
  direction: 'INBOUND',
  status: 'busy',
  durationSeconds: 61,
  transcriptConfidence: 0.7,
  topic: 'Opening hours',
  transcriptText: 'Customer: Hello?\nAgent: Yes?',
  turns: [{ text: 'Hello?' }, { text: 'Yes?' }],
};

async function imported() {
  const client = await newTenant();
  const line = JSON.stringify(recorded);
  expect(await importFile(client, path, ndjson, line)).toMatchObject({ stored: 1 });
  return client;
}

test('WebVTT brings words and a duration; the rest stays, also the confidence beside a default', async () => {
  const client = await imported();
  const vtt = 'WEBVTT\n\n00:00.000 --> 00:09.000\n<v Customer>Good morning?\n';
  const query = `${path}?filename=CA1.vtt&confidence=0.95`;
  expect(await importFile(client, query, 'text/vtt', vtt)).toMatchObject({ updated: 1 });
  expect(await callsOf(client)).toMatchObject([
    { ...stored, durationSeconds: 9, transcriptText: null, turns: [{ text: 'Good morning?' }] },
  ]);
  expect(await importFile(client, query, 'text/vtt', vtt)).toMatchObject({ unchanged: 1 });
});

test('a line that says nothing changes nothing; null clears', async () => {
  const client = await imported();
  const again = async (rest: object, query = '') => {
    const line = JSON.stringify({ call_sid: 'CA1', created_at: createdAt, ...rest });
    const { updated, unchanged } = await importFile(client, `${path}${query}`, ndjson, line);
    return { updated, unchanged };
  };
  expect(await again({})).toEqual({ updated: 0, unchanged: 1 });
  expect(await again(recorded, '?confidence=0.9')).toEqual({ updated: 0, unchanged: 1 });
  expect(await again({}, '?confidence=0.9')).toEqual({ updated: 0, unchanged: 1 });
  const { transcript_confidence: _, ...unsure } = recorded;
  expect(await again(unsure, '?confidence=0.9')).toEqual({ updated: 0, unchanged: 1 });
  expect(await again({ ...unsure, transcript_confidence: null }, '?confidence=0.9')).toEqual({
    updated: 0,
    unchanged: 1,
  });
  expect(await callsOf(client)).toMatchObject([stored]);
  expect(await again({ topic: null, phone_number: '', call_status: null })).toEqual({
    updated: 1,
    unchanged: 0,
  });
  expect(await callsOf(client)).toMatchObject([
    { ...stored, topic: null, phoneNumber: null, status: 'completed' },
  ]);
  expect(await again({ transcript_confidence: null, turns: null })).toEqual({ updated: 1, unchanged: 0 });
  expect(await callsOf(client)).toMatchObject([
    { transcriptConfidence: null, transcriptText: null, turns: [] },
  ]);
  expect(await again({ turns: [{ speaker: 'bot', text: 'Hi' }] }, '?confidence=0.9')).toMatchObject({
    updated: 1,
  });
  expect(await callsOf(client)).toMatchObject([{ transcriptConfidence: 0.9, durationSeconds: 61 }]);
});

test('in a table an absent column keeps, and an empty cell clears', async () => {
  const client = await imported();
  const header =
    'call_sid,phone_number,direction,transcript_text,transcript_confidence,duration_seconds,call_status,created_at';
  const table = `${header}\nCA1,,inbound,,0.7,61,busy,${createdAt}`;
  expect(await importFile(client, path, 'text/csv', table)).toMatchObject({ updated: 1 });
  expect(await callsOf(client)).toMatchObject([
    { ...stored, phoneNumber: null, transcriptText: null, turns: [] },
  ]);
  const withTopic = `${header},topic\nCA1,,inbound,,0.7,61,busy,${createdAt},`;
  expect(await importFile(client, path, 'text/csv', withTopic)).toMatchObject({ updated: 1 });
  expect(await callsOf(client)).toMatchObject([{ topic: null }]);
});

test('the same call twice in one file: the second adds to the first', async () => {
  const client = await newTenant();
  const lines = [recorded, { call_sid: 'CA1', created_at: createdAt, topic: 'Prices' }];
  const body = lines.map((line) => JSON.stringify(line)).join('\n');
  expect(await importFile(client, path, ndjson, body)).toMatchObject({ stored: 1, updated: 1 });
  expect(await callsOf(client)).toMatchObject([{ ...stored, topic: 'Prices' }]);
});

/** A row with any of its keys absent, null or one of two values. */
const row = fc.record(
  {
    call_sid: fc.constantFrom('__proto__', 'CA2', 'CA3'),
    created_at: fc.constant(createdAt),
    phone_number: fc.constantFrom(null, '+1', '+2'),
    direction: fc.constantFrom(null, 'inbound', 'outbound'),
    call_status: fc.constantFrom(null, 'completed', 'busy'),
    duration_seconds: fc.constantFrom(null, 1, 2),
    transcript_confidence: fc.constantFrom(null, 0.25, 0.5),
    topic: fc.constantFrom(null, 'a', 'b'),
    transcript_text: fc.constantFrom(null, 'bot: x', 'user: y'),
  },
  { requiredKeys: ['call_sid', 'created_at'] },
);

type Row = Record<string, unknown>;

/** What the rules say, in the plainest words: the reference. */
function merge(before: Row | undefined, given: Row, defaultConfidence: number | null): Row {
  const start = before ?? {
    phone_number: null,
    direction: null,
    call_status: 'completed',
    duration_seconds: null,
    transcript_confidence: null,
    topic: null,
    transcript_text: null,
  };
  const after: Row = { ...start, ...given, call_status: given['call_status'] ?? 'completed' };
  if (!('call_status' in given)) after['call_status'] = start['call_status'];
  const speaks = typeof given['transcript_text'] === 'string';
  if (speaks && given['transcript_confidence'] == null && defaultConfidence !== null)
    after['transcript_confidence'] = start['transcript_confidence'] ?? defaultConfidence;
  return after;
}

test('whatever is carried, in whatever order: as the rules say, and counted exactly', async () => {
  const { db } = await sharedServer();
  const service = createCallTranscriptionService({ db });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(row, { minLength: 1, maxLength: 4 }), fc.constantFrom(null, 0.75)), {
        minLength: 1,
        maxLength: 4,
      }),
      async (imports) => {
        const { tenantId } = await newTenant();
        const expected = new Map<unknown, Row>();
        for (const [rows, defaultConfidence] of imports) {
          const counts = { stored: 0, updated: 0, unchanged: 0 };
          for (const given of rows) {
            const before = expected.get(given.call_sid);
            const after = merge(before, given, defaultConfidence);
            expected.set(given.call_sid, after);
            if (before === undefined) counts.stored += 1;
            else if (JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))) counts.unchanged += 1;
            else counts.updated += 1;
          }
          const read = rows.map((value, index) => ({ line: index + 1, value }));
          const viewer = { tenantId, subject: 'tester', role: 'ADMIN' as const };
          expect(await service.importCalls(viewer, read, { defaultConfidence })).toMatchObject(counts);
        }
        const calls = await db.withTenant(tenantId, (tx) =>
          tx.callTranscription.findMany({ where: { tenantId } }),
        );
        expect(
          new Map(
            calls.map((call) => [
              call.callSid,
              sorted({
                call_sid: call.callSid,
                created_at: call.createdAt.toISOString(),
                phone_number: call.phoneNumber,
                direction: call.direction?.toLowerCase() ?? null,
                call_status: call.status,
                duration_seconds: call.durationSeconds,
                transcript_confidence: call.transcriptConfidence,
                topic: call.topic,
                transcript_text: call.transcriptText,
              }),
            ]),
          ),
        ).toEqual(new Map([...expected].map(([sid, call]) => [sid, sorted(call)])));
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

function sorted(call: Row): Row {
  return Object.fromEntries(Object.entries(call).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
