/** Operations for every root field of the schema, with a secret wherever a text may stand. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';
import { plantSecret } from './logArchive.ts';

export interface Planted {
  /** `createDataset`. */
  field: string;
  kind: 'query' | 'mutation' | 'subscription';
  query: string;
  variables: Record<string, unknown>;
}

/** How texts are made of a secret; the database refuses some of them, in messages that repeat others. */
export const SPOILT: Record<string, (secret: string) => string> = {
  plain: (secret) => secret,
  long: (secret) => `${secret} `.repeat(40),
  nul: (secret) => `${secret}\u0000`,
  quoted: (secret) => `'"\`${secret}\n    at ${secret} (file.ts:1:1)`,
};

export function plantedOperations(schema: GraphQLSchema, spoil: (secret: string) => string): Planted[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  return roots.flatMap(([kind, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => plantedOperation(kind, field, spoil)),
  );
}

function plantedOperation(
  kind: Planted['kind'],
  field: GraphQLField<unknown, unknown>,
  spoil: (secret: string) => string,
): Planted {
  const variables = Object.fromEntries(
    field.args.map(({ name, type }) => [name, valueOf(type, name, spoil)]),
  );
  const declared = field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = field.args.map(({ name }) => `${name}: $${name}`).join(', ');
  const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }';
  const call = `${field.name}${given && `(${given})`}${selection}`;
  return { field: field.name, kind, variables, query: `${kind}${declared && `(${declared})`} { ${call} }` };
}

function valueOf(
  type: GraphQLInputType,
  name: string,
  spoil: (secret: string) => string,
  depth = 0,
): unknown {
  if (isNonNullType(type)) return valueOf(type.ofType, name, spoil, depth);
  if (isListType(type)) return depth > 6 ? [] : [valueOf(type.ofType, name, spoil, depth)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    if (depth > 4) return undefined;
    const fields = Object.values(type.getFields()).slice(0, type.isOneOf ? 1 : undefined);
    return Object.fromEntries(
      fields.map((field) => [field.name, valueOf(field.type, field.name, spoil, depth + 1)]),
    );
  }
  switch (type.name) {
    case 'Int':
    case 'SafeInt':
      return 3;
    case 'Float':
      return 0.5;
    case 'Boolean':
      return true;
    case 'DateTime':
      return '2026-11-01T10:00:00Z';
    case 'ID':
      return spoil(plantSecret('id'));
    default:
      return spoil(plantSecret(name));
  }
}
