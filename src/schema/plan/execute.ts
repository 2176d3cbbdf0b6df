/**
 * Answers queries by plans. Pothos and GraphQL's executor work out anew, for each query and each row, what the document
 * has said once and for all; a plan is made once. Only what goes well is answered here: where anything is wrong or
 * unusual, the query is left to GraphQL's executor, which knows all that there is to say of errors.
 */
import {
  getOperationAST,
  getVariableValues,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type VariableDefinitionNode,
} from 'graphql';
import type { Soon } from '../../soon.ts';
import type { Context } from '../context.ts';
import { planObject } from './compile.ts';
import { toldBytes } from './told.ts';
import { completeObject, NotPlanned, settled, type ObjectPlan, type Run } from './plan.ts';

/** By the name of the operation. Null: there is none. */
const plans = new WeakMap<DocumentNode, Map<string, QueryPlan | null>>();

/** The answers of which some is there as JSON already. */
const withTold = new WeakSet<object>();

/** A result as JSON. */
export function bodyOf(result: ExecutionResult): Buffer {
  const hasTold = result.data && withTold.has(result.data);
  return hasTold ? toldBytes(result) : Buffer.from(JSON.stringify(result));
}

interface QueryPlan {
  variables: readonly VariableDefinitionNode[];
  plan: ObjectPlan;
}

/** The answer's data; null of what is left to GraphQL's executor. Nothing that it does has an effect, so it can be done again. */
export function answerByPlan(args: ExecutionArgs, context: Context): Soon<Record<string, unknown> | null> {
  const query = planOf(args);
  if (!query) return null;
  const variables = variablesOf(query, args);
  if (!variables) return null;
  const run: Run = { variables, context, takes: new Map(), pending: [], hasTold: false };
  try {
    const data = completeObject(query.plan, undefined, run);
    return run.pending.length === 0 ? data : whenSettled(data, run);
  } catch {
    return nothing(run);
  }
}

async function whenSettled(data: Record<string, unknown>, run: Run): Promise<Record<string, unknown> | null> {
  try {
    await settled(run);
    if (run.hasTold) withTold.add(data);
    return data;
  } catch {
    return nothing(run);
  }
}

async function nothing({ pending }: Run): Promise<null> {
  await Promise.allSettled(pending);
  return null;
}

/** Undefined: there is something wrong with them. */
function variablesOf(
  { variables }: QueryPlan,
  { schema, variableValues }: ExecutionArgs,
): Record<string, unknown> | undefined {
  return variables.length === 0 ? {} : getVariableValues(schema, variables, variableValues ?? {}).coerced;
}

function planOf({ schema, document, operationName }: ExecutionArgs): QueryPlan | null {
  let known = plans.get(document);
  if (!known) plans.set(document, (known = new Map<string, QueryPlan | null>()));
  const name = operationName ?? '';
  const present = known.get(name);
  if (present !== undefined) return present;
  const made = makePlan({ schema, document, operationName });
  known.set(name, made);
  return made;
}

function makePlan({ schema, document, operationName }: ExecutionArgs): QueryPlan | null {
  const operation = getOperationAST(document, operationName);
  const root = schema.getQueryType();
  if (operation?.operation !== OperationTypeNode.QUERY || !root) return null;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  try {
    const origin = { rows: null, page: null };
    return {
      variables: operation.variableDefinitions ?? [],
      plan: planObject({ schema, document, fragments }, root, [operation.selectionSet], origin),
    };
  } catch (error) {
    if (error instanceof NotPlanned) return null;
    throw error;
  }
}
