/** Importing calls as WebVTT over HTTP: one file is one call. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { collect, importFile, newDataset, readShared, sharedData } from './support/calls.ts';
import { sharedCalls } from './support/collectReference.ts';
import { callsOf } from './support/importedCalls.ts';
import { newTenant } from './support/server.ts';

const path = '/import/call-transcriptions';

test('one file is one call, its name the sid; without createdAt, importing it again changes nothing', async () => {
  const client = await newTenant();
  const names = readdirSync(new URL('vtt/', sharedData)).toSorted();
  expect(names).toHaveLength(20);
  const importAll = async (query: string) => {
    const reports = [];
    for (const name of names)
      reports.push(
        await importFile(client, `${path}?filename=${name}${query}`, 'text/vtt', readShared(`vtt/${name}`)),
      );
    return reports;
  };
  for (const report of await importAll('&confidence=0.9'))
    expect(report).toMatchObject({ received: 1, stored: 1 });
  const before = await callsOf(client);
  for (const report of await importAll('&confidence=0.9'))
    expect(report).toMatchObject({ received: 1, unchanged: 1 });
  expect(await callsOf(client)).toEqual(before);
  for (const report of await importAll('&confidence=0.9&createdAt=2026-09-01T09:00:00Z'))
    expect(report).toMatchObject({ updated: 1 });

  const spoken = new Map(
    sharedCalls().map((one) => [
      one.call_sid,
      one.turns.map(({ speaker, text }) => ({ speaker: speaker.toUpperCase(), text })),
    ]),
  );
  for (const { callSid, turns, createdAt } of await callsOf(client)) {
    expect(turns).toMatchObject(spoken.get(callSid) ?? []);
    expect(turns).toHaveLength(spoken.get(callSid)?.length ?? NaN);
    expect(createdAt).toBe('2026-09-01T09:00:00.000Z');
  }
  const datasetId = await newDataset(client);
  expect(await collect(client, { datasetId, maxExamples: 1000 })).toMatchObject({ considered: 20 });
});

test('reads extra labels, the end of a path, and reports what is no WebVTT', async () => {
  const client = await newTenant();
  const file = 'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Gast>Hallo?\n\n00:02.000 --> 00:03.500\n<v Wirt>Ja?';
  expect(await importFile(client, `${path}?filename=calls/2026/CA-1.VTT`, 'text/vtt', file)).toMatchObject({
    rejected: 1,
    faults: [{ line: 3, field: 'turns[0].speaker' }],
  });
  const labels = 'callerLabels=Gast&agentLabels=Wirt';
  expect(
    await importFile(client, `${path}?filename=calls/2026/CA-1.VTT&${labels}`, 'text/vtt', file),
  ).toMatchObject({ stored: 1 });
  expect(await importFile(client, `${path}?filename=x`, 'text/vtt', 'hello')).toMatchObject({
    rejected: 1,
    faults: [{ line: 1, field: null }],
  });
  expect(
    await importFile(client, `${path}?filename=.vtt`, 'text/vtt', file.replaceAll(/Gast|Wirt/g, 'Bot')),
  ).toMatchObject({ rejected: 1 });
  expect(await callsOf(client)).toMatchObject([
    {
      callSid: 'CA-1',
      durationSeconds: 4,
      transcriptConfidence: null,
      turns: [{ text: 'Hallo?' }, { text: 'Ja?' }],
    },
  ]);
});

test('reports a file that is too long', async () => {
  const client = await newTenant();
  const report = await importFile(
    client,
    `${path}?filename=x`,
    'text/vtt',
    `WEBVTT\n\n${'NOTE x\n'.repeat(2_000_000)}`,
  );
  expect(report).toMatchObject({ received: 1, rejected: 1, faults: [{ line: 1, field: null }] });
});
