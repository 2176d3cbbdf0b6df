/**
 * One change to everyone who follows, over WebSocket and event streams, from its commit to the last one's message, against
 * a WebSocket server that does nothing but hand the same text on.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeGlobalID } from '@pothos/plugin-relay';
import pg from 'pg';
import { checkApart } from './fanoutApart.ts';
import { openFollowers, type FollowerProcess } from './followerProcess.ts';
import { median, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { startPeer, startProduct, type Product, type ServerProcess } from './processes.ts';
import type { Followed } from './rawFollower.ts';
import { withWorld } from './serverWorld.ts';

const SIZES = [1_000, 5_000];
/** Of the time that handing on takes. */
const GOAL = 1.3;
const BYTES_GOAL = 12_000;
const QUERY =
  'subscription ($id: ID!) { datasetUpdated(id: $id) { id name description exampleCount validatedCount tokens updatedAt } }';

export const fanout: Benchmark = {
  name: 'fanout',
  group: 'server',
  needsServer: true,
  run: (options) =>
    withWorld(options, async ({ databaseUrl, directory, addTenant }) => {
      const [mine, other] = [await addTenant('Bench'), await addTenant('Other')];
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      const limit = await startPeer(new URL('fanoutLimit.ts', import.meta.url), []);
      try {
        const datasetOf = (tenantId: string) => addDataset(client, tenantId);
        const figures: Figure[] = [];
        for (const size of SIZES) {
          // A server of its own for each, so that its memory is of these followers alone.
          const dataDir = join(directory, String(size));
          await mkdir(dataDir, { mode: 0o700 });
          const server = await startProduct(dataDir, {
            DATABASE_URL: databaseUrl,
            AUTH: 'required',
            ...LIMITS,
          });
          try {
            const url = `${server.url}/graphql`;
            options.tell('fanout: distinct selections and tenants');
            await checkApart({ url, change: changeOf(client), datasetOf, mine, other });
            const followed = async (kind: Followed['kind']) => ({
              id: await datasetOf(mine.tenantId),
              followed: { kind, url, headers: mine.headers, query: QUERY },
            });
            const count = Math.max(10, Math.round(size * options.scale));
            const asked = [await followed('webSocket'), await followed('eventStream')];
            figures.push(...(await measure({ size, count, server, limit, client, asked }, options)));
          } finally {
            await server.close();
          }
        }
        return figures;
      } finally {
        await limit.close();
        await client.end();
      }
    }),
};

const LIMITS = { RATE_LIMIT_PER_MINUTE: '1000000000', SOCKETS_PER_PRINCIPAL: '1000000' };

interface Asked {
  id: string;
  followed: Omit<Followed, 'variables'>;
}

interface Stage {
  size: number;
  count: number;
  server: Product;
  limit: ServerProcess;
  client: pg.Client;
  asked: Asked[];
}

async function measure(
  { size, count, server, limit, client, asked }: Stage,
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
    for (let round = 0; round <= rounds; round += 1) {
      let message = '';
      for (const [place, { id, followed }] of asked.entries()) {
        const marker = `${followed.kind} ${round} of ${size}`;
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
        name: `fanout${kind.charAt(0).toUpperCase()}${kind.slice(1)}${size}`,
        unit: 'ms',
        ours,
        limit: limitMs,
        peer: null,
        goal: `${GOAL} times handing on, ${BYTES_GOAL / 1000} KB a follower`,
        reached: ours <= GOAL * limitMs && each <= BYTES_GOAL,
        work: count,
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

let made = 0;

async function addDataset(client: pg.Client, tenantId: string): Promise<string> {
  made += 1;
  const { rows } = await client.query<{ id: string }>(
    'INSERT INTO finetuning_datasets (tenant_id, name) VALUES ($1, $2) RETURNING id',
    [tenantId, `Followed ${made}`],
  );
  const [row] = rows;
  if (!row) throw new Error('The dataset was not made');
  return row.id;
}
