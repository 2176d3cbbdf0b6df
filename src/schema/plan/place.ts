/** Where in a query a field stands. */
import {
  getNamedType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import type { Args, Operation, SelectedField } from './fields.ts';
import type { Wanted } from './selection.ts';

/** What the objects of a type come of. */
export interface Origin {
  /** Of rows: what is wanted of them. */
  rows: Wanted | null;
  /** Of a page of rows, or a part of one: whose rows. */
  page: Wanted | null;
}

/** A field where it is selected. */
export interface Place {
  operation: Operation;
  type: GraphQLObjectType;
  field: GraphQLField<unknown, unknown>;
  selected: SelectedField;
  args: Args;
  origin: Origin;
}

/** The type of a connection's nodes; undefined of what is no connection. */
export function nodeTypeOf(type: GraphQLOutputType): GraphQLObjectType | undefined {
  const connection = getNamedType(type);
  if (!isObjectType(connection)) return undefined;
  const edge = getNamedType(connection.getFields()['edges']?.type);
  const node = isObjectType(edge) ? getNamedType(edge.getFields()['node']?.type) : undefined;
  return isObjectType(node) ? node : undefined;
}
