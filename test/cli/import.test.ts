import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphql } from '../../src/generated/gql/index.ts';
import {
  lastJson,
  newDataset,
  runCli,
  startCliServer,
  temporaryDirectory,
  type CliServer,
} from './support.ts';

const FindCall = graphql(`
  query CliTestCalls {
    callTranscriptions(first: 100, orderBy: { field: CREATED_AT }) {
      edges {
        node {
          callSid
          createdAt
          transcriptConfidence
          turns {
            speaker
            text
          }
        }
      }
    }
  }
`);

const DatasetState = graphql(`
  query CliTestDataset($id: ID!) {
    dataset(id: $id) {
      exampleCount
      validatedCount
    }
  }
`);

const temporary = temporaryDirectory();
let server: CliServer;

beforeAll(async () => {
  server = await startCliServer();
}, 120_000);
afterAll(async () => {
  await server.close();
  temporary.remove();
});

const call = (sid: string, more: object = {}) =>
  JSON.stringify({
    call_sid: sid,
    created_at: '2026-09-01T09:00:00Z',
    turns: [{ speaker: 'caller', text: 'Hello' }],
    ...more,
  });

const example = (answer: string) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: answer },
    ],
  });

function file(name: string, ...lines: string[]): string {
  const path = join(temporary.path, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

const run = (...args: string[]) => runCli(['import', '--url', server.url, ...args]);

async function storedCall(sid: string) {
  const { callTranscriptions } = await server.client.run(FindCall, {});
  return callTranscriptions.edges.find(({ node }) => node.callSid === sid)?.node;
}

test('reports what became of each file, and of all', async () => {
  const good = file('good.jsonl', call('good-1'), call('good-2'), call('good-1', { topic: 'changed' }));
  const mixed = file(
    'mixed.ndjson',
    call('good-2'),
    '{"call_sid"',
    call('mixed-1', { transcript_confidence: 7 }),
  );
  const { code, stdout, stderr } = await run(good, mixed);
  expect(code).toBe(1);
  expect(stderr).toBe('');
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  expect(rows[0]).toEqual(['file', 'received', 'stored', 'updated', 'unchanged', 'rejected']);
  expect(rows[1]?.slice(-5)).toEqual(['3', '2', '1', '0', '0']);
  expect(rows[2]?.slice(-5)).toEqual(['3', '0', '0', '1', '2']);
  expect(stdout).toContain(`${mixed}:2  is not valid JSON`);
  expect(stdout).toContain(`${mixed}:3  transcript_confidence  must be a number from 0 to 1, not 7`);
  expect(stdout).toMatch(/2 files in all +6 +2 +1 +1 +2\n/);
  expect(stdout).toContain('2 rows were rejected; everything else is in.');
});

test('takes what can be imported of several, and ends with 1 when a file could not be', async () => {
  const good = file('one.jsonl', call('one'));
  const table = file('no-header.csv', 'a,b', '1,2');
  const missing = join(temporary.path, 'missing.jsonl');
  const { code, stdout, stderr } = await run(missing, good, table, '--json');
  expect(code).toBe(1);
  expect(lastJson(stdout)).toEqual({
    received: 1,
    stored: 1,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    failed: 2,
    files: [
      { file: missing, error: 'does not exist' },
      { file: good, received: 1, stored: 1, updated: 0, unchanged: 0, rejected: 0, faults: [] },
      { file: table, error: expect.stringContaining('INVALID_INPUT') },
    ],
  });
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toContain('2 files could not be imported.');
});

test('reads folders, labels, confidence and times', async () => {
  const folder = join(temporary.path, 'folder');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'CAvtt.vtt'),
    'WEBVTT\n\n00:00.000 --> 00:02.000\n<v Anna>Good morning\n\n00:02.000 --> 00:03.000\n<v Guest>Hello\n',
  );
  writeFileSync(
    join(folder, 'table.csv'),
    'call_sid,phone_number,direction,transcript_text,transcript_confidence,duration_seconds,call_status,created_at\nCAcsv,,,"Guest: Hi\nAnna: Hello",,,,2026-09-02T00:00:00Z\n',
  );
  writeFileSync(join(folder, 'notes.txt'), 'nothing to import');
  const labels = ['--agent-label', 'Anna', '--agent-label', 'Berta', '--caller-label', 'Guest'];
  const { code, stdout } = await run(
    folder,
    ...labels,
    '--confidence',
    '0.9',
    '--created-at',
    '2026-08-31T10:00:00+02:00',
  );
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect(stdout).toMatch(/2 files in all +2 +2 +0 +0 +0\n/);
  expect(await storedCall('CAvtt')).toEqual({
    callSid: 'CAvtt',
    createdAt: '2026-08-31T08:00:00.000Z',
    transcriptConfidence: 0.9,
    turns: [
      { speaker: 'AGENT', text: 'Good morning' },
      { speaker: 'CALLER', text: 'Hello' },
    ],
  });
  expect(await storedCall('CAcsv')).toMatchObject({
    transcriptConfidence: 0.9,
    turns: [{ speaker: 'CALLER' }, { speaker: 'AGENT' }],
  });

  const empty = join(temporary.path, 'empty');
  mkdirSync(empty);
  const nothing = await run(empty);
  expect(nothing.code).toBe(1);
  expect(nothing.stdout).toContain('holds no .jsonl, .ndjson, .csv or .vtt file');
});

test('takes the format from --format where the name tells another, or none', async () => {
  const path = file('export.txt', call('from-text'));
  expect(await run(path, '--format', 'jsonl')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ 1 +1 +0 +0 +0\n/),
  });
});

test('shows the first faults of a bad file, and how many more there are', async () => {
  const path = file('bad.jsonl', ...Array.from({ length: 40 }, () => '[]'));
  const { code, stdout } = await run(path);
  expect(code).toBe(1);
  expect(stdout.match(/bad\.jsonl:\d+/g)).toHaveLength(5);
  expect(stdout).toContain('… and 35 more rejected');
});

test('imports training examples into a dataset', async () => {
  const datasetId = await newDataset(server.client, 'Imported examples');
  const path = file('examples.jsonl', example('Hello'), example('Good day'));
  const { code, stdout } = await run(path, '--examples', datasetId, '--auto-validate', '--json');
  expect(code).toBe(0);
  expect(lastJson(stdout)).toMatchObject({ received: 2, stored: 2 });
  const { dataset } = await server.client.run(DatasetState, { id: datasetId });
  expect(dataset).toEqual({ exampleCount: 2, validatedCount: 2 });

  const empty = file('empty.jsonl', example('Good morning'), example(''));
  const partly = await run(empty, '--examples', datasetId, '--json');
  expect(partly.code).toBe(1);
  expect(lastJson(partly.stdout)).toMatchObject({ stored: 1, rejected: 1, failed: 0 });

  const elsewhere = await run(path, '--examples', 'nonsense');
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stdout).toContain('must be the id of a Dataset');
});

test.runIf(process.platform === 'linux')(
  'does not hold a large file in memory',
  async () => {
    const long = 'x'.repeat(200_000);
    const path = join(temporary.path, 'large.jsonl');
    writeFileSync(path, '');
    // Lines that are rejected one by one: only the upload is put to the test.
    for (let part = 0; part < 6; part += 1) writeFileSync(path, `"${long}"\n`.repeat(100), { flag: 'a' });
    // Not resourceUsage().maxRSS: that begins with the size of the process that started it.
    const report =
      "import{readFileSync}from'node:fs';process.on('exit',()=>process.stderr.write(readFileSync('/proc/self/status')))";
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(report)}` };
    const { code, stdout, stderr } = await runCli(['import', '--url', server.url, path, '--json'], env);
    expect(code).toBe(1);
    // In kB: the program alone takes about 80 MB, the file is 120 MB.
    expect(Number(/VmHWM:\s+(\d+)/.exec(stderr)?.[1])).toBeLessThan(150_000);
    expect(lastJson(stdout)).toMatchObject({ received: 600, rejected: 600 });
  },
  60_000,
);
