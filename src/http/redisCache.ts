/**
 * Answers kept on a Redis server, for all replicas. Each table of a tenant has a mark there, which every change makes
 * anew before the mutation that made it is answered; an answer holds while the marks of its tables are those that it was
 * made under. While Redis is away nothing is kept, and when it is back all that was is forgotten.
 */
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Notifications, TableWakeUp } from '../db/notifications.ts';
import { createRedisClient, within, type RedisClient } from '../db/redisClient.ts';
import { parseJson } from '../parseJson.ts';
import {
  LONGEST_ANSWER,
  LONGEST_QUESTION,
  NOTHING,
  questionKeys,
  type KeptAnswer,
  type LookUp,
  type Question,
  type ResponseCache,
} from './responseCache.ts';

export interface RedisCacheOptions {
  url: string;
  /** What all keys begin with: replicas on one database have the same. */
  prefix: string;
  notifications: Pick<Notifications, 'listenToTables' | 'caughtUp'>;
  maxAgeSeconds: number;
}

/** How long a look-up or a mark may take, in milliseconds; past it Redis counts as away. */
const LIMIT = 1_000;
const RETRY = 2_000;
/** Marks outlive every answer that was made under them, in seconds. */
const MARKS_LAST = 86_400;
/** The tables that all tenants share. */
const SHARED = 'shared';

type Marks = Readonly<Record<string, string>>;

const entrySchema = z.object({
  body: z.string(),
  label: z.string(),
  era: z.string().nullable(),
  marks: z.record(z.string(), z.string()),
});

/** Returns at once: until Redis is connected nothing is kept. */
export function createRedisCache({
  url,
  prefix,
  notifications,
  maxAgeSeconds,
}: RedisCacheOptions): ResponseCache {
  let client: RedisClient | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  /** The marks that are on their way. */
  const underWay = new Set<Promise<void>>();

  async function connect(): Promise<void> {
    const fresh = createRedisClient(url, { socket: { connectTimeout: LIMIT } }, () => lose(fresh));
    try {
      await within(LIMIT, fresh.connect());
      // Changes may have gone unmarked: what was kept belongs to another era.
      await within(LIMIT, fresh.set(`${prefix}era`, randomUUID()));
    } catch {
      return lose(fresh);
    }
    if (closed) fresh.destroy();
    else client = fresh;
  }

  function lose(lost: RedisClient): void {
    if (client !== undefined && client !== lost) return;
    client = undefined;
    lost.destroy();
    clearTimeout(retry);
    if (!closed) retry = setTimeout(() => void connect(), RETRY).unref();
  }

  /** What `work` gives, or `otherwise` where Redis does not. */
  async function ask<T>(otherwise: T, work: (used: RedisClient) => Promise<T>): Promise<T> {
    const used = client;
    if (!used) return otherwise;
    try {
      return await within(LIMIT, work(used));
    } catch {
      lose(used);
      return otherwise;
    }
  }

  function mark(wakeUp: TableWakeUp): void {
    // Changes that were not heard here were marked by who made them.
    if (wakeUp.kind !== 'table') return;
    const key = marksKey(wakeUp.tenantId ?? SHARED);
    const marked = ask(undefined, async (used) => {
      await Promise.all([used.hSet(key, wakeUp.table, randomUUID()), used.expire(key, MARKS_LAST)]);
    }).finally(() => underWay.delete(marked));
    underWay.add(marked);
  }

  const marksKey = (tenantId: string) => `${prefix}marks:${tenantId}`;
  const answerKey = (question: string) =>
    `${prefix}answer:${createHash('sha256').update(question).digest('base64url')}`;

  async function find(question: Question): Promise<LookUp> {
    const { forAll, forOne } = questionKeys(question);
    const { tenantId } = question.viewer;
    return ask(NOTHING, async (used) => {
      const [toAll, toOne, era, own, shared] = await Promise.all([
        used.get(answerKey(forAll)),
        used.get(answerKey(forOne)),
        used.get(`${prefix}era`),
        used.hGetAll(marksKey(tenantId)),
        used.hGetAll(marksKey(SHARED)),
      ]);
      const markOf = markIn(own, shared);
      return {
        answer: heldAnswer(toAll, era, markOf) ?? heldAnswer(toOne, era, markOf),
        keep(answer, { tables, personal }) {
          if (answer.body.length > LONGEST_ANSWER) return;
          const marks = Object.fromEntries([...tables].map((table) => [table, markOf(table)]));
          const key = answerKey(personal ? forOne : forAll);
          const entry = JSON.stringify({ ...answer, body: answer.body.toString(), era, marks });
          void ask(null, (user) =>
            user.set(key, entry, { expiration: { type: 'EX', value: maxAgeSeconds } }),
          );
        },
      };
    });
  }

  const stopListening = notifications.listenToTables(mark);
  void connect();

  return {
    find: async (question) => (question.body.length > LONGEST_QUESTION ? NOTHING : find(question)),
    async caughtUp() {
      await notifications.caughtUp();
      await Promise.all(underWay);
    },
    close() {
      closed = true;
      stopListening();
      clearTimeout(retry);
      client?.destroy();
      client = undefined;
    },
  };
}

/** A table's mark is the tenant's and that of all; the same as long as it never changed. */
function markIn(own: Marks, shared: Marks): (table: string) => string {
  return (table) => `${own[table] ?? ''} ${shared[table] ?? ''}`;
}

function heldAnswer(
  text: string | null,
  era: string | null,
  markOf: (table: string) => string,
): KeptAnswer | undefined {
  const { data } = entrySchema.safeParse(parseJson(text ?? ''));
  if (!data || data.era !== era) return undefined;
  const holds = Object.entries(data.marks).every(([table, mark]) => mark === markOf(table));
  return holds ? { body: Buffer.from(data.body), label: data.label } : undefined;
}
