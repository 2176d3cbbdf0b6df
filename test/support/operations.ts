/** Operations made from the schema itself, so that a field that is added is tested without a new test. */
import {
  astFromValue,
  getNamedType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  print,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql';
import { schema } from '../../src/schema/index.ts';

export type Kind = 'query' | 'mutation' | 'subscription';
export type RootField = GraphQLField<unknown, unknown>;

export function rootFields(kind: Kind): RootField[] {
  const type = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind];
  return Object.values(type?.getFields() ?? {});
}

/** An operation with one variable for each argument, that asks for little. */
export function operationOf(kind: Kind, field: RootField): string {
  const variables = field.args
    .map(({ name, type, defaultValue }) => {
      const value = defaultValue === undefined ? undefined : astFromValue(defaultValue, type);
      return `$${name}: ${String(type)}${value ? ` = ${print(value)}` : ''}`;
    })
    .join(', ');
  const values = field.args.map(({ name }) => `${name}: $${name}`).join(', ');
  const [head, call] = field.args.length > 0 ? [`(${variables})`, `(${values})`] : ['', ''];
  return `${kind} ${head} { ${field.name}${call} ${selectionOf(field)} }`;
}

function selectionOf({ type }: RootField): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isObjectType(named)) {
    if (named.name.endsWith('Connection')) return '{ totalCount edges { cursor node { __typename } } }';
    return '{ __typename }';
  }
  const isResult = named.name.endsWith('Result');
  return isResult ? '{ __typename ... on Error { code message } }' : '{ __typename }';
}

/** The places of an input, depth first, where an id may stand, such as `['input', 'datasetId']`. */
export function idPlaces(type: GraphQLInputType, path: string[]): string[][] {
  const named = getNamedType(type);
  if (named.name === 'ID') return [path];
  if (!isInputObjectType(named) || path.length > 3) return [];
  return Object.values(named.getFields()).flatMap((field) => idPlaces(field.type, [...path, field.name]));
}

/** A value of the type, as small as may be: what is not required is left out, unless `valueAt` gives it. */
export function smallestValue(
  type: GraphQLInputType,
  path: string[],
  valueAt: (path: string[], type: string) => unknown,
): unknown {
  const given = valueAt(path, getNamedType(type).name);
  if (isNonNullType(type)) return smallestValue(type.ofType, path, valueAt);
  if (given !== undefined) return isListType(type) && !Array.isArray(given) ? [given] : given;
  if (isListType(type)) return [smallestValue(type.ofType, path, valueAt)];
  if (!isInputObjectType(type))
    throw new Error(`There is no value for ${path.join('.')} of type ${String(type)}`);
  const fields = Object.values(type.getFields()).map((field) => {
    const at = [...path, field.name];
    const wanted = isNonNullType(field.type) && field.defaultValue === undefined;
    const named = getNamedType(field.type).name;
    return wanted || valueAt(at, named) !== undefined
      ? [field.name, smallestValue(field.type, at, valueAt)]
      : null;
  });
  return Object.fromEntries(fields.filter((entry) => entry !== null));
}
