/**
 * Wake-ups from the database: what changed, by id, sent by triggers when the change commits, or over Redis
 * (redisBus.ts) just after. A wake-up may be lost (a broken connection) or come twice; whoever is woken reads the
 * tables, which are the truth.
 */
import pg from 'pg';
import { z } from 'zod';

const CHANNEL = 'tunesmith';

export const changeSchema = z.object({
  kind: z.enum(['dataset', 'run']),
  tenantId: z.uuid(),
  id: z.uuid(),
});

export type Change = z.infer<typeof changeSchema>;

/** A change, or `resumed`: wake-ups may have been lost, so everything that is followed should be read again. */
export type WakeUp = Change | { kind: 'resumed' };

export interface Notifications {
  /** Calls `handler` at every wake-up until the returned function is called. */
  listen(handler: (wakeUp: WakeUp) => void): () => void;
  close(): Promise<void>;
}

interface NotificationSource {
  on(
    event: 'notification',
    handler: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
  query(text: string): Promise<unknown>;
}

export interface Hub {
  listen: Notifications['listen'];
  wake(wakeUp: WakeUp): void;
  /** Makes the connection deliver its notifications here. */
  attach(client: NotificationSource): Promise<void>;
}

export function createHub(): Hub {
  const handlers = new Set<(wakeUp: WakeUp) => void>();
  function wake(wakeUp: WakeUp): void {
    for (const handler of handlers) handler(wakeUp);
  }
  return {
    wake,
    listen(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    async attach(client) {
      client.on('notification', ({ channel, payload }) => {
        if (channel !== CHANNEL || payload === undefined) return;
        const change = changeSchema.safeParse(parseJson(payload));
        if (change.success) wake(change.data);
      });
      await client.query(`LISTEN ${CHANNEL}`);
    },
  };
}

/**
 * Listens on a connection of its own, since a pooled one comes and goes. When the connection breaks it is opened
 * again, first after 100 ms, then at most every 5 s, and everybody is told to read again.
 */
export async function listenOnOwnConnection(
  connectionString: string,
  onError: (error: Error) => void,
): Promise<Notifications> {
  const hub = createHub();
  let closed = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let delayMs = 100;

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString,
      application_name: 'tunesmith-listener',
      keepAlive: true,
    });
    fresh.on('error', onError);
    fresh.on('end', () => {
      if (client === fresh) client = undefined;
      if (!closed) reconnectLater();
    });
    await fresh.connect();
    if (closed) return fresh.end();
    client = fresh;
    await hub.attach(fresh);
    delayMs = 100;
  }

  function reconnectLater(): void {
    clearTimeout(retry);
    retry = setTimeout(() => {
      connect().then(
        () => hub.wake({ kind: 'resumed' }),
        (error: Error) => {
          onError(error);
          reconnectLater();
        },
      );
    }, delayMs);
    delayMs = Math.min(delayMs * 2, 5000);
  }

  await connect();
  return {
    listen: hub.listen,
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}

/** The value, or undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
