/** Fields whose value their resolver finds. */
import { getOperationAST, type GraphQLResolveInfo, type OperationDefinitionNode } from 'graphql';
import type { Place } from './place.ts';
import { NotPlanned, type Value } from './plan.ts';

export function resolved(place: Place): Value {
  const { field, args } = place;
  const { resolve, name } = field;
  if (!resolve) return (source) => cell(source, name);
  const info = infoOf(place);
  return (source, run) => resolve(source, args(run.variables), run.context, info);
}

/** The same for every run, so without what differs. */
export function infoOf({
  operation: { schema, document, fragments },
  type,
  field,
  selected,
}: Place): GraphQLResolveInfo {
  return {
    fieldName: field.name,
    fieldNodes: selected.nodes,
    returnType: field.type,
    parentType: type,
    path: { prev: undefined, key: selected.key, typename: type.name },
    schema,
    fragments,
    rootValue: undefined,
    operation: operationOf(getOperationAST(document)),
    get variableValues(): never {
      throw new NotPlanned('A resolver that looks at the variables');
    },
  };
}

function operationOf(found: OperationDefinitionNode | null | undefined): OperationDefinitionNode {
  if (!found) throw new NotPlanned('One of several operations');
  return found;
}

export function cell(row: unknown, name: string): unknown {
  return row instanceof Object ? Reflect.get(row, name) : undefined;
}
