import type { CreatedApiKey } from '../services/apiKey.ts';
import { InvalidInputError, NotFoundError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { ownRow, parseId } from './ids.ts';
import { rowPage } from './page.ts';
import { RoleType } from './role.ts';

const ApiKeyNode = builder.prismaNode('ApiKey', {
  authScopes: { role: 'ADMIN' },
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name'),
    prefix: t.exposeString('prefix'),
    role: t.expose('role', { type: RoleType, description: 'What may be done with it.' }),
    createdBy: t.exposeString('createdBy'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true }),
  }),
});

const CreateApiKeyPayload = builder.objectRef<CreatedApiKey>('CreateApiKeyPayload').implement({
  description: 'A new key. This is the only time that it is told.',
  fields: (t) => ({
    key: t.exposeString('key', {
      description:
        'The key, to be sent as `Authorization: Bearer …`. Keep it now: the server has only its SHA-256, and nobody can find it out again.',
    }),
    apiKey: t.field({
      type: ApiKeyNode,
      description: 'What is known of it from now on.',
      resolve: ({ apiKey }) => apiKey,
    }),
  }),
});

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to make.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'What it is for, 1 to 200 characters. What is done with the key is recorded as done by `key:` and this name; no two good keys have the same.',
    }),
    role: t.field({ type: RoleType, required: true, description: 'What may be done with it.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it is refused, in the future; never when left out.',
    }),
  }),
});

builder.queryField('apiKeys', (t) =>
  t.prismaConnection({
    type: ApiKeyNode,
    authScopes: { role: 'ADMIN' },
    cursor: 'id',
    maxSize: rowPage,
    description: 'The keys of the tenant, the newest first, revoked ones too.',
    totalCount: (_connection, _args, { db, viewer }) =>
      db.apiKey.count({ where: { tenantId: viewer.tenantId } }),
    resolve: (query, _root, _args, { db, viewer }) =>
      db.apiKey.findMany({
        ...query,
        where: { tenantId: viewer.tenantId },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }),
  }),
);

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    authScopes: { role: 'ADMIN' },
    description: 'Makes a key with which a program signs in, and tells it once.',
    errors: { types: [InvalidInputError] },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What key.' }) },
    resolve: (_root, { input }, { services, viewer }) => services.apiKeys.create(viewer, input),
  }),
  revokeApiKey: t.field({
    type: ApiKeyNode,
    authScopes: { role: 'ADMIN' },
    description:
      'Ends a key for good, within seconds everywhere; connections that were opened with it are closed. Revoking the key that you use works too.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the key.' }) },
    resolve: (_root, { id }, { services, viewer }) => services.apiKeys.revoke(viewer, parseId('ApiKey', id)),
  }),
}));
