/** Requests at a steady rate beside live subscribers, against a server in a process of its own. */
import { setTimeout as after } from 'node:timers/promises';
import { createClient } from './client.ts';
import { openFollowers } from './followers.ts';
import { createMix } from './mix.ts';
import { makeSubjects, type Subjects } from './subjects.ts';
import { openWorld, type World } from './world.ts';

export interface SoakOptions {
  seconds: number;
  /** How long requests are sent before any is counted. */
  warmUpSeconds: number;
  /** Requests a second. */
  rate: number;
  subscribers: number;
  /** A PostgreSQL server, on which a database is made and dropped; embedded without it. */
  databaseUrl: string | undefined;
  /** When to give up, and say where it hangs; some minutes more than the load takes unless said. */
  limitSeconds?: number;
  tell: (words: string) => void;
}

export interface SoakFigures {
  requests: number;
  errors: number;
  p50Ms: number;
  p99Ms: number;
  subscribers: number;
  missedChanges: number;
  rssStartMb: number;
  rssEndMb: number;
}

/** Of each tenant. */
const DATASETS = 2;
const LANES = 2;
/** How long everything beside the load may take: making what is asked about, and waiting for the last changes. */
const ASIDE_SECONDS = 300;
/** Memory is the median of so many readings, one a second: garbage comes and goes. */
const READINGS = 5;

export async function soak(options: SoakOptions): Promise<SoakFigures> {
  const world = await openWorld(options.databaseUrl);
  const progress: Progress = { stage: 'making datasets' };
  const limit = new AbortController();
  try {
    return await Promise.race([soakIn(world, options, progress), overdue(options, progress, limit.signal)]);
  } finally {
    limit.abort();
    await world.close();
  }
}

/** Where a soak is, for whoever asks why it does not end. */
interface Progress {
  stage: string;
  /** What is waited for besides. */
  left?: () => Promise<string[]>;
}

async function overdue(
  { warmUpSeconds, seconds, limitSeconds = warmUpSeconds + seconds + ASIDE_SECONDS }: SoakOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<never> {
  await after(limitSeconds * 1000, undefined, { signal });
  const left = (await progress.left?.().catch((error) => [`and the server does not tell: ${error}`])) ?? [];
  throw new Error([`Not over after ${limitSeconds} s, while ${progress.stage}.`, ...left].join('\n  '));
}

async function soakIn(
  world: World,
  { seconds, warmUpSeconds, rate, subscribers, tell }: SoakOptions,
  progress: Progress,
): Promise<SoakFigures> {
  const clients = world.tenants.map((tenant) => createClient(world.url, tenant));
  const subjects: Subjects = { growing: [], lanes: [] };
  for (const client of clients) {
    const { growing, lanes } = await makeSubjects(client, DATASETS, LANES);
    subjects.growing.push(...growing);
    subjects.lanes.push(...lanes);
  }
  let errors = 0;
  const onError = (error: unknown): void => {
    errors += 1;
    tell(`  error: ${error instanceof Error ? error.message : String(error)}`);
  };
  progress.stage = 'opening subscriptions';
  const followers = await openFollowers(subjects, subscribers, onError);
  const mix = createMix(subjects, clients, followers, onError);
  progress.stage = 'sending requests';
  progress.left = () => mix.runsLeft();
  tell(`${subscribers} subscribers follow; ${rate} requests a second, counted after ${warmUpSeconds} s.`);

  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  const counted = began + warmUpSeconds * 1000;

  /** Latency runs from when the request was due: one that is sent late because the server was slow has waited, too. */
  async function send(due: number): Promise<void> {
    try {
      await mix.next()();
    } catch (error) {
      onError(error);
    }
    if (due >= counted) latencies.push(performance.now() - due);
  }

  const readings: number[] = [];
  async function readMemory(): Promise<void> {
    const rss = await world.rssMb();
    readings.push(rss);
    if (readings.length % 5 > 0) return;
    const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
    tell(
      `${String(readings.length).padStart(5)} s  ${latencies.length} requests, p50 ${p50} ms, p99 ${p99} ms, ` +
        `${errors} errors, ${followers.missed()} missed, ${rss} MB`,
    );
  }
  const reading = setInterval(() => {
    if (performance.now() >= counted) readMemory().catch(onError);
  }, 1_000);

  try {
    const total = Math.round((warmUpSeconds + seconds) * rate);
    for (let n = 0; n < total; n += 1) {
      const due = began + (n * 1000) / rate;
      const early = due - performance.now();
      if (early > 0) await after(early);
      const sent = send(due).finally(() => underWay.delete(sent));
      underWay.add(sent);
    }
    progress.stage = 'waiting for the last answers';
    await Promise.all(underWay);
    clearInterval(reading);
    progress.stage = 'waiting for runs to be over';
    await mix.runsOver();
    progress.stage = 'waiting for changes of datasets';
    await followers.settled();
    if (readings.length === 0) readings.push(await world.rssMb());
  } finally {
    clearInterval(reading);
    await followers.close();
  }
  return {
    requests: latencies.length,
    errors,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    subscribers: followers.count,
    missedChanges: followers.missed(),
    rssStartMb: percentile(readings.slice(0, READINGS), 50),
    rssEndMb: percentile(readings.slice(-READINGS), 50),
  };
}

/** The value that `percent` of the values are not above, to a tenth. */
export function percentile(values: number[], percent: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  const at = Math.max(0, Math.ceil((ordered.length * percent) / 100) - 1);
  return Math.round((ordered[at] ?? 0) * 10) / 10;
}
