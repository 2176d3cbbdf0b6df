/**
 * Wake-ups over Redis, for many replicas: what a transaction changed is published once it is committed. Redis may be
 * away at any time, at the start too; nobody waits for it, and followers read every few seconds anyway.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '../parseJson.ts';
import { createHub, sentSchema, type Notifications } from './notifications.ts';
import { createRedisClient, within } from './redisClient.ts';

export interface RedisReports {
  /** Told once, when Redis cannot be reached or used any more. */
  onAway: (error: Error) => void;
  /** Told when it can be again. */
  onBack: () => void;
}

export interface RedisBus extends Notifications {
  /** Wakes who listens in this process at once, then everybody else. `changes`: JSON objects separated by commas. */
  publish: (changes: string) => void;
}

const changesSchema = z.array(sentSchema);

/** `from` tells a process its own messages, which it has no need to hear again. */
const messageSchema = z.object({ from: z.uuid(), changes: changesSchema });

/** How long Redis may take to be connected, or to take a message, in milliseconds. */
const LIMIT = 3_000;

/** How often a connection on which nothing happens is tried, and after how long without any answer it is given up. */
const PING = { interval: 5_000, timeout: 12_000 };

/**
 * Returns when Redis is connected, or when it is clear that it is away. It is then tried again, first after 100 ms, then
 * at most every 5 s, and when it is back everybody is told to read again.
 */
export async function openRedisBus(
  url: string,
  channel: string,
  { onAway, onBack }: RedisReports,
): Promise<RedisBus> {
  const hub = createHub();
  const from = randomUUID();
  let link: Link | undefined;
  let open = false;
  let away = false;
  let retry: NodeJS.Timeout | undefined;
  let delayMs = 100;

  async function connect(): Promise<void> {
    const fresh = createLink(url, (error) => lose(fresh, error));
    link = fresh;
    try {
      await within(LIMIT, fresh.open(channel, receive));
      // Whether it may publish is better known now than at the first change.
      await within(LIMIT, fresh.publish(channel, messageOf([])));
    } catch (error) {
      return lose(fresh, error as Error);
    }
    if (link !== fresh) return;
    open = true;
    delayMs = 100;
    hub.wake({ kind: 'resumed' });
    if (away) onBack();
    away = false;
  }

  function lose(lost: Link, error: Error): void {
    if (link !== lost) return;
    link = undefined;
    open = false;
    lost.destroy();
    hub.wake({ kind: 'lost' });
    retry = setTimeout(() => void connect(), delayMs);
    delayMs = Math.min(delayMs * 2, 5000);
    if (!away) onAway(error);
    away = true;
  }

  function receive(text: string): void {
    const message = messageSchema.safeParse(parseJson(text));
    if (!message.success || message.data.from === from) return;
    for (const change of message.data.changes) hub.wake(change);
  }

  const messageOf = (changes: z.infer<typeof changesSchema>) => JSON.stringify({ from, changes });

  await connect();
  return {
    listen: hub.listen,
    listenToTables: hub.listenToTables,
    caughtUp: async () => undefined, // Its own changes a process has been told before they count as done.
    publish(text) {
      const { data: changes } = changesSchema.safeParse(parseJson(`[${text}]`));
      for (const change of changes ?? []) hub.wake(change);
      const used = open ? link : undefined;
      if (!used || !changes) return;
      within(LIMIT, used.publish(channel, messageOf(changes))).catch((error: Error) => lose(used, error));
    },
    async close() {
      const last = link;
      link = undefined;
      clearTimeout(retry);
      if (open) await within(1_000, last?.finish()).catch(() => undefined);
      open = false;
      last?.destroy();
    },
  };
}

type Link = ReturnType<typeof createLink>;

/** A connection that listens and one that publishes, which are lost together. */
function createLink(url: string, onLost: (error: Error) => void) {
  const limits = {
    pingInterval: PING.interval,
    socket: { connectTimeout: LIMIT, socketTimeout: PING.timeout },
  };
  const subscriber = createRedisClient(url, limits, onLost);
  const publisher = createRedisClient(url, limits, onLost);
  return {
    async open(channel: string, receive: (message: string) => void): Promise<void> {
      await Promise.all([subscriber.connect(), publisher.connect()]);
      await subscriber.subscribe(channel, receive);
    },
    async publish(channel: string, message: string): Promise<void> {
      await publisher.publish(channel, message);
    },
    /** Settles when what was published has been taken. */
    finish: async () => publisher.close(),
    destroy(): void {
      for (const client of [subscriber, publisher]) client.destroy();
    },
  };
}
