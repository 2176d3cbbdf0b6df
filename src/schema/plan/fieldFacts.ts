/** What a plan has to know of fields, which Pothos keeps to itself or tells in their extensions. */
import { RootFieldBuilder } from '@pothos/core';
import type { GraphQLField, GraphQLObjectType } from 'graphql';
import type PrismaTypes from '../../generated/pothos.ts';

type AnyFunction = (...args: unknown[]) => unknown;

/** A field that rows are read for, as it was declared. */
export interface RowsField {
  /** Given what of the rows is wanted, and what the others are given too. */
  resolve: AnyFunction;
  /** Of a connection. */
  list?: { cursor: string; maxSize: AnyFunction | undefined; totalCount: AnyFunction | undefined };
}

const DECLARED = 'tunesmithRows';

/**
 * Has fields keep the options that they are declared with. Pothos hands the declared resolver on to a function of its own,
 * where nobody finds it again. To be called before any field is declared.
 */
export function keepDeclarations(): void {
  for (const name of ['prismaField', 'prismaConnection']) {
    const original: unknown = Reflect.get(RootFieldBuilder.prototype, name);
    if (typeof original !== 'function') throw new Error(`Pothos has no ${name}`);
    Reflect.set(
      RootFieldBuilder.prototype,
      name,
      function declared(this: unknown, options: { extensions?: object }, ...rest: unknown[]): unknown {
        const extensions = { ...options.extensions, [DECLARED]: options };
        return Reflect.apply(original, this, [{ ...options, extensions }, ...rest]);
      },
    );
  }
}

export function rowsFieldOf({ extensions }: GraphQLField<unknown, unknown>): RowsField | null {
  const options = extensions[DECLARED];
  const resolve = functionAt(options, 'resolve');
  if (!resolve || !(options instanceof Object)) return null;
  const cursor: unknown = Reflect.get(options, 'cursor');
  if (typeof cursor !== 'string') return { resolve };
  const [maxSize, totalCount] = [functionAt(options, 'maxSize'), functionAt(options, 'totalCount')];
  return { resolve, list: { cursor, maxSize, totalCount } };
}

/** The model of a type whose objects are rows. */
export function modelOf({ extensions }: GraphQLObjectType): string | null {
  const model = extensions['pothosPrismaModel'];
  return typeof model === 'string' ? model : null;
}

/** The column that the field tells as it is. */
export function exposedColumn({ extensions }: GraphQLField<unknown, unknown>): string | null {
  const column = extensions['pothosExposedField'];
  return typeof column === 'string' ? column : null;
}

/** What of the row the resolver looks at, as Pothos takes it: an object, or a function that makes one. */
export function selectionOf({ extensions }: GraphQLField<unknown, unknown>): unknown {
  return extensions['pothosPrismaSelect'] || undefined;
}

const LOOKS_AT = 'tunesmithColumns';

/**
 * The `extensions` of a field whose resolver looks at these columns of its row and no others. Without it, and without a
 * `select`, all columns are read for it. A `select` would say the same, but has Pothos read the row again where it did not
 * come by a query of Pothos', as in subscriptions.
 */
export function looksAt<Model extends keyof PrismaTypes>(
  _model: Model,
  ...columns: (keyof PrismaTypes[Model]['Shape'] & string)[]
): Record<string, unknown> {
  return { [LOOKS_AT]: columns };
}

const COMES_WITH = 'tunesmithRelation';

/** Which of a relation's rows a connection tells, in which order, as Prisma takes it. */
export type RowsAsked = (args: never) => { where: object; orderBy: object };

export interface RelatedRows {
  relation: string;
  asked: (args: Record<string, unknown>) => unknown;
}

/**
 * The `extensions` of a connection whose resolver reads no other rows than these of a relation of its row: a plan reads
 * them with the row. Pages begin where `asked` says, not at a cursor of Prisma's.
 */
export function comesWith<Model extends keyof PrismaTypes>(
  _model: Model,
  relation: PrismaTypes[Model]['ListRelations'] & string,
  asked: RowsAsked,
): Record<string, unknown> {
  return { [COMES_WITH]: { relation, asked } };
}

export function relatedRowsOf({ extensions }: GraphQLField<unknown, unknown>): RelatedRows | null {
  const found = extensions[COMES_WITH];
  const asked = functionAt(found, 'asked');
  const relation: unknown = found instanceof Object ? Reflect.get(found, 'relation') : undefined;
  return asked && typeof relation === 'string' ? { relation, asked } : null;
}

const NUMBER_OF = 'tunesmithNumber';

/** The `extensions` of a field whose resolver tells this decimal or large whole number as a number, and looks at nothing else. */
export function numberOf<Model extends keyof PrismaTypes>(
  model: Model,
  column: keyof PrismaTypes[Model]['Shape'] & string,
): Record<string, unknown> {
  return { ...looksAt(model, column), [NUMBER_OF]: column };
}

/** The column that the field tells as a number. */
export function numberColumn({ extensions }: GraphQLField<unknown, unknown>): string | null {
  const column = extensions[NUMBER_OF];
  return typeof column === 'string' ? column : null;
}

/** Null: it may be any. */
export function columnsLookedAt({ extensions }: GraphQLField<unknown, unknown>): readonly string[] | null {
  const columns = extensions[LOOKS_AT];
  return Array.isArray(columns) ? columns.filter((name) => typeof name === 'string') : null;
}

/** The relation that the field tells. */
export function relationOf({ extensions }: GraphQLField<unknown, unknown>): string | null {
  const relation = extensions['pothosPrismaRelationField'];
  const name: unknown = relation instanceof Object ? Reflect.get(relation, 'name') : undefined;
  return typeof name === 'string' ? name : null;
}

/** The resolver as it was declared, without what plugins lay around it. */
export function declaredResolver({ extensions }: GraphQLField<unknown, unknown>): AnyFunction | undefined {
  return functionAt(extensions['pothosOptions'], 'resolve');
}

/** Whether a role is needed, of which only what plugins lay around resolvers makes sure. */
export function needsRole({ extensions }: GraphQLField<unknown, unknown> | GraphQLObjectType): boolean {
  const options = extensions['pothosOptions'];
  return options instanceof Object && Reflect.get(options, 'authScopes') !== undefined;
}

function functionAt(object: unknown, name: string): AnyFunction | undefined {
  const value: unknown = object instanceof Object ? Reflect.get(object, name) : undefined;
  return typeof value === 'function' ? (...args) => Reflect.apply(value, undefined, args) : undefined;
}
