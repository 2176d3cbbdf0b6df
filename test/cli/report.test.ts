import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { reportLines } from '../../src/cli/reportScreen.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import { widthOf } from '../../src/cli/terminalText.ts';
import { addExamples, example } from '../support/calls.ts';
import { newDataset, runCli, startCliServer, type CliServer } from './support.ts';

let server: CliServer;
let datasetId: string;

beforeAll(async () => {
  server = await startCliServer();
  datasetId = await newDataset(server.client, 'Lamps & shades');
  await addExamples(
    server.client,
    datasetId,
    [example('One?', 'Yes', 0.5), example('Two?', 'No', 0.95)],
    true,
  );
}, 120_000);
afterAll(() => server.close());

test('draws the report of a dataset, by its name or its id', async () => {
  const { code, stdout, stderr } = await runCli(['report', 'Lamps & shades', '--url', server.url]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^Lamps & shades\n {2}2 examples \(2 added by hand\) · \d+ tokens without system\s+prompts · not exported yet\n/,
  );
  expect(stdout).toMatch(/\nState\n {2}validated {2}━+ {2}2 100%\n {2}undecided {2}─+ {2}0 {3}0%\n/);
  expect(stdout).toMatch(/\nQuality\n {2}0\.5 to 0\.6 .* 1 {2}50%\n/);
  expect(stdout).toMatch(/\nNear-duplicates\n {2}not looked for yet\n/);
  expect(stdout).toMatch(/\nSplit\n {2}no export has a validation file yet\n/);
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
    / Cost of training \$\d\S* for sandbox-\S+ at sandbox: 28 tokens an epoch \(of validated examples, with system prompts\), 25 epochs, the price as of \d{4}-\d\d-\d\d\. .* What next /,
  );
  expect(stdout).toMatch(
    /\nWhat next\n {2}1\. Nobody has looked for near-duplicates yet: find them\.\n {5}mutation { findDuplicates/,
  );
  expect(stripVTControlCharacters(stdout)).toBe(stdout);
  const byId = await runCli(['report', datasetId, '--url', server.url]);
  // Until then: the search for personal data goes on meanwhile.
  const [upTo] = stdout.split('Personal data');
  expect(byId.stdout.split('Personal data')[0]).toBe(upTo);
}, 60_000);

test('gives the same as JSON', async () => {
  const { code, stdout } = await runCli(['report', 'Lamps & shades', '--json', '--url', server.url]);
  expect(code).toBe(0);
  const shape = z.object({
    id: z.string(),
    report: z.object({ counts: z.object({ validated: z.number() }) }),
  });
  expect(shape.parse(JSON.parse(stdout))).toMatchObject({
    id: datasetId,
    report: { counts: { validated: 2 } },
  });
}, 60_000);

test('says what is wrong: no such dataset, no server, no argument', async () => {
  for (const wanted of ['Shades', 'RGF0YXNldDo=', datasetId.slice(0, -4)]) {
    const unknown = await runCli(['report', wanted, '--url', server.url]);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain(
      `There is no dataset called "${wanted}", nor with that id. The newest are "Lamps & shades".`,
    );
  }
  await newDataset(server.client, 'Rot \u001B[31m\u0007');
  const steering = await runCli(['report', 'Sha\u001B[2Jdes', '--url', server.url]);
  expect(steering.stderr).toContain('called "Sha [2Jdes", nor with that id. The newest are "Rot  [31m "');
  expect(stripVTControlCharacters(steering.stderr)).toBe(steering.stderr);
  const away = await runCli(['report', 'Shades', '--url', 'http://127.0.0.1:1']);
  expect(away).toMatchObject({ code: 1, stdout: '' });
  expect(away.stderr).toContain('No server answers at http://127.0.0.1:1');
  expect(await runCli(['report'])).toMatchObject({ code: 2 });
}, 60_000);

const bars = (...counts: number[]) => ({
  count: counts.reduce((sum, count) => sum + count, 0),
  mean: 12.345,
  bins: counts.map((count, index) => ({
    from: index * 1000,
    to: index === counts.length - 1 ? null : index * 1000 + 1000,
    count,
  })),
});

test.each([40, 60, 80, 200])('no line is longer than %d columns, and an operation is whole', (width) => {
  const operation = `mutation { findDuplicates(input: { datasetId: "${'x'.repeat(90)}" }) { __typename } }`;
  const counts = { total: 123_456, validated: 100_000, rejected: 456, undecided: 23_000 };
  const lines = reportLines(
    {
      id: 'x',
      name: 'A name that is rather long, longer than any terminal that is as narrow as this one',
      personalDataPolicy: 'REDACT',
      report: {
        counts,
        bySource: [{ source: 'CALL', counts }],
        tokens: bars(0, 0, 5, 1000),
        totalTokens: 98_765_432,
        uncountedTokens: 0,
        quality: bars(),
        unrated: 3,
        messagesPerExample: bars(1, 2, 3),
        questionLength: bars(99_999),
        answerLength: bars(1, 99_999),
        topics: {
          top: [{ topic: 'ein Thema, über das viele reden 🎉 '.repeat(3), examples: 5 }],
          otherTopics: 7,
          otherExamples: 8,
          withoutTopic: 9,
        },
        duplicates: {
          foundAt: '2026-09-01T09:00:00Z',
          threshold: 0.85,
          groups: 2,
          examples: 5,
          openGroups: 1,
          changedSince: 3,
        },
        personalData: {
          scanned: 5,
          unscanned: 2,
          examplesWithFindings: 1,
          byKind: [{ kind: 'EMAIL', examples: 1 }],
        },
        latestExport: { id: 'x', exampleCount: 5, createdAt: '2026-09-01T09:00:00Z' },
        latestSplit: {
          exampleCount: 90_000,
          validationExampleCount: 10_000,
          createdAt: '2026-09-01T09:00:00Z',
          split: { validationShare: 0.1, seed: 2_147_483_647, groupBy: 'PHONE_NUMBER' },
        },
        estimate: {
          provider: 'openai',
          baseModel: 'gpt-4.1-mini-2025-04-14',
          tokens: 98_765_432,
          epochs: { lower: 1, expected: 3, upper: 25 },
          costUsd: { lower: 493.83, expected: 1481.48, upper: 12_345.68 },
          priceAsOf: '2026-09-01',
          priceSource: 'https://example.com/a/page/with/prices/that/has/a/long/address/of/its/own',
        },
        next: [
          {
            code: 'FIND_DUPLICATES',
            message: 'Do this and that, for a reason that takes a few words to tell.',
            operation,
          },
        ],
      },
    },
    {
      width,
      style: openTerminal({ write: () => true, isTTY: true }, { TERM: 'xterm' }).style,
      now: new Date(),
    },
  ).map((line) => stripVTControlCharacters(line));
  expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
  expect(lines.join('').replaceAll(/\s/g, '')).toContain(operation.replaceAll(/\s/g, ''));
});
