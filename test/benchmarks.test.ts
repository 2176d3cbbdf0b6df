import { expect, test } from 'vitest';
import { BENCHMARKS } from '../bench/benchmarks.ts';

const databaseUrl = process.env['TEST_DATABASE_URL'];

/**
 * Each checks by itself that all contenders come to the same result, peers of `reads` included where they are installed.
 * How fast they are is nothing a test can tell.
 */
test.skipIf(databaseUrl === undefined).each([
  ['collect', ['collect', 'collectUncounted']],
  ['import', ['import', 'importCsv']],
  ['export', ['export', 'exportHttp']],
  [
    'reads',
    ['readsDataset', 'readsPage', 'readsRun', 'readsReview', 'readsName', 'readsTiny', 'readsGrowth'],
  ],
  ['fanout', ['fanout', 'fanoutEventStream']],
  ['poll', ['poll']],
  ['launch', ['launch']],
  ['start', ['start', 'startEmbedded', 'startEmbeddedNew']],
  ['embedded', ['embedded']],
])(
  '%s is measured on a server, and its contenders come to the same',
  async (name, names) => {
    const benchmark = BENCHMARKS.find((one) => one.name === name);
    const figures = await benchmark?.run({
      scale: 0.001,
      seed: 1,
      rounds: 1,
      databaseUrl,
      tell: () => undefined,
    });
    expect(figures?.map((figure) => figure.name)).toEqual(expect.arrayContaining(names));
    for (const { ours } of figures ?? []) expect(ours).toBeGreaterThan(0);
  },
  300_000,
);
