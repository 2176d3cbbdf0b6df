/** Walks through every list of the schema, which are found by introspection. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql';
import { z } from 'zod';
import type { SeededRandom } from '../../bench/random.ts';
import { schema } from '../../src/schema/index.ts';
import type { TestClient } from './client.ts';

/** A list, in one of its orders. */
export interface List {
  /** For example `Dataset.examples by QUALITY_SCORE DESC`. */
  name: string;
  parent: string;
  field: string;
  orderBy: { field: string; direction: string } | null;
}

type Field = GraphQLField<unknown, unknown>;

/** Every connection that the schema has, in every order that it can be asked for. */
export function everyList(): List[] {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  return types.flatMap((type) =>
    connectionsOf(type).flatMap((field) =>
      ordersOf(field).map((orderBy) => {
        const by = orderBy ? ` by ${orderBy.field} ${orderBy.direction}` : '';
        return { name: `${type.name}.${field.name}${by}`, parent: type.name, field: field.name, orderBy };
      }),
    ),
  );
}

function connectionsOf(type: GraphQLObjectType): Field[] {
  const fields: Field[] = Object.values(type.getFields());
  return fields.filter((field) => getNamedType(field.type).name.endsWith('Connection'));
}

function ordersOf({ args }: Field): List['orderBy'][] {
  const order = args.find(({ name }) => name === 'orderBy');
  const type = order && getNamedType(order.type);
  if (!isInputObjectType(type)) return [null];
  const [field, direction] = ['field', 'direction'].map((name) => getNamedType(type.getFields()[name]?.type));
  if (!isEnumType(field) || !isEnumType(direction)) throw new Error(`${type.name} is no order as others are`);
  return field
    .getValues()
    .flatMap((one) => direction.getValues().map((end) => ({ field: one.name, direction: end.name })));
}

/** Rows have ids, or else a cursor that stays theirs. */
function queryOf({ parent, field, orderBy }: List, backwards: boolean): string {
  const [size, from] = backwards ? ['last', 'before'] : ['first', 'after'];
  const type = schema.getType(parent);
  const connection = isObjectType(type) ? getNamedType(type.getFields()[field]?.type) : undefined;
  const edge = isObjectType(connection) ? getNamedType(connection.getFields()['edges']?.type) : undefined;
  const node = isObjectType(edge) ? getNamedType(edge.getFields()['node']?.type) : undefined;
  const hasId = isObjectType(node) && node.getFields()['id'] !== undefined;
  const order = orderBy ? `, orderBy: { field: ${orderBy.field}, direction: ${orderBy.direction} }` : '';
  const list = `list: ${field}(${size}: $size, ${from}: $from${order}) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor ${hasId ? 'node { id }' : ''} }
  }`;
  if (parent === 'Query') return `query ($size: Int, $from: String) { ${list} }`;
  const args = '($of: ID!, $size: Int, $from: String)';
  if (parent === 'Caller') {
    const variables = '($of: String!, $size: Int, $from: String)';
    return `query ${variables} { of: caller(phoneNumber: $of) { ${list} } }`;
  }
  return `query ${args} { of: node(id: $of) { ... on ${parent} { ${list} } } }`;
}

const page = z.object({
  pageInfo: z.object({
    hasNextPage: z.boolean(),
    hasPreviousPage: z.boolean(),
    startCursor: z.string().nullable(),
    endCursor: z.string().nullable(),
  }),
  edges: z.array(z.object({ cursor: z.string(), node: z.object({ id: z.string() }).optional() })),
});
const answer = z.union([
  z.object({ of: z.object({ list: page }) }).transform(({ of }) => of.list),
  z.object({ list: page }).transform(({ list }) => list),
]);

interface Walk {
  backwards: boolean;
  random: SeededRandom;
  /** The most rows of a page. */
  most: number;
  /** Happens after each page but the last. */
  between: () => Promise<void>;
}

/** Walks the whole list of this parent in pages of random sizes; what was seen, in the list's own order. */
export async function walkList(
  client: TestClient,
  list: List,
  of: string | undefined,
  { backwards, random, most, between }: Walk,
): Promise<string[]> {
  const query = queryOf(list, backwards);
  const seen: string[] = [];
  for (let from: string | null = null; ;) {
    const size = 1 + random.below(most);
    const { data, errors } = await client.answer(query, { size, from, ...(of !== undefined && { of }) });
    if (errors) throw new Error(`${list.name}: ${JSON.stringify(errors)}`);
    const { pageInfo, edges }: z.output<typeof page> = answer.parse(data);
    const rows = edges.map(({ node, cursor }) => node?.id ?? cursor);
    if (backwards) seen.unshift(...rows);
    else seen.push(...rows);
    if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return seen;
    await between();
    from = backwards ? pageInfo.startCursor : pageInfo.endCursor;
  }
}
