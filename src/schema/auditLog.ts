import { parseInput } from '../services/input.ts';
import { storableText } from '../services/text.ts';
import { builder } from './builder.ts';
import { rowPage } from './page.ts';

const AuditEntryType = builder.prismaObject('AuditEntry', {
  authScopes: { role: 'ADMIN' },
  fields: (t) => ({
    actor: t.exposeString('actor'),
    address: t.exposeString('address', { nullable: true }),
    action: t.exposeString('action'),
    subjectType: t.exposeString('subjectType'),
    subjectId: t.exposeString('subjectId'),
    detail: t.field({
      type: 'JSON',
      description: 'What else is worth knowing, such as counts; holds no personal data.',
      select: { detail: true },
      resolve: ({ detail }) => detail,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const AuditLogFilter = builder.inputType('AuditLogFilter', {
  description: 'Keeps the entries for which everything given holds.',
  fields: (t) => ({
    action: t.string({
      description:
        'Only entries of exactly this action, such as `ERASE_CALLER`; docs/operating.md lists them.',
    }),
    actor: t.string({ description: 'Only what this one did.' }),
    subjectType: t.string({ description: 'Only what was done to this kind of thing, such as `Export`.' }),
    subjectId: t.string({
      description: 'Only what was done to this one thing, by the `subjectId` of its entries.',
    }),
    from: t.field({ type: 'DateTime', description: 'Only what was done at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Only what was done before this time.' }),
  }),
});

const text = (value: string, field: string) => parseInput(storableText('The text', 1000), value, field);

function auditWhere(filter: typeof AuditLogFilter.$inferInput | null | undefined) {
  const { action, actor, subjectType, subjectId, from, to } = filter ?? {};
  return {
    ...(action != null && { action: text(action, 'filter.action') }),
    ...(actor != null && { actor: text(actor, 'filter.actor') }),
    ...(subjectType != null && { subjectType: text(subjectType, 'filter.subjectType') }),
    ...(subjectId != null && { subjectId: text(subjectId, 'filter.subjectId') }),
    ...((from || to) && { createdAt: { ...(from && { gte: from }), ...(to && { lt: to }) } }),
  };
}

builder.queryField('auditLog', (t) =>
  t.prismaConnection({
    type: AuditEntryType,
    authScopes: { role: 'ADMIN' },
    cursor: 'id',
    maxSize: rowPage,
    description: 'Who did what to what, the newest first. Entries are added and never changed.',
    args: { filter: t.arg({ type: AuditLogFilter, description: 'Which entries; all without it.' }) },
    totalCount: (_connection, { filter }, { db, viewer }) =>
      db.auditEntry.count({ where: { tenantId: viewer.tenantId, ...auditWhere(filter) } }),
    resolve: (query, _root, { filter }, { db, viewer }) =>
      db.auditEntry.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...auditWhere(filter) },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }),
  }),
);
