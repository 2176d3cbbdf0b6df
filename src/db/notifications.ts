/**
 * Wake-ups from the database: what changed, by id, sent by triggers when the change commits, or over Redis
 * (redisBus.ts) just after. A wake-up may be lost (a broken connection) or come twice; whoever is woken reads the
 * tables, which are the truth. Whoever keeps what was read hears which tables changed, and when that cannot be heard.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { parseJson } from '../parseJson.ts';

const CHANNEL = 'tunesmith';

export const changeSchema = z.object({
  kind: z.enum(['dataset', 'run']),
  tenantId: z.uuid(),
  id: z.uuid(),
});

export type Change = z.infer<typeof changeSchema>;

/** Rows of a tenant's changed in a table; null for a table that all tenants share. */
export const tableChangeSchema = z.object({
  kind: z.literal('table'),
  tenantId: z.uuid().nullable(),
  table: z.string(),
});

export type TableChange = z.infer<typeof tableChangeSchema>;

/** What is sent when something changes. */
export const sentSchema = z.discriminatedUnion('kind', [changeSchema, tableChangeSchema]);

/** A change, or `resumed`: wake-ups may have been lost, so everything that is followed should be read again. */
export type WakeUp = Change | { kind: 'resumed' };

/** A change, `lost`: changes may not be heard from now on, or `resumed`: they are heard again. */
export type TableWakeUp = TableChange | { kind: 'lost' } | { kind: 'resumed' };

export interface Notifications {
  /** Calls `handler` at every wake-up until the returned function is called. */
  listen(handler: (wakeUp: WakeUp) => void): () => void;
  /** The same of tables; those who listen to tables are told of a change before the others are woken. */
  listenToTables(handler: (wakeUp: TableWakeUp) => void): () => void;
  /** Settles when all that was committed before the call has been told, or it is known that changes are not heard. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

interface NotificationSource {
  on(
    event: 'notification',
    handler: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
  query(text: string): Promise<unknown>;
}

export interface Hub extends Pick<Notifications, 'listen' | 'listenToTables'> {
  wake(wakeUp: WakeUp | TableWakeUp): void;
  /** Makes the connection deliver its notifications here. */
  attach(client: NotificationSource): Promise<void>;
}

export function createHub(onToken: (token: string) => void = () => undefined): Hub {
  const handlers = new Set<(wakeUp: WakeUp) => void>();
  const tableHandlers = new Set<(wakeUp: TableWakeUp) => void>();

  let heard = true;

  function wake(wakeUp: WakeUp | TableWakeUp): void {
    if (wakeUp.kind === 'lost') heard = false;
    if (wakeUp.kind === 'resumed') heard = true;
    if (isOfTables(wakeUp)) for (const handler of tableHandlers) handler(wakeUp);
    if (isOfRows(wakeUp)) for (const handler of handlers) handler(wakeUp);
  }

  return {
    wake,
    listen(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    listenToTables(handler) {
      tableHandlers.add(handler);
      if (!heard) handler({ kind: 'lost' });
      return () => tableHandlers.delete(handler);
    },
    async attach(client) {
      client.on('notification', ({ channel, payload }) => {
        if (channel !== CHANNEL || payload === undefined) return;
        const message = parseJson(payload);
        const sent = sentSchema.safeParse(message);
        if (sent.success) return wake(sent.data);
        const token = tokenSchema.safeParse(message);
        if (token.success) onToken(token.data.token);
      });
      await client.query(`LISTEN ${CHANNEL}`);
    },
  };
}

const isOfTables = (wakeUp: WakeUp | TableWakeUp): wakeUp is TableWakeUp =>
  wakeUp.kind !== 'run' && wakeUp.kind !== 'dataset';
const isOfRows = (wakeUp: WakeUp | TableWakeUp): wakeUp is WakeUp =>
  wakeUp.kind !== 'table' && wakeUp.kind !== 'lost';

/** What a listener sends itself: PostgreSQL delivers in the order of commits, so what was committed before has come. */
const tokenSchema = z.object({ kind: z.literal('token'), token: z.uuid() });

/** How long a token may be on its way, in milliseconds; past it the connection is taken to be broken. */
const TOKEN_LIMIT = 2_000;

/**
 * Listens on a connection of its own, since a pooled one comes and goes. When the connection breaks it is opened
 * again, first after 100 ms, then at most every 5 s, and everybody is told to read again.
 */
export async function listenOnOwnConnection(
  connectionString: string,
  onError: (error: Error) => void,
): Promise<Notifications> {
  const tokens = new Map<string, () => void>();
  const hub = createHub((token) => tokens.get(token)?.());
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
      if (client === fresh) lose();
      if (!closed && !client) reconnectLater();
    });
    await fresh.connect();
    if (closed) return fresh.end();
    client = fresh;
    await hub.attach(fresh);
    delayMs = 100;
  }

  function lose(): void {
    client = undefined;
    if (!closed) hub.wake({ kind: 'lost' });
    for (const arrived of tokens.values()) arrived();
  }

  /** Wake-ups that do not come are worse than none: a new connection begins with `resumed`. */
  function giveUp(broken: pg.Client): void {
    if (client !== broken) return;
    lose();
    reconnectLater();
    broken.end().catch(onError);
  }

  /** Settles when the token is back, or the connection is gone. */
  async function send(used: pg.Client): Promise<void> {
    const token = randomUUID();
    const arrived = new Promise<void>((resolve) => tokens.set(token, resolve));
    const late = setTimeout(() => giveUp(used), TOKEN_LIMIT);
    try {
      const payload = JSON.stringify({ kind: 'token', token });
      used.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch(() => giveUp(used));
      await arrived;
    } finally {
      clearTimeout(late);
      tokens.delete(token);
    }
  }

  /** Those who ask while a token is on its way wait for the next, together. */
  let onItsWay: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  function caughtUp(): Promise<void> {
    next ??= onItsWay.then(() => {
      next = undefined;
      return (onItsWay = client ? send(client) : Promise.resolve());
    });
    return next;
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
    listenToTables: hub.listenToTables,
    caughtUp,
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
