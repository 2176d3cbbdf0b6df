/**
 * The first of the two locks on tenants' data: every statement runs in a transaction whose role cannot see past the
 * tenant it names (prisma/migrations, *_tenancy). The second is that services name the tenant in their queries too.
 */
import pg from 'pg';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { answeredBySql } from './reader/client.ts';
import { readingAs, transactingWith, type Ask } from './tenantPool.ts';
import { OF_ANY_TENANT } from './tenantQuery.ts';

export type Tx = Prisma.TransactionClient;

export interface Tenancy {
  /**
   * Runs `work` in one transaction that sees and writes the rows of one tenant only. Do nothing slow in it, least of
   * all HTTP: the embedded database has a single connection.
   */
  withTenant<T>(tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction across tenants, with the few rights that the worker and the start have. */
  asSystem<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** A client for reads: each of its statements is a transaction of its own as the tenant. */
  clientOf(tenantId: string): TenantClient;
}

export type TenantClient = ReturnType<typeof tenantClient>;

/** How many tenants' clients are kept; making one takes as long as a small statement. */
const MOST_CLIENTS = 1_000;

interface TenancyOptions {
  prisma: PrismaClient;
  /** What sends a tenant's statement (tenantPool.ts). */
  ask: Ask;
  /** Where the database does not send wake-ups itself: given what a transaction changed, once it is committed. */
  publish?: ((changes: string) => void) | undefined;
}

export function createTenancy({ prisma, ask, publish }: TenancyOptions): Tenancy {
  const clients = new Map<string, TenantClient>();
  const more = publish ? `, set_config('tunesmith.bus', 'redis', true)` : '';

  async function transact<T>(settings: string, work: (tx: Tx) => Promise<T>) {
    let changes = '';
    const result = await transactingWith(settings + more, async () =>
      prisma.$transaction(async (tx) => {
        const done = await work(tx);
        if (publish) changes = await changesOf(tx);
        return done;
      }),
    );
    if (changes !== '') publish?.(changes);
    return result;
  }

  return {
    withTenant: (tenantId, work) => transact(tenantSettings(tenantId), work),
    asSystem: (work) => transact(SYSTEM_SETTINGS, work),
    clientOf(tenantId) {
      const client = clients.get(tenantId) ?? tenantClient(prisma, ask, tenantId);
      clients.delete(tenantId); // Last again: the first is the one that was not asked for the longest.
      clients.set(tenantId, client);
      const [oldest] = clients.keys();
      if (oldest !== undefined && clients.size > MOST_CLIENTS) clients.delete(oldest);
      return client;
    },
  };
}

/** What the transaction has changed so far, as notify_change() lists it; what a savepoint took back is not in it. */
async function changesOf(tx: Tx): Promise<string> {
  try {
    const rows = await tx.$queryRaw<
      { changes: string | null }[]
    >`SELECT current_setting('tunesmith.changes', true) AS changes`;
    return rows[0]?.changes ?? '';
  } catch {
    return ''; // The transaction has failed: nothing will be committed, and whoever commits is told why.
  }
}

const SYSTEM_SETTINGS = `SELECT set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_system', true)`;

/** As SQL: a transaction's settings go with its BEGIN, in a message that takes no values. */
function tenantSettings(tenantId: string): string {
  return `SELECT set_config('tunesmith.tenant_id', ${pg.escapeLiteral(tenantId)}, true), ${OF_ANY_TENANT}`;
}

/**
 * Prisma makes one statement of the findUnique of all who ask in one tick, whatever their tenant, and sends it in the
 * name of whoever was first. As findFirst, each is a statement of its own.
 */
const ALONE = new Map([
  ['findUnique', 'findFirst'],
  ['findUniqueOrThrow', 'findFirstOrThrow'],
]);

function tenantClient(prisma: PrismaClient, ask: Ask, tenantId: string) {
  const client = prisma.$extends({
    query: {
      async $allOperations({ model, operation, args, query }) {
        const alone = ALONE.get(operation);
        if (model === undefined || alone === undefined) return readingAs(tenantId, async () => query(args));
        return readingAs(tenantId, async () => find(prisma, model, alone, args));
      },
    },
  });
  return answeredBySql(client, (question) => ask(tenantId, question));
}

async function find(prisma: PrismaClient, model: string, operation: string, args: object): Promise<unknown> {
  const models: object = Reflect.get(prisma, `${model[0]?.toLowerCase()}${model.slice(1)}`);
  const work: (args: object) => unknown = Reflect.get(models, operation);
  const where: unknown = Reflect.get(args, 'where');
  return work.call(models, { ...args, ...(where instanceof Object && { where: withoutKeys(where) }) });
}

/** The same condition without the keys that are made of several fields, such as `tenantId_callSid`. */
function withoutKeys(where: object): object {
  return Object.fromEntries(
    Object.entries(where).flatMap(([name, value]: [string, unknown]) =>
      value instanceof Object && Object.keys(value).join('_') === name
        ? Object.entries(value)
        : [[name, value]],
    ),
  );
}

/** The rest of a transaction of the system's is the tenant's, which it has just made. */
export async function goOnAsTenant(tx: Tx, tenantId: string): Promise<void> {
  await tx.$queryRaw`SELECT set_config('tunesmith.tenant_id', ${tenantId}, true),
    ${Prisma.raw(OF_ANY_TENANT)}`;
}
