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
  type FragmentDefinitionNode,
} from 'graphql';
import type { Context } from '../context.ts';
import { planObject } from './compile.ts';
import { completeObject, NotPlanned, settled, type ObjectPlan, type Run } from './plan.ts';

/** By the name of the operation. Null: there is none. */
const plans = new WeakMap<DocumentNode, Map<string, ObjectPlan | null>>();

/** The answer's data; null of what is left to GraphQL's executor. Nothing that it does has an effect, so it can be done again. */
export async function answerByPlan(
  args: ExecutionArgs,
  context: Context,
): Promise<Record<string, unknown> | null> {
  const plan = planOf(args);
  const operation = getOperationAST(args.document, args.operationName);
  if (!plan || !operation) return null;
  const { coerced } = getVariableValues(
    args.schema,
    operation.variableDefinitions ?? [],
    args.variableValues ?? {},
  );
  if (!coerced) return null;
  const run: Run = { variables: coerced, context, takes: new Map(), pending: [] };
  try {
    const data = completeObject(plan, undefined, run);
    await settled(run);
    return data;
  } catch {
    await Promise.allSettled(run.pending);
    return null;
  }
}

function planOf({ schema, document, operationName }: ExecutionArgs): ObjectPlan | null {
  const known = plans.get(document) ?? new Map<string, ObjectPlan | null>();
  plans.set(document, known);
  const name = operationName ?? '';
  const present = known.get(name);
  if (present !== undefined) return present;
  const made = makePlan({ schema, document, operationName });
  known.set(name, made);
  return made;
}

function makePlan({ schema, document, operationName }: ExecutionArgs): ObjectPlan | null {
  const operation = getOperationAST(document, operationName);
  const root = schema.getQueryType();
  if (operation?.operation !== OperationTypeNode.QUERY || !root) return null;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  try {
    return planObject({ schema, document, fragments }, root, [operation.selectionSet], {
      rows: null,
      page: null,
    });
  } catch (error) {
    if (error instanceof NotPlanned) return null;
    throw error;
  }
}
