import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { DateResolver, JSONResolver, SafeIntResolver } from 'graphql-scalars';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import { ForbiddenError } from '../services/errors.ts';
import { requireRole, type Role } from '../services/viewer.ts';
import type { Context } from './context.ts';
import { knownId } from './ids.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './page.ts';
import { keepDeclarations } from './plan/fieldFacts.ts';
import { relayDescriptions } from './relayDescriptions.ts';
import { DateTimeResolver } from './dateTime.ts';

export interface SchemaTypes {
  PrismaTypes: PrismaTypes;
  Context: Context;
  /** The role that a field or type needs; without one any viewer may. */
  AuthScopes: { role: Role };
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    Date: { Input: Date; Output: Date };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
    SafeInt: { Input: number; Output: number };
  };
}

keepDeclarations();

export const builder = new SchemaBuilder<SchemaTypes>({
  // Errors are outermost, so that a missing role is data too.
  plugins: [ErrorsPlugin, ScopeAuthPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({
      role(needed) {
        requireRole(viewer, needed);
        return true;
      },
    }),
  },
  errors: {
    directResult: true,
    defaultTypes: [ForbiddenError],
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Result`,
      description: 'What was asked for, or the error that kept it from being done.',
    },
  },
  prisma: {
    client: (context) => context.db,
    dmmf: getDatamodel(),
    exposeDescriptions: true,
    filterConnectionTotalCount: true,
    maxConnectionSize: MAX_PAGE,
    defaultConnectionSize: DEFAULT_PAGE,
    onUnusedQuery: 'error', // A resolver that forgets to hand `query` on would load each relation by itself.
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    decodeGlobalID: knownId,
    ...relayDescriptions,
  },
});

builder.addScalarType('DateTime', DateTimeResolver);
builder.addScalarType('Date', DateResolver);
builder.addScalarType('JSON', JSONResolver);
builder.addScalarType('SafeInt', SafeIntResolver);

builder.queryType({ description: 'Reading. Nothing here changes anything.' });
builder.mutationType({
  description:
    'Writing. What can be expected to go wrong comes back as data: each result is a union of what was asked for and of error types, which all have a `code` and a `message`.',
});
builder.subscriptionType({
  description:
    'Following. Each begins with the present state; over WebSocket (graphql-transport-ws) or server-sent events.',
});
