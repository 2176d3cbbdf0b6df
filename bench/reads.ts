/**
 * The dashboard's questions, in requests a second at 16 connections: the built server as it ships, behind a key, with its
 * tenancy and limits, against bare SQL behind node:http and against what others would take, which look after no tenants.
 */
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { variables } from '../src/variables.ts';
import { firstRound, median, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import type { ServerProcess } from './processes.ts';
import { seedReads, type Seeded } from './readsData.ts';
import { growthOfReads } from './readsGrowth.ts';
import { plain, QUESTIONS, requestsOf, type Language, type Question } from './readsQuestions.ts';
import { openLoadProcess, type LoadProcess } from './requests.ts';
import { withWorld, type Tenant, type World } from './world.ts';

export const CONNECTIONS = 16;
const POOL_SIZE = 10;
const LARGEST = 1_000_000;
/** Of PostGraphile's requests a second. */
const GOAL = 1.3;
const CACHED_GOAL = 3;

interface Contender {
  name: string;
  language: Language;
  path: string;
  headers: Record<string, string>;
  server: ServerProcess;
}

interface Speed {
  perSecond: number;
  p99Ms: number;
  /** Of the server's processor, a request. */
  cpuUs: number;
}

export const reads: Benchmark = {
  name: 'reads',
  group: 'server',
  needsServer: true,
  growsItself: true,
  run: (options) => withWorld(options, (world) => measure(world, options)),
};

async function measure(world: World, options: BenchOptions): Promise<Figure[]> {
  const { scale, seed, tell } = options;
  const tenant = await world.addTenant('Bench');
  const largest = Math.max(1000, Math.round(LARGEST * scale));
  tell(`reads: filling the database, one dataset with ${largest} examples`);
  const seeded = await seedReads(world.sql, tenant.id, { seed, largest });
  const contenders = await startAll(world, tenant, tell);
  const load = openLoadProcess();
  world.later(() => load.close());
  const figures: Figure[] = [];
  for (const question of QUESTIONS) {
    tell(`reads: ${question}, ${contenders.map(({ name }) => name).join(', ')} in turns`);
    await checkAlike(contenders, question, seeded);
    figures.push(
      ...figuresOf(question, contenders, await raceAll(contenders, load, question, seeded, options)),
    );
  }
  const ours = contenders.find(({ name }) => name === 'ours');
  if (ours) figures.push(await growthOfReads(ours.server, ours.headers, seeded, options));
  return figures;
}

async function startAll(world: World, tenant: Tenant, tell: BenchOptions['tell']): Promise<Contender[]> {
  const { databaseUrl } = world;
  const contenders: Contender[] = [];
  async function addOurs(name: string, env: Record<string, string>): Promise<void> {
    const server = await world.startProduct(name, env);
    contenders.push({ name, language: 'ours', path: '/graphql', headers: { ...tenant.headers }, server });
  }
  async function addPeer(name: Language, entry: string, execPath?: string): Promise<void> {
    const args = [databaseUrl, String(POOL_SIZE)];
    const server = await world.startPeer(new URL(entry, import.meta.url), args, execPath);
    contenders.push({ name, language: name, path: '', headers: {}, server });
  }

  const hasCache = Object.hasOwn(variables, 'RESPONSE_CACHE');
  await addOurs('ours', hasCache ? { RESPONSE_CACHE: 'off' } : {});
  if (hasCache) await addOurs('cached', { RESPONSE_CACHE: 'memory' });
  else tell('reads: left out the response cache, which there is not yet');
  await addPeer('limit', 'readsLimit.ts');
  if (!existsSync(new URL('peers/node_modules', import.meta.url))) {
    tell('reads: left out PostGraphile and Mercurius; npm ci --prefix bench/peers installs them');
    return contenders;
  }
  await addPeer('mercurius', 'peers/mercurius.mjs');
  const node = nodeForPostgraphile();
  if (node === undefined) tell('reads: left out PostGraphile, which needs Node 22 or later');
  else await addPeer('postgraphile', 'peers/postgraphile.mjs', node);
  return contenders;
}

/** A Node of 22 or later: the one that runs this, or the one that is installed with the peers. */
function nodeForPostgraphile(): string | undefined {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const packaged = new URL(
    `peers/node_modules/node-${process.platform}-${process.arch}/bin/node`,
    import.meta.url,
  );
  return existsSync(packaged) ? packaged.pathname : undefined;
}

/** Throws unless all tell the same, of each dataset or run that is asked for. */
async function checkAlike(contenders: Contender[], question: Question, seeded: Seeded): Promise<void> {
  const expected = new Map<number, { by: string; data: unknown }>();
  for (const contender of contenders) {
    const requests = requestsOf(contender.language, question, seeded, CONNECTIONS);
    for (const [n, body] of requests.entries()) {
      const data = plain(await askOnce(contender, body));
      const first = expected.get(n) ?? { by: contender.name, data };
      expected.set(n, first);
      if (!isDeepStrictEqual(data, first.data)) {
        throw new Error(`${contender.name} and ${first.by} answer ${question} differently:
${JSON.stringify(data).slice(0, 1500)}
${JSON.stringify(first.data).slice(0, 1500)}`);
      }
    }
  }
}

const answered = z.object({ data: z.record(z.string(), z.unknown()), errors: z.undefined().optional() });

async function askOnce({ server, path, headers }: Contender, body: string): Promise<unknown> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const said: unknown = await response.json();
  const good = answered.safeParse(said);
  if (!good.success) throw new Error(`${body} was answered with ${JSON.stringify(said)}`);
  return good.data.data;
}

/** The medians of each contender, by name. They take turns, one round to warm up. */
async function raceAll(
  contenders: Contender[],
  load: LoadProcess,
  question: Question,
  seeded: Seeded,
  { scale, rounds }: BenchOptions,
): Promise<Map<string, Speed>> {
  const milliseconds = Math.min(2000, Math.max(20, 5000 * scale));
  const speeds = new Map<string, Speed[]>(contenders.map(({ name }) => [name, []]));
  for (let round = firstRound(rounds); round <= rounds; round += 1) {
    for (const { name, language, path, headers, server } of contenders) {
      const bodies = requestsOf(language, question, seeded, CONNECTIONS);
      const before = server.cpuSeconds();
      const url = server.url + path;
      const order = { url, headers, bodies, connections: CONNECTIONS };
      const { requests, seconds, p99Ms } = await load.ask({
        ...order,
        milliseconds: round === 0 ? 2 * milliseconds : milliseconds,
      });
      const cpuUs = ((server.cpuSeconds() - before) / requests) * 1e6;
      if (round > 0) speeds.get(name)?.push({ perSecond: requests / seconds, p99Ms, cpuUs });
    }
  }
  const middle = (all: Speed[], what: keyof Speed) => median(all.map((one) => one[what]));
  return new Map(
    [...speeds].map(([name, all]) => [
      name,
      { perSecond: middle(all, 'perSecond'), p99Ms: middle(all, 'p99Ms'), cpuUs: middle(all, 'cpuUs') },
    ]),
  );
}

function figuresOf(question: Question, contenders: Contender[], speeds: Map<string, Speed>): Figure[] {
  const [limit, mercurius] = [speeds.get('limit'), speeds.get('mercurius')];
  const peer = speeds.get('postgraphile');
  const figure = (contender: string, suffix: string, goal: number): Figure[] => {
    const ours = speeds.get(contender);
    if (!ours) return [];
    return [
      {
        name: `reads${question.charAt(0).toUpperCase()}${question.slice(1)}${suffix}`,
        unit: 'requests/s',
        ours: ours.perSecond,
        limit: limit?.perSecond ?? null,
        peer: peer?.perSecond ?? null,
        goal: `${goal} times PostGraphile${peer ? '' : ', which is not there'}`,
        reached: peer !== undefined && ours.perSecond >= goal * peer.perSecond,
        peakMemoryMb: contenders.find(({ name }) => name === contender)?.server.peakMb() ?? NaN,
        also: {
          ...(mercurius && { mercurius: mercurius.perSecond }),
          p99Ms: ours.p99Ms,
          cpuUs: ours.cpuUs,
          ...(limit && { limitCpuUs: limit.cpuUs }),
          ...(peer && { peerP99Ms: peer.p99Ms, peerCpuUs: peer.cpuUs }),
        },
      },
    ];
  };
  return [...figure('ours', '', GOAL), ...figure('cached', 'Cached', CACHED_GOAL)];
}
