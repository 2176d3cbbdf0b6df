/**
 * Lists whose rows may be deleted while somebody walks through them. A cursor is the id of a row, so once that is gone
 * nobody knows where it was, and Prisma answers with an empty page: the walk would end early without a word.
 */
import { isObjectType, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import { CursorGoneError } from '../services/errors.ts';
import type { Context } from './context.ts';
import { cursorRow, type PageArgs } from './page.ts';
import { nodeTypeOf } from './plan/place.ts';

type CountRows = (db: Context['db'], where: { id: string; tenantId: string }) => Promise<number>;

/** By the type of a list's nodes. Nothing else that lists hold is deleted but with what the list belongs to. */
const DELETABLE: Record<string, CountRows> = {
  CallTranscription: (db, where) => db.callTranscription.count({ where }),
  Dataset: (db, where) => db.dataset.count({ where }),
  DuplicateGroup: (db, where) => db.duplicateGroup.count({ where }),
  Example: (db, where) => db.example.count({ where }),
};

/** Has those lists answer with CursorGoneError in place of such a page. */
export function tellGoneCursors(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields())) {
      const countRows = DELETABLE[nodeTypeOf(field.type)?.name ?? ''];
      if (countRows && field.resolve) field.resolve = telling(field.resolve, countRows);
    }
  }
  return schema;
}

function telling(
  resolve: GraphQLFieldResolver<unknown, Context>,
  countRows: CountRows,
): GraphQLFieldResolver<unknown, Context, PageArgs> {
  return async (parent, args, context, info) => {
    const connection: unknown = await resolve(parent, args, context, info);
    const id = cursorRow(args);
    if (id === undefined || !isEmpty(connection)) return connection;
    const { db, viewer } = context;
    if ((await countRows(db, { id, tenantId: viewer.tenantId })) === 0)
      throw new CursorGoneError(args.after == null ? 'before' : 'after');
    return connection;
  };
}

function isEmpty(connection: unknown): boolean {
  const edges: unknown = connection instanceof Object ? Reflect.get(connection, 'edges') : undefined;
  return Array.isArray(edges) && edges.length === 0;
}
