/** Importing calls as files over HTTP: NDJSON and CSV. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { call, importCalls, importFile, readShared } from './support/calls.ts';
import { callsOf } from './support/importedCalls.ts';
import { sharedCalls } from './support/collectReference.ts';
import { newTenant } from './support/server.ts';

const path = '/import/call-transcriptions';
const ndjson = 'application/x-ndjson';
const header =
  'call_sid,phone_number,direction,transcript_text,transcript_confidence,duration_seconds,call_status,created_at';

const sorted = <T extends { callSid: string }>(calls: T[]) =>
  calls.toSorted((a, b) => (a.callSid < b.callSid ? -1 : 1));

describe('NDJSON', () => {
  test('reports broken lines with line, field and reason, and stores the rest; again, all is unchanged', async () => {
    const client = await newTenant();
    const file = [
      JSON.stringify(call('CA1', ['agent: Hello'])),
      '{"call_sid": "CA2", ',
      '',
      JSON.stringify(call('CA3', ['ghost: Boo'])),
      '[1]',
      JSON.stringify(call('', ['agent: Hello'])),
      JSON.stringify(call('CA4', [], { created_at: 'yesterday' })),
      JSON.stringify(call('CA5', [], { transcript_confidence: '0.55' })),
      JSON.stringify(call('CA6', [], { created_at: '9999-12-31T23:59:59-12:00' })),
      JSON.stringify(call('CA7', [], { created_at: '0001-01-01T00:00:00+14:00' })),
    ].join('\r\n');
    const rejected = [
      { line: 2, field: null, reason: 'is not valid JSON' },
      {
        line: 4,
        field: 'turns[0].speaker',
        reason: expect.stringMatching(/^must be a known speaker .* not "ghost"$/),
      },
      { line: 5, field: null, reason: 'must be a JSON object, not a list of 1' },
      { line: 6, field: 'call_sid', reason: expect.stringContaining('is missing') },
      { line: 7, field: 'created_at', reason: expect.stringContaining('not "yesterday"') },
      { line: 9, field: 'created_at', reason: expect.stringMatching(/^must be/) },
      { line: 10, field: 'created_at', reason: expect.stringMatching(/^must be/) },
    ];
    const counts = { received: 9, stored: 2, updated: 0, unchanged: 0, rejected: 7 };
    expect(await importFile(client, path, ndjson, file)).toEqual({ ...counts, faults: rejected });
    expect(await importFile(client, path, `${ndjson}; charset=utf-8`, file)).toEqual({
      ...counts,
      stored: 0,
      unchanged: 2,
      faults: rejected,
    });
    expect((await callsOf(client)).map(({ callSid }) => callSid).toSorted()).toEqual(['CA1', 'CA5']);
  });

  test('takes the same sid twice in one file, however far apart', async () => {
    const client = await newTenant();
    const calls = Array.from({ length: 1200 }, (_, index) =>
      call(`CA${index % 700}`, [], { topic: index < 700 ? 'first' : 'second' }),
    );
    expect(await importCalls(client, calls)).toMatchObject({
      received: 1200,
      stored: 700,
      updated: 500,
      unchanged: 0,
    });
    const twins = [
      call('A', [], { topic: 'x' }),
      call('A', [], { topic: 'y' }),
      call('A', [], { topic: 'y' }),
    ];
    expect(await importCalls(client, twins)).toMatchObject({
      received: 3,
      stored: 1,
      updated: 1,
      unchanged: 1,
    });
  });

  test('gives the default confidence to what brings none, and reads extra labels', async () => {
    const client = await newTenant();
    const calls = [
      {
        ...call('1'),
        transcript_confidence: null,
        transcript_text: 'Kundin: Hallo?\nEmpfang: Guten Tag!',
        turns: [],
      },
      call('2', ['Kundin: Hallo?', 'Anruferin: Ja?'], { transcript_confidence: 0.25 }),
    ];
    const report = await importCalls(
      client,
      calls,
      '?confidence=0.85&callerLabels=Kundin,%20Anruferin&agentLabels=Empfang',
    );
    expect(report).toMatchObject({ stored: 2, rejected: 0 });
    expect(sorted(await callsOf(client))).toMatchObject([
      {
        transcriptConfidence: 0.85,
        turns: [
          { speaker: 'CALLER', text: 'Hallo?' },
          { speaker: 'AGENT', text: 'Guten Tag!' },
        ],
      },
      { transcriptConfidence: 0.25, turns: [{ speaker: 'CALLER' }, { speaker: 'CALLER' }] },
    ]);
  });

  test('imports of the same calls at once, in opposite orders, all succeed', async () => {
    const client = await newTenant();
    const calls = Array.from({ length: 1500 }, (_, index) =>
      call(`CA${index}`, ['agent: Hello there, how are you?']),
    );
    await importCalls(client, calls);
    const versions = Array.from({ length: 6 }, (_, at) => {
      const changed = calls.map((one) => ({ ...one, topic: `version ${at}` }));
      return at % 2 ? changed : changed.toReversed();
    });
    for (const report of await Promise.all(versions.map((version) => importCalls(client, version)))) {
      expect(report).toMatchObject({ received: 1500, stored: 0, rejected: 0 });
    }
  });
});

describe('CSV', () => {
  test('reads quoted line breaks, and lines as they are in the file', async () => {
    const client = await newTenant();
    const file = [
      header,
      'CA1,+1,inbound,"Customer: Say ""hello"",\nplease.\nAgent: Hello!",0.9,12,completed,2026-09-01 09:00:00+00',
      'CA2,,,,,,no-answer,2026-09-02T09:00:00Z',
      'CA3,,upwards,"Agent: one\r\ntwo",,,,2026-09-03',
      'CA4,too,few',
      'CA5,,OUTBOUND,,,x,,2026-09-05',
      'CA6,,OUTBOUND,,,,,2026-09-06',
    ].join('\r\n');
    const report = await importFile(client, `${path}?confidence=0.5`, 'text/csv; charset=utf-8', file);
    expect(report).toMatchObject({ received: 6, stored: 3, rejected: 3 });
    expect(report.faults).toEqual([
      { line: 6, field: 'direction', reason: expect.stringContaining('"upwards"') },
      { line: 8, field: null, reason: expect.any(String) },
      { line: 9, field: 'duration_seconds', reason: expect.stringContaining('"x"') },
    ]);
    expect(await callsOf(client)).toMatchObject([
      {
        callSid: 'CA1',
        createdAt: '2026-09-01T09:00:00.000Z',
        transcriptConfidence: 0.9,
        transcriptText: 'Customer: Say "hello",\nplease.\nAgent: Hello!',
        turns: [
          { speaker: 'CALLER', text: 'Say "hello", please.' },
          { speaker: 'AGENT', text: 'Hello!' },
        ],
      },
      { callSid: 'CA2', status: 'no-answer', transcriptConfidence: null, phoneNumber: null },
      { callSid: 'CA6', direction: 'OUTBOUND', status: 'completed' },
    ]);
  });

  test('the table of the shared calls gives the same calls as their NDJSON', async () => {
    const [flat, full] = [await newTenant(), await newTenant()];
    expect(await importFile(flat, path, 'text/csv', readShared('calls-flat.csv'))).toMatchObject({
      received: 325,
      stored: 325,
      rejected: 0,
    });
    const imported = await callsOf(flat);
    const sids = new Set(imported.map(({ callSid }) => callSid));
    await importCalls(
      full,
      sharedCalls().filter((one) => sids.has(one.call_sid)),
    );
    const withoutText = (calls: typeof imported) =>
      sorted(calls).map((one) => ({
        ...one,
        id: null,
        topic: null,
        transcriptText: null,
        turns: one.turns.map(({ speaker, text }) => ({ speaker, text })),
      }));
    expect(withoutText(imported)).toEqual(withoutText(await callsOf(full)));
  });

  test.each([
    ['lacks a column', header.replace('direction,', '')],
    ['names a column twice', `${header},Call_SID`],
  ])('is refused as a whole when its header %s, however long it is', async (_name, wrong) => {
    const client = await newTenant();
    const line = Buffer.from(`CA1,,,,,,,2026-09-01,${'x'.repeat(60)}\n`);
    for (const lines of [1, 100_000]) {
      const headers = { ...client.headers, 'content-type': 'text/csv' };
      const sending = request(`${client.url}${path}`, { method: 'POST', headers });
      const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
      await pipeline([Buffer.from(`${wrong}\n`), ...Array.from({ length: lines }, () => line)], sending);
      const [response] = await answered;
      expect(response.statusCode).toBe(400);
      expect(await json(response)).toEqual({
        error: { code: 'INVALID_INPUT', message: expect.stringContaining('line 1') },
      });
    }
    expect(await callsOf(client)).toEqual([]);
  });
});
