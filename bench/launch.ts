/** How soon the launch of a training run on 100,000 examples is answered. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import { Cancel, Launch } from '../soak/documents.ts';
import { percentile } from '../soak/soak.ts';
import type { Benchmark, BenchOptions, Figure } from './frame.ts';
import { makeExamples } from './serverData.ts';
import { ExportDataset } from './serverDocuments.ts';
import { withWorld, type World, type WorldTenant } from './world.ts';

const EXAMPLES = 100_000;
/** For each round that is asked for. */
const LAUNCHES = 40;
/** In milliseconds. */
const GOAL = 100;
const BASE_MODEL = 'sandbox-small';

export const launch: Benchmark = {
  name: 'launch',
  group: 'server',
  needsServer: true,
  run: async (options) => [await withWorld(options, 1, (world) => measure(world, options))],
};

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure> {
  const [tenant] = world.tenants;
  if (!tenant) throw new Error('There is no tenant');
  const examples = Math.round(EXAMPLES * scale);
  const datasets = { small: Math.round(examples / 10), large: examples };
  const waits: Record<keyof typeof datasets, number[]> = { small: [], large: [] };
  const ids: Record<keyof typeof datasets, string> = { small: '', large: '' };
  for (const size of ['small', 'large'] as const) {
    const data = { tenantId: tenant.id, seed, count: datasets[size], name: size };
    ids[size] = encodeGlobalID('Dataset', await makeExamples(world.sql, data));
    // Runs on the same examples share one export: what writing it costs is measured elsewhere.
    await tenant.client.ask(ExportDataset, { input: { datasetId: ids[size] } });
  }
  const launches = LAUNCHES * rounds;
  tell(`launch: ${launches} on ${datasets.small} and on ${datasets.large} examples, in turns`);
  for (let n = -10; n < launches; n += 1) {
    for (const size of ['small', 'large'] as const) {
      const wait = await launchOnce(tenant, ids[size]);
      if (n >= 0) waits[size].push(wait);
    }
  }
  const p99 = percentile(waits.large, 99);
  return {
    name: 'launch',
    unit: 'ms',
    ours: p99,
    limit: null,
    peer: null,
    goal: `p99 within ${GOAL} ms`,
    reached: p99 <= GOAL,
    peakMemoryMb: await world.peakMb(),
    also: {
      p50Ms: percentile(waits.large, 50),
      maxMs: percentile(waits.large, 100),
      launches,
      timesATenth: percentile(waits.large, 50) / percentile(waits.small, 50),
    },
  };
}

/** How long the answer took, in milliseconds. The run is cancelled, since what becomes of it is measured elsewhere. */
async function launchOnce({ client }: WorldTenant, datasetId: string): Promise<number> {
  const began = performance.now();
  const { launchTrainingRun: run } = await client.ask(Launch, {
    input: { datasetId, baseModel: BASE_MODEL },
  });
  const took = performance.now() - began;
  if (!('id' in run)) throw new Error(`The launch was refused: ${run.message}`);
  await client.ask(Cancel, { id: run.id });
  return took;
}
