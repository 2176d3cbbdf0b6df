import { expect, test } from 'vitest';
import { recordAudit, type AuditNote } from '../src/services/audit.ts';
import { sharedServer } from './support/server.ts';

const note: AuditNote = {
  action: 'SET_MONTHLY_BUDGET',
  subjectType: 'Tenant',
  subjectId: 'the tenant',
  detail: { usd: '12.5' },
};

async function newViewer() {
  const server = await sharedServer();
  const { tenantId } = await server.asNewTenant();
  return { db: server.db, viewer: { tenantId, subject: 'somebody', role: 'ADMIN' as const } };
}

test('an entry tells who did what to what, and only to its tenant', async () => {
  const { db, viewer } = await newViewer();
  const { viewer: other } = await newViewer();
  await db.withTenant(viewer.tenantId, (tx) => recordAudit(tx, viewer, note));
  const entries = (tenantId: string) => db.withTenant(tenantId, (tx) => tx.auditEntry.findMany());
  expect(await entries(viewer.tenantId)).toMatchObject([{ actor: 'somebody', ...note }]);
  expect(await entries(other.tenantId)).toEqual([]);
});

test('an entry goes with the transaction that it tells of', async () => {
  const { db, viewer } = await newViewer();
  const failing = db.withTenant(viewer.tenantId, async (tx) => {
    await recordAudit(tx, viewer, note);
    throw new Error('thought better of it');
  });
  await expect(failing).rejects.toThrow('thought better of it');
  expect(await db.withTenant(viewer.tenantId, (tx) => tx.auditEntry.count())).toBe(0);
});

test('nobody rewrites what was done', async () => {
  const { db, viewer } = await newViewer();
  await db.withTenant(viewer.tenantId, (tx) => recordAudit(tx, viewer, note));
  const rewrite = db.withTenant(viewer.tenantId, (tx) =>
    tx.auditEntry.updateMany({ data: { actor: 'nobody' } }),
  );
  await expect(rewrite).rejects.toThrow(/permission denied/);
  const remove = db.withTenant(viewer.tenantId, (tx) => tx.auditEntry.deleteMany());
  await expect(remove).rejects.toThrow(/permission denied/);
});
