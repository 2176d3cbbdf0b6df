/** What is done to answer a query: which rows are read, and what is told of them. Made once for each document (compile.ts). */
import type { GraphQLOutputType } from 'graphql';
import type { Context } from '../context.ts';
import type { Origin } from './place.ts';

/** The plan does not cover this; the query is answered as any other. */
export class NotPlanned extends Error {}

/** One answer on its way. */
export interface Run {
  variables: Record<string, unknown>;
  context: Context;
  /** How many rows each related list was asked for. */
  takes: Map<object, number>;
  /** What is still to come in. */
  pending: Promise<void>[];
  /** Whether some of it is there as JSON already (told.ts). */
  hasTold: boolean;
}

export type Condition = (variables: Record<string, unknown>) => boolean;

/** The value of a field of `source`, or a promise of it. */
export type Value = (source: unknown, run: Run) => unknown;
/** What is told of a value. */
export type Complete = (value: unknown, run: Run) => unknown;

export interface FieldPlan {
  /** Under which name it is told. */
  key: string;
  name: string;
  type: GraphQLOutputType;
  /** What its value is, where more than its resolver knows. */
  origin: ValueOrigin | null;
  /** What is told of its value, where that is an object. */
  object: ObjectPlan | null;
  gives: Origin;
  /** Null: always. */
  condition: Condition | null;
  value: Value;
  complete: Complete;
}

/** The value of a field of a row. */
export type ValueOrigin =
  | { text: string }
  /** A column as it is. */
  | { column: string }
  /** A column as a number. */
  | { number: string }
  /** The row's global id. */
  | { idOf: string }
  | { relation: string }
  /** What the field's resolver makes of columns. */
  | { columns: readonly string[] };

export type ObjectPlan = readonly FieldPlan[];

export function completeObject(plan: ObjectPlan, source: unknown, run: Run): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const { key, condition, value, complete } of plan) {
    if (condition && !condition(run.variables)) continue;
    const found = value(source, run);
    if (found instanceof Promise) {
      told[key] = undefined; // Keeps its place.
      run.pending.push(
        (async () => {
          told[key] = complete(await found, run);
        })(),
      );
    } else told[key] = complete(found, run);
  }
  return told;
}

/** Settles when everything has come in. */
export async function settled(run: Run): Promise<void> {
  while (run.pending.length > 0) await Promise.all(run.pending.splice(0));
}
