/**
 * How long it takes to ask about all running jobs of a provider that is 100 ms away, and to write down what has changed,
 * against no more than reading the provider's list.
 */
import { z } from 'zod';
import type { Database } from '../src/db/database.ts';
import { providersOf } from '../src/providers.ts';
import { createOpenAiProvider } from '../src/services/providers/openai.ts';
import type { Provider } from '../src/services/providers/port.ts';
import { createRunLease } from '../src/services/runLease.ts';
import { createRunPoller, type RunPoller } from '../src/services/runPoller.ts';
import {
  firstRound,
  growthOf,
  median,
  sizesAt,
  type Benchmark,
  type BenchOptions,
  type Figure,
} from './frame.ts';
import { jobId, PAUSED_OF } from './pollProvider.ts';
import { makeDataset, only, settle } from './seed.ts';
import { makeRunningRuns } from './seedRuns.ts';
import { withWorld } from './world.ts';

const SIZES = { poll: 1_000, poll10000: 10_000 };
/** Runs at least. */
const LEAST = 20;
/** In milliseconds. */
const AWAY = 100;
/** Of the list's own time. */
const GOAL = 1.2;
/** Of the processor, in milliseconds for 1,000 runs. */
const CPU_GOAL = 60;
const LIST_PAGE = 100;
const NEVER = new AbortController().signal;

export const poll: Benchmark = {
  name: 'poll',
  group: 'server',
  needsServer: true,
  growsItself: true,
  async run(options) {
    const figures: Figure[] = [];
    for (const { name, size } of sizesAt(options.scale, SIZES, 10 * LEAST)) {
      // Ten times as many take ten times as long, and differ less from round to round; the first round warms up.
      const rounds = figures.length === 0 ? options.rounds : Math.min(options.rounds, 2);
      figures.push(await measure(name, Math.max(LEAST, size), { ...options, rounds }));
    }
    const [small, large] = figures;
    if (!small || !large) return figures;
    return [small, { ...large, growth: growthOf(large, small) }];
  },
};

interface Round {
  seconds: number;
  listSeconds: number;
  cpuMs: number;
  ticks: number;
  neverAsked: number;
}

async function measure(name: string, runs: number, options: BenchOptions): Promise<Figure> {
  const since = new Date();
  since.setMilliseconds(0);
  return withWorld(options, async (world) => {
    const entry = new URL('pollProvider.ts', import.meta.url);
    const { url } = await world.startPeer(entry, [String(runs), String(AWAY), String(since.getTime())]);
    options.tell(`${name}: ${runs} running jobs, the provider ${AWAY} ms away`);
    const { id: tenantId } = await world.addTenant('Bench');
    const datasetId = await makeDataset(world.sql, tenantId, 'Calls');
    const jobs = Array.from({ length: runs }, (_, n) => jobId(n));
    await makeRunningRuns(world.sql, { tenantId, datasetId, jobs, since });
    await settle(world.sql);
    return race(name, runs, url, world.db, options.rounds);
  });
}

async function race(name: string, runs: number, url: string, db: Database, rounds: number): Promise<Figure> {
  const provider = createOpenAiProvider({
    name: 'openai',
    description: 'A provider far away.',
    apiKey: 'bench',
    baseURL: url,
  });
  const lease = createRunLease({ db });
  const poller = createRunPoller({ db, providers: providersOf(provider), lease, onError: fail });
  const counted: Round[] = [];
  for (let round = firstRound(rounds); round <= rounds; round += 1) {
    await fetch(`${url}/paused`, { method: 'PUT', body: String(round % PAUSED_OF) });
    const began = performance.now();
    await readList(provider, runs);
    const listSeconds = (performance.now() - began) / 1000;
    const before = process.cpuUsage();
    const start = performance.now();
    const { ticks, neverAsked } = await pollAll(poller, db, runs);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    await checkStatuses(db, runs, round % PAUSED_OF, neverAsked);
    const cpuMs = (user + system) / 1000 / (runs / 1000);
    if (round > 0) counted.push({ seconds, listSeconds, cpuMs, ticks, neverAsked });
  }
  const middle = (what: keyof Round) => median(counted.map((one) => one[what]));
  const [ours, limit, cpuMs, neverAsked] = [
    middle('seconds'),
    middle('listSeconds'),
    middle('cpuMs'),
    middle('neverAsked'),
  ];
  const requests = askedSchema.parse(await (await fetch(`${url}/asked`)).json());
  return {
    name,
    unit: 's',
    ours,
    limit,
    peer: null,
    goal: `${GOAL} times the list, ${CPU_GOAL} ms of the processor for 1,000 runs`,
    reached: ours <= GOAL * limit && cpuMs <= CPU_GOAL && neverAsked === 0,
    work: runs,
    also: { cpuMsFor1000: cpuMs, ticks: middle('ticks'), neverAsked, runs, eventRequests: requests.events },
  };
}

const askedSchema = z.object({ lists: z.int(), events: z.int(), jobs: z.int() });

/** What cannot be passed: the list, page after page. */
async function readList(provider: Provider, runs: number): Promise<void> {
  let after: string | null = null;
  let found = 0;
  for (;;) {
    const page = await provider.listJobs({ after, limit: LIST_PAGE }, NEVER);
    found += page.jobs.length;
    after = page.jobs.at(-1)?.id ?? null;
    if (!page.hasMore) break;
  }
  if (found !== runs) throw new Error(`The list has ${found} jobs, not ${runs}`);
}

/** Has the poller go on until each run was asked about, or until it comes to none that was not. */
async function pollAll(
  poller: RunPoller,
  db: Database,
  runs: number,
): Promise<{ ticks: number; neverAsked: number }> {
  const { began } = only(
    await db.asSystem((tx) => tx.$queryRaw<{ began: Date }[]>`SELECT clock_timestamp() AS began`),
  );
  let left = runs;
  for (let ticks = 1; ; ticks += 1) {
    await poller.pollActiveRuns(NEVER);
    const { count } = only(
      await db.asSystem(
        (tx) => tx.$queryRaw<{ count: number }[]>`SELECT count(*)::int AS count FROM finetuning_training_runs
          WHERE last_polled_at IS NULL OR last_polled_at < ${began}`,
      ),
    );
    if (count === 0 || count === left) return { ticks, neverAsked: count };
    left = count;
  }
}

/** Throws unless the runs that were asked about stand where their jobs do. */
async function checkStatuses(db: Database, runs: number, paused: number, neverAsked: number): Promise<void> {
  const rows = await db.asSystem(
    (tx) => tx.$queryRaw<{ id: string; status: string }[]>`
      SELECT provider_job_id AS id, status::text FROM finetuning_training_runs`,
  );
  const wrong = rows.filter(({ id, status }) => {
    const isPaused = Number(id.slice(jobId(0).indexOf('-') + 1)) % PAUSED_OF === paused;
    return status !== (isPaused ? 'PAUSED' : 'RUNNING');
  });
  if (rows.length !== runs || wrong.length > neverAsked)
    throw new Error(`${wrong.length} of ${rows.length} runs do not stand where their jobs do`);
}

function fail(error: unknown): never {
  throw error;
}
