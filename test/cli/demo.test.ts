import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleCalls } from '../../src/cli/sampleCalls.ts';
import { callsOfCsv, callsOfJsonl, callsOfVtt, expectedOf } from './reference.ts';
import {
  lastJson,
  runCli,
  sharedData,
  startCli,
  startCliServer,
  temporaryDirectory,
  type CliServer,
} from './support.ts';

const LONG = 180_000;
const temporary = temporaryDirectory();
let server: CliServer;

beforeAll(async () => {
  server = await startCliServer();
}, LONG);
afterAll(async () => {
  await server.close();
  temporary.remove();
});

/** The shape of what `--json` prints, with the counts that must be in it. */
function resultWith({ calls, considered, examples }: ReturnType<typeof expectedOf>) {
  return {
    calls,
    considered,
    examples,
    validated: examples,
    exportId: expect.any(String),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    bytes: expect.any(Number),
    run: {
      id: expect.any(String),
      status: 'SUCCEEDED',
      model: expect.stringMatching(/^ft:sandbox-small.*:demo:/),
      trainedTokens: expect.any(Number),
      costUsd: expect.any(Number),
    },
  };
}

/** What README's excerpt of a run says of loss, steps, tokens, price and the question, line by line. */
function shownInReadme(): string[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const excerpt = /```text\n(.*? SUCCEEDED: .*?)```/s.exec(readme)?.[1] ?? '';
  const lines = excerpt.split('\n').map((line) => line.trim());
  const shown = lines.filter((line) => /SUCCEEDED: the loss|tokens trained|^caller |^model  /.test(line));
  expect(shown).toHaveLength(4);
  return shown;
}

test(
  'goes the whole way with its own sample, whatever the environment says, and leaves nothing behind',
  async () => {
    const env = {
      TMPDIR: temporary.path,
      OPENAI_API_KEY: 'sk-not-to-be-used',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
    };
    const { code, stdout, stderr } = await runCli(['demo', '--json', '--speed', '1000'], env);
    expect(stderr).toContain('OPENAI_API_KEY is not used here');
    expect(code).toBe(0);
    const text = sampleCalls()
      .map((call) => JSON.stringify(call))
      .join('\n');
    expect(lastJson(stdout)).toEqual(resultWith(expectedOf(callsOfJsonl(text))));
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    for (let step = 1; step <= 9; step += 1) expect(stderr).toContain(`${step}/9`);
    for (const operation of [
      'createDataset',
      'collectExamples',
      'validateExamples',
      'preflight',
      'costEstimate',
      'exportDataset',
      'launchTrainingRun',
      'trainingRunUpdated',
      'askModel',
    ])
      expect(stderr).toContain(operation);
    expect(stderr).toContain('sandbox: nothing is charged');
    // The training goes by a seed, so that every run of the sample says what README shows of one.
    for (const shown of shownInReadme()) expect(stderr).toContain(shown);
    expect(stderr).not.toContain('\u{1B}');
    expect(readdirSync(temporary.path)).toEqual([]);
    // Its own dataset is gone; the tabs that it speaks of make this one.
    const [, hinted] = /npx tunesmith report "([^"]+)"/.exec(stderr) ?? [];
    const step = readFileSync(new URL('../../examples/1-create.graphql', import.meta.url), 'utf8');
    expect(step).toContain(`name: "${hinted}"`);
  },
  LONG,
);

test(
  'takes calls from JSON lines',
  async () => {
    const path = sharedData('calls.jsonl');
    const args = ['demo', '--json', '--speed', '1000', '--calls', path, '--max-examples', '100000'];
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const expected = expectedOf(callsOfJsonl(readFileSync(path, 'utf8')));
    expect(expected).toEqual({ calls: 1302, considered: 773, examples: 5245 });
    expect(lastJson(stdout)).toEqual(resultWith(expected));
  },
  LONG,
);

test(
  'takes calls from a folder of WebVTT files and from a table, on another server',
  async () => {
    const folder = sharedData('vtt');
    const args = ['demo', '--json', '--url', server.url, '--calls'];
    const unsure = await runCli([...args, folder]);
    expect(unsure).toMatchObject({ code: 1, stdout: '' });
    expect(unsure.stderr).toContain('20 stored');
    expect(unsure.stderr).toContain('Say how well they were understood, for example with --confidence 0.9.');

    const sure = await runCli([...args, folder, '--confidence', '0.9']);
    expect(sure).toMatchObject({ code: 0 });
    expect(sure.stderr).toContain('20 updated');
    const spoken = callsOfVtt(folder, 0.9);
    expect(lastJson(sure.stdout)).toEqual(resultWith(expectedOf(spoken)));
    const [, hint = ''] = /npx tunesmith (report \S+ --url \S+)/.exec(sure.stderr) ?? [];
    const report = await runCli(hint.split(' '));
    expect(report).toMatchObject({ code: 0, stdout: expect.stringContaining('Telephone agent') });
    expect(`${sure.stderr}${report.stdout}`).not.toMatch(/\b1 (times|epochs|examples|tokens|groups|lines)\b/);

    const path = sharedData('calls-flat.csv');
    const tabled = await runCli([...args, path, '--max-examples', '100000']);
    expect(tabled).toMatchObject({ code: 0 });
    const table = callsOfCsv(path);
    const both = new Map([...spoken, ...table].map((call) => [call.sid, call]));
    expect(lastJson(tabled.stdout)).toEqual(
      resultWith({ ...expectedOf([...both.values()]), calls: table.length }),
    );
  },
  LONG,
);

const call = (sid: string, more: object) =>
  JSON.stringify({ call_sid: sid, created_at: '2026-09-01T09:00:00Z', ...more });

test(
  'says why no example was collected: every reason, the biggest first',
  async () => {
    const path = join(temporary.path, 'short.jsonl');
    const turns = [
      { speaker: 'caller', text: 'Hello?' },
      { speaker: 'agent', text: 'Yes?' },
    ];
    writeFileSync(
      path,
      [
        call('1', { turns, transcript_confidence: 0.9 }),
        call('2', { turns, transcript_confidence: 0.9 }),
        call('3', { turns }),
      ].join('\n'),
    );
    const { code, stderr } = await runCli(['demo', '--json', '--calls', path]);
    rmSync(path);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'No example was collected: 2 exchanges are too short to learn from, 1 call without a confidence. Say how well',
    );
  },
  LONG,
);

test('launches only where nothing is charged', async () => {
  const asked: string[] = [];
  const costly = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify({ data: { providers: [{ name: 'openai' }] } }));
  });
  await new Promise<void>((resolve) => costly.listen(0, '127.0.0.1', resolve));
  const address = costly.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { code, stderr } = await runCli(['demo', '--url', `http://127.0.0.1:${port}`]);
  await new Promise((resolve) => costly.close(resolve));
  expect(code).toBe(1);
  expect(stderr).toContain('trains with openai, which charges');
  expect(asked).toEqual(['/graphql']);
});

test(
  'cleans up when it is interrupted',
  async () => {
    const demo = startCli(['demo'], { TMPDIR: temporary.path });
    await demo.printed(/8\/9/);
    expect(readdirSync(temporary.path)).toHaveLength(1);
    demo.process.kill('SIGINT');
    expect(await demo.ended).toMatchObject({ code: 130, stderr: '' });
    expect(readdirSync(temporary.path)).toEqual([]);
  },
  LONG,
);
