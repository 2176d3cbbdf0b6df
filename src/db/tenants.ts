import type { Tenancy } from './tenancy.ts';

/** The tenant that everything belongs to as long as nobody signs in. */
export const DEFAULT_TENANT = '00000000-0000-7000-8000-000000000001';

/** Makes the tenant unless it is there; any number of replicas may. */
export async function ensureTenant(
  db: Pick<Tenancy, 'asSystem'>,
  id: string,
  name = 'default',
): Promise<void> {
  await db.asSystem(
    (tx) =>
      tx.$executeRaw`INSERT INTO tenants (id, name) VALUES (${id}::uuid, ${name}) ON CONFLICT DO NOTHING`,
  );
}

export interface TenantInfo {
  id: string;
  name: string;
  createdAt: Date;
}

export const tenantInfo = { id: true, name: true, createdAt: true } as const;

/** All tenants, the oldest first. */
export function listTenants(db: Pick<Tenancy, 'asSystem'>): Promise<TenantInfo[]> {
  return db.asSystem((tx) => tx.tenant.findMany({ select: tenantInfo, orderBy: { createdAt: 'asc' } }));
}

/** The id of the tenant that has this id or name; null when there is none. */
export async function findTenant(db: Pick<Tenancy, 'asSystem'>, idOrName: string): Promise<string | null> {
  const where = UUID.test(idOrName) ? { id: idOrName } : { name: idOrName };
  const found = await db.asSystem((tx) => tx.tenant.findUnique({ where, select: { id: true } }));
  return found?.id ?? null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
