/** Collecting from the real calls, and from random ones, against the reference. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  collect,
  examplesOf,
  exportedLines,
  importCalls,
  importFile,
  newDataset,
  readShared,
} from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import {
  referenceCollect,
  sharedCalls,
  type ReferenceCall,
  type ReferenceInput,
} from './support/collectReference.ts';
import { newTenant } from './support/server.ts';

const all = { maxExamples: 100_000 };

/** The payload without its dataset, the skipped by reason. */
function payloadOf(payload: Awaited<ReturnType<typeof collect>>) {
  if (!('added' in payload)) throw new Error('The collection was refused');
  const { added, alreadyThere, considered, skipped } = payload;
  return {
    added,
    alreadyThere,
    considered,
    skipped: Object.fromEntries(skipped.map(({ reason, count }) => [reason, count])),
  };
}

describe('on the shared calls', () => {
  const calls = sharedCalls();
  let client: TestClient;
  let made = 0;
  const dataset = () => newDataset(client, `Dataset ${(made += 1)}`);

  beforeAll(async () => {
    client = await newTenant();
    const report = await importFile(
      client,
      '/import/call-transcriptions',
      'application/x-ndjson',
      readShared('calls.jsonl'),
    );
    if (report.stored !== calls.length) throw new Error('The calls were not stored');
  });

  async function expectCollected(datasetId: string, input: ReferenceInput, present = new Set<string>()) {
    const { examples, ...expected } = referenceCollect(calls, input, present);
    const payload = await collect(client, { datasetId, ...input });
    expect(payloadOf(payload)).toEqual(expected);
    return examples.map(({ messages }) => JSON.stringify({ messages }));
  }

  test.each<[name: string, input: ReferenceInput, added: number, considered: number]>([
    ['the defaults', {}, 100, 16],
    ['all of them', all, 5245, 773],
    ['conversations', { ...all, strategy: 'CONVERSATION' }, 757, 773],
    ['a higher confidence', { ...all, minConfidence: 0.9 }, 3077, 436],
    ['conversations of every confidence', { ...all, strategy: 'CONVERSATION', minConfidence: 0 }, 1214, 1239],
    ['messages of any length', { ...all, minConfidence: 0.9, minMessageLength: 0 }, 4137, 436],
    ['long messages', { ...all, minMessageLength: 60 }, 794, 773],
    ['conversations with a long pair', { ...all, strategy: 'CONVERSATION', minMessageLength: 60 }, 452, 773],
    ['calls placed', { ...all, direction: 'OUTBOUND' }, 732, 105],
    [
      'calls of some days',
      { ...all, from: '2026-09-20T00:00:00Z', to: '2026-10-01T12:30:00+02:00' },
      878,
      127,
    ],
    ['one topic', { ...all, topic: 'Restaurants_1' }, 599, 82],
    ['a topic nobody had', { topic: 'Restaurants' }, 0, 0],
    ['a limit within a call', { maxExamples: 1003, minMessageLength: 5 }, 1003, 111],
  ])(
    'collects with %s what the reference collects, in its order',
    async (_name, input, added, considered) => {
      expect(referenceCollect(calls, input)).toMatchObject({ added, considered });
      const datasetId = await dataset();
      const expected = await expectCollected(datasetId, input);
      expect(await exportedLines(client, datasetId)).toEqual(expected);
    },
  );

  test('notes where each example was taken from, how sure the call was, and which rule validated it', async () => {
    const datasetId = await dataset();
    await collect(client, { datasetId, maxExamples: 250, minConfidence: 0.85 });
    const expected = referenceCollect(calls, { maxExamples: 250, minConfidence: 0.85 }).examples;
    const found = await examplesOf(client, datasetId);
    expect(found).toEqual(
      expected.map(({ messages, callSid, confidence, firstTurn, lastTurn }) => ({
        id: expect.any(String),
        position: expect.any(Number),
        userMessage: messages[0]?.content,
        assistantResponse: messages[1]?.content,
        qualityScore: confidence,
        validated: true,
        validatedBy: 'rule: confidence >= 0.85',
        rejected: false,
        source: 'CALL',
        firstTurn,
        lastTurn,
        revision: 1,
        messages: messages.map(({ role, content }) => ({ role: role.toUpperCase(), content })),
        callTranscription: { callSid },
      })),
    );
  });

  test('adds nothing twice, and goes on where the limit stopped it', async () => {
    const datasetId = await dataset();
    const present = new Set<string>();
    const expected = await expectCollected(datasetId, { maxExamples: 300 }, present);
    expected.push(...(await expectCollected(datasetId, { maxExamples: 300 }, present)));
    expected.push(
      ...(await expectCollected(
        datasetId,
        { maxExamples: 300, minConfidence: 0.5, topic: 'Banks_1' },
        present,
      )),
    );
    expect(await expectCollected(datasetId, { maxExamples: 300, minConfidence: 1 }, present)).toEqual([]);
    expect(await exportedLines(client, datasetId)).toEqual(expected);
    const sure = { ...all, minConfidence: 0.9 };
    await expectCollected(datasetId, sure, present);
    const again = await collect(client, { datasetId, ...sure });
    expect(again).toMatchObject({
      added: 0,
      alreadyThere: 3137,
      considered: 436,
      dataset: { exampleCount: present.size },
    });
  });

  test('puts conversations behind the pairs that are there', async () => {
    const datasetId = await dataset();
    const present = new Set<string>();
    const expected = await expectCollected(datasetId, { ...all, minConfidence: 0.95 }, present);
    expected.push(
      ...(await expectCollected(
        datasetId,
        { ...all, minConfidence: 0.9, strategy: 'CONVERSATION' },
        present,
      )),
    );
    expect(await exportedLines(client, datasetId)).toEqual(expected);
  });
});

const words = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    'Ja',
    ' gut gesagt ',
    'ganz genau so ist es',
    '😀😀😀😀😀',
    'é\u{301}tè',
    '"quoted", \\ and \t',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\0\p{Surrogate}]/u.test(text)),
);
const randomCall = fc.record({
  created_at: fc.constantFrom(
    '2026-09-01T09:00:00Z',
    '2026-09-01T09:00:00.001Z',
    '2026-09-02T00:00:00+02:00',
  ),
  direction: fc.constantFrom('inbound', 'outbound'),
  call_status: fc.constantFrom('completed', 'completed', 'completed', 'no-answer'),
  transcript_confidence: fc.constantFrom(null, 0, 0.5, 0.79, 0.8, 0.8, 0.9, 1),
  turns: fc.array(
    fc.record(
      {
        speaker: fc.constantFrom('caller', 'agent'),
        text: words,
        confidence: fc.constantFrom(null, 0, 0.79, 0.8, 1),
      },
      { requiredKeys: ['speaker', 'text'] },
    ),
    { maxLength: 8 },
  ),
});
const randomInput = fc.record(
  {
    minConfidence: fc.constantFrom(0, 0.5, 0.8, 1),
    maxExamples: fc.integer({ min: 1, max: 40 }),
    minMessageLength: fc.constantFrom(0, 1, 4, 5, 19),
    strategy: fc.constantFrom('PAIR', 'CONVERSATION'),
    direction: fc.constantFrom('INBOUND', 'OUTBOUND'),
    to: fc.constantFrom('2026-09-01T09:00:00.001Z', '2026-09-01T22:00:00.000Z'),
  },
  { requiredKeys: [] },
);

test('collects from random calls what the reference collects', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(randomCall, { minLength: 1, maxLength: 30 }),
      fc.array(randomInput, { minLength: 1, maxLength: 3 }),
      async (random, inputs) => {
        const client = await newTenant();
        const calls: ReferenceCall[] = random.map((one, index) => ({
          call_sid: `${'aBz-Ä'[index % 5]}${index}`,
          ...one,
        }));
        await importCalls(client, calls);
        const datasetId = await newDataset(client);
        const present = new Set<string>();
        const expected = [];
        for (const input of inputs) {
          const { examples, ...counts } = referenceCollect(calls, input, present);
          expect(payloadOf(await collect(client, { datasetId, ...input }))).toEqual(counts);
          expected.push(...examples.map(({ messages }) => JSON.stringify({ messages })));
        }
        expect(await exportedLines(client, datasetId)).toEqual(expected);
      },
    ),
    { numRuns: 10 },
  );
});
