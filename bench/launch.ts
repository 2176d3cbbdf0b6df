/** How soon the launch of a training run on 100,000 examples is answered. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import type { Client } from '../soak/client.ts';
import { Cancel, Launch } from '../soak/documents.ts';
import { percentile } from '../soak/soak.ts';
import type { Benchmark, BenchOptions, Figure } from './frame.ts';
import { makeExamples, settle } from './seed.ts';
import { ExportDataset } from './serverDocuments.ts';
import { clientOf } from './client.ts';
import { withWorld, type World } from './world.ts';

const EXAMPLES = 100_000;
/** For each round that is asked for. */
const LAUNCHES = 40;
/** In milliseconds. */
const GOAL = 100;
const BASE_MODEL = 'gpt-4.1-mini-2025-04-14';
/** Launches that do not count. */
const WARM_UP = 10;

export const launch: Benchmark = {
  name: 'launch',
  group: 'server',
  needsServer: true,
  run: async (options) => [await withWorld(options, (world) => measure(world, options))],
};

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure> {
  const tenant = await world.addTenant('Bench');
  const examples = Math.round(EXAMPLES * scale);
  tell(`launch: making ${examples} examples`);
  const made = { tenantId: tenant.id, seed, count: examples, name: 'Examples', answer: 4 };
  const datasetId = encodeGlobalID('Dataset', await makeExamples(world.sql, made));
  await settle(world.sql);
  const server = await world.startProduct('server', await world.startProvider());
  const client = clientOf(server.url, tenant);
  // Runs on the same examples share one export: what writing it costs is measured elsewhere.
  await client.ask(ExportDataset, { input: { datasetId } });
  const launches = LAUNCHES * rounds;
  tell(`launch: ${launches} times`);
  const waits: number[] = [];
  for (let n = 0; n < WARM_UP + launches; n += 1) {
    const wait = await launchOnce(client, datasetId);
    if (n >= WARM_UP) waits.push(wait);
  }
  const p99 = percentile(waits, 99);
  return {
    name: 'launch',
    unit: 'ms',
    ours: p99,
    limit: null,
    peer: null,
    goal: `p99 within ${GOAL} ms`,
    reached: p99 <= GOAL,
    peakMemoryMb: server.peakMb(),
    also: { p50Ms: percentile(waits, 50), maxMs: percentile(waits, 100), launches },
  };
}

/** How long the answer took, in milliseconds. The run is cancelled, since what becomes of it is measured elsewhere. */
async function launchOnce(client: Client, datasetId: string): Promise<number> {
  const began = performance.now();
  const { launchTrainingRun: run } = await client.ask(Launch, {
    input: { datasetId, baseModel: BASE_MODEL },
  });
  const took = performance.now() - began;
  if (!('id' in run)) throw new Error(`The launch was refused: ${run.message}`);
  await client.ask(Cancel, { id: run.id });
  return took;
}
