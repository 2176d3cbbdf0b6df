/**
 * One change to everyone who follows, over WebSocket and event streams, from its commit to the last one's message, against
 * a WebSocket server that does nothing but hand the same text on.
 */
import { encodeGlobalID } from '@pothos/plugin-relay';
import type pg from 'pg';
import { checkApart } from './fanoutApart.ts';
import { openFollowers, type FollowerProcess } from './followerProcess.ts';
import { firstRound, median, sizesAt, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import type { Product, ServerProcess } from './processes.ts';
import type { Followed } from './rawFollower.ts';
import { makeDataset } from './seed.ts';
import { withWorld, type World } from './world.ts';

const SIZES = { fanout: 1_000, fanout5000: 5_000 };
/** Followers at least: fewer are not many. */
const LEAST = 10;
/** Of the time that handing on takes. */
const GOAL = 1.3;
const BYTES_GOAL = 12_000;
const QUERY =
  'subscription ($id: ID!) { datasetUpdated(id: $id) { id name description exampleCount validatedCount tokens updatedAt } }';

export const fanout: Benchmark = {
  name: 'fanout',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, (world) => measureAll(world, options)),
};

async function measureAll(world: World, options: BenchOptions): Promise<Figure[]> {
  const { sql: client } = world;
  const [mine, other] = [await world.addTenant('Bench'), await world.addTenant('Other')];
  const limit = await world.startPeer(new URL('fanoutLimit.ts', import.meta.url), []);
  let made = 0;
  const datasetOf = (tenantId: string) => makeDataset(client, tenantId, `Followed ${(made += 1)}`);
  const figures: Figure[] = [];
  for (const { name, size } of sizesAt(options.scale, SIZES, 10 * LEAST)) {
    // A server of its own for each, so that its memory is of these followers alone.
    const server = await world.startProduct(name);
    const url = `${server.url}/graphql`;
    options.tell('fanout: distinct selections and tenants');
    await checkApart({ url, change: changeOf(client), datasetOf, mine, other });
    const followed = async (kind: Followed['kind']) => ({
      id: await datasetOf(mine.id),
      followed: { kind, url, headers: mine.headers, query: QUERY },
    });
    const count = Math.max(LEAST, size);
    const asked = [await followed('webSocket'), await followed('eventStream')];
    figures.push(...(await measure({ name, count, server, limit, client, asked }, options)));
    await server.close();
  }
  return figures;
}

interface Asked {
  id: string;
  followed: Omit<Followed, 'variables'>;
}

interface Stage {
  name: string;
  count: number;
  server: Product;
  limit: ServerProcess;
  client: pg.Client;
  asked: Asked[];
}

async function measure(
  { name, count, server, limit, client, asked }: Stage,
  { rounds, tell }: BenchOptions,
): Promise<Figure[]> {
  tell(`fanout: ${count} followers each over WebSocket, over event streams, and of what hands on`);
  const change = changeOf(client);
  const opened: FollowerProcess[] = [];
  const bytes: number[] = [];
  try {
    for (const { id, followed } of asked) {
      const before = await server.heapBytes();
      opened.push(
        await openFollowers({ ...followed, variables: { id: encodeGlobalID('Dataset', id) } }, count),
      );
      bytes.push(((await server.heapBytes()) - before) / count);
    }
    const raw: Followed = { kind: 'raw', url: limit.url, headers: {}, query: '', variables: {} };
    const handing = await openFollowers(raw, count);
    opened.push(handing);
    const times = new Map<string, number[]>(
      [...asked.map(({ followed: { kind } }) => kind), 'raw'].map((kind) => [kind, []]),
    );
    const cpu = asked.map((): number[] => []);
    const note = (round: number, kind: string, milliseconds: number) =>
      round > 0 && times.get(kind)?.push(milliseconds);
    for (let round = firstRound(rounds); round <= rounds; round += 1) {
      let message = '';
      for (const [place, { id, followed }] of asked.entries()) {
        const marker = `${followed.kind} ${round} of ${count}`;
        const heard = await opened[place]?.expect(marker);
        const before = server.cpuSeconds();
        const committed = await change(id, marker);
        const last = await heard?.heard;
        if (!last) throw new Error('Nobody follows');
        note(round, followed.kind, last.allAt - committed);
        if (round > 0) cpu[place]?.push((server.cpuSeconds() - before) * 1000);
        if (followed.kind === 'webSocket') ({ message } = last);
      }
      const { heard } = await handing.expect(message);
      const begun = performance.timeOrigin + performance.now();
      await fetch(limit.url, { method: 'POST', body: message });
      note(round, 'raw', (await heard).allAt - begun);
    }
    const limitMs = median(times.get('raw') ?? []);
    return asked.map(({ followed: { kind } }, place): Figure => {
      const ours = median(times.get(kind) ?? []);
      const each = bytes[place] ?? NaN;
      return {
        name: kind === 'eventStream' ? name.replace('fanout', 'fanoutEventStream') : name,
        unit: 'ms',
        ours,
        limit: limitMs,
        peer: null,
        goal: `${GOAL} times handing on, ${BYTES_GOAL / 1000} KB a follower`,
        reached: ours <= GOAL * limitMs && each <= BYTES_GOAL,
        work: count,
        peakMemoryMb: server.peakMb(),
        also: { followers: count, bytesAFollower: each, cpuMs: median(cpu[place] ?? []) },
      };
    });
  } finally {
    for (const followers of opened) await followers.close();
  }
}

/** Changes a dataset; tells when that was committed. */
function changeOf(client: pg.Client) {
  return async (id: string, description: string): Promise<number> => {
    await client.query(
      'UPDATE finetuning_datasets SET description = $2, updated_at = clock_timestamp() WHERE id = $1',
      [id, description],
    );
    return performance.timeOrigin + performance.now();
  };
}
