/**
 * The first of the two locks on tenants' data: every statement runs in a transaction whose role cannot see past the
 * tenant it names (prisma/migrations, *_tenancy). The second is that services name the tenant in their queries too.
 */
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { readingAs } from './tenantPool.ts';
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

/** `publish`, where the database does not send wake-ups itself, is given what a transaction changed once it is committed. */
export function createTenancy(
  prisma: PrismaClient,
  statementTimeoutMs: number,
  publish?: (changes: string) => void,
): Tenancy {
  const clients = new Map<string, TenantClient>();
  const settings = publish ? Prisma.sql`, set_config('tunesmith.bus', 'redis', true)` : Prisma.empty;

  async function transact<T>(begin: (tx: Tx) => PromiseLike<unknown>, work: (tx: Tx) => Promise<T>) {
    let changes = '';
    const result = await prisma.$transaction(async (tx) => {
      await begin(tx);
      const done = await work(tx);
      if (publish) changes = await changesOf(tx);
      return done;
    });
    if (changes !== '') publish?.(changes);
    return result;
  }

  return {
    withTenant: (tenantId, work) => transact((tx) => asTenant(tx, tenantId, settings), work),
    asSystem: (work) => transact((tx) => asSystem(tx, settings), work),
    clientOf(tenantId) {
      const client = clients.get(tenantId) ?? tenantClient(prisma, tenantId, statementTimeoutMs);
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

function asSystem(tx: Tx, more: Prisma.Sql) {
  return tx.$queryRaw`SELECT set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_system', true)${more}`;
}

/**
 * Prisma makes one statement of the findUnique of all who ask in one tick, whatever their tenant: they alone get a
 * transaction, in which it keeps them apart.
 */
const MERGED = new Set(['findUnique', 'findUniqueOrThrow']);

function tenantClient(prisma: PrismaClient, tenantId: string, timeoutMs: number) {
  const timeout = Prisma.sql`, set_config('statement_timeout', ${String(timeoutMs)}, true)`;
  return prisma.$extends({
    query: {
      async $allOperations({ operation, args, query }) {
        if (!MERGED.has(operation)) return readingAs(tenantId, async () => query(args));
        const [, result] = await prisma.$transaction([asTenant(prisma, tenantId, timeout), query(args)]);
        return result;
      },
    },
  });
}

/** The rest of a transaction of the system's is the tenant's, which it has just made. */
export async function goOnAsTenant(tx: Tx, tenantId: string): Promise<void> {
  await asTenant(tx, tenantId);
}

/** The rest of the transaction is the tenant's. */
function asTenant(client: Pick<PrismaClient, '$queryRaw'>, tenantId: string, more = Prisma.empty) {
  return client.$queryRaw`SELECT set_config('tunesmith.tenant_id', ${tenantId}, true),
    ${Prisma.raw(OF_ANY_TENANT)}${more}`;
}
