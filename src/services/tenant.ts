/** Making tenants. They are no tenant's to make: whoever has the database does. */
import { goOnAsTenant, type Tenancy } from '../db/tenancy.ts';
import { tenantInfo, type TenantInfo } from '../db/tenants.ts';
import { recordAudit } from './audit.ts';
import { serverViewer } from './viewer.ts';

/** Makes a tenant of this name; null when there is one already. Its audit log begins with that. */
export async function createTenant(
  db: Pick<Tenancy, 'asSystem'>,
  name: string,
  by: string,
): Promise<TenantInfo | null> {
  return db.asSystem(async (tx) => {
    const [made] = await tx.tenant.createManyAndReturn({
      data: [{ name }],
      skipDuplicates: true,
      select: tenantInfo,
    });
    if (!made) return null;
    await goOnAsTenant(tx, made.id);
    await recordAudit(tx, serverViewer(made.id, by), {
      action: 'CREATE_TENANT',
      subjectType: 'Tenant',
      subjectId: made.id,
      detail: { name },
    });
    return made;
  });
}
