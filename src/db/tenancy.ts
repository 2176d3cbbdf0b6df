/**
 * The first of the two locks on tenants' data: every statement runs in a transaction whose role cannot see past the
 * tenant it names (prisma/migrations, *_tenancy). The second is that services name the tenant in their queries too.
 */
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type Tx = Prisma.TransactionClient;

export interface Tenancy {
  /**
   * Runs `work` in one transaction that sees and writes the rows of one tenant only. Do nothing slow in it, least of
   * all HTTP: the embedded database has a single connection.
   */
  withTenant<T>(tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction across tenants, with the few rights that the worker and the start have. */
  asSystem<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** A client for reads: each of its operations is a transaction of its own as the tenant. */
  clientOf(tenantId: string): TenantClient;
}

export type TenantClient = ReturnType<typeof tenantClient>;

export function createTenancy(prisma: PrismaClient): Tenancy {
  return {
    withTenant: (tenantId, work) =>
      prisma.$transaction(async (tx) => {
        await asTenant(tx, tenantId);
        return work(tx);
      }),
    asSystem: (work) =>
      prisma.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_system', true)`;
        return work(tx);
      }),
    clientOf: (tenantId) => tenantClient(prisma, tenantId),
  };
}

function tenantClient(prisma: PrismaClient, tenantId: string) {
  return prisma.$extends({
    query: {
      async $allOperations({ args, query }) {
        const [, result] = await prisma.$transaction([asTenant(prisma, tenantId), query(args)]);
        return result;
      },
    },
  });
}

/** The rest of the transaction is the tenant's. In UTC, since Prisma sends and reads times without their zone. */
function asTenant(client: Pick<PrismaClient, '$queryRaw'>, tenantId: string) {
  return client.$queryRaw`SELECT set_config('tunesmith.tenant_id', ${tenantId}, true),
    set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_app', true)`;
}
