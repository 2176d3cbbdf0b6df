/** What is done to answer a query: which rows are read, and what is told of them. Made once for each document (compile.ts). */
import type { Context } from '../context.ts';

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
}

export type Condition = (variables: Record<string, unknown>) => boolean;

/** The value of a field of `source`, or a promise of it. */
export type Value = (source: unknown, run: Run) => unknown;
/** What is told of a value. */
export type Complete = (value: unknown, run: Run) => unknown;

export interface FieldPlan {
  /** Under which name it is told. */
  key: string;
  /** Null: always. */
  condition: Condition | null;
  value: Value;
  complete: Complete;
}

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
