/** A query's selections as lists of fields, fragments and conditions resolved. */
import {
  getArgumentValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  Kind,
  valueFromAST,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import type { FragmentDefinitionNode, ValueNode } from 'graphql';
import { NotPlanned, type Condition } from './plan.ts';

export interface Operation {
  schema: GraphQLSchema;
  document: DocumentNode;
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

export interface SelectedField {
  key: string;
  name: string;
  /** More than one when a field is selected at several places. */
  nodes: FieldNode[];
  condition: Condition | null;
}

export function fieldsOf(
  operation: Operation,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
): SelectedField[] {
  const fields = new Map<string, SelectedField>();

  function gather({ selections }: SelectionSetNode, within: Condition | null): void {
    for (const selection of selections) {
      const condition = both(within, conditionOf(selection.directives));
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const present = fields.get(key);
        if (!present) fields.set(key, { key, name: selection.name.value, nodes: [selection], condition });
        else if (present.condition || condition) throw new NotPlanned('A field under two conditions');
        else present.nodes.push(selection);
        continue;
      }
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? operation.fragments[selection.name.value] : selection;
      if (fragment && applies(operation.schema, fragment.typeCondition?.name.value, type))
        gather(fragment.selectionSet, condition);
    }
  }

  for (const set of selectionSets) gather(set, null);
  return [...fields.values()];
}

function applies(schema: GraphQLSchema, condition: string | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition === type.name) return true;
  const wanted = schema.getType(condition);
  return isAbstractType(wanted) && schema.isSubType(wanted, type);
}

function both(a: Condition | null, b: Condition | null): Condition | null {
  if (!a || !b) return a ?? b;
  return (variables) => a(variables) && b(variables);
}

function conditionOf(directives: readonly DirectiveNode[] = []): Condition | null {
  return directives.reduce<Condition | null>((known, directive) => {
    const name = directive.name.value;
    const isSkip = name === GraphQLSkipDirective.name;
    if (!isSkip && name !== GraphQLIncludeDirective.name) throw new NotPlanned(`@${name}`);
    const given = directive.arguments?.[0]?.value;
    return both(known, (variables) => isTrue(given, variables) !== isSkip);
  }, null);
}

function isTrue(value: ValueNode | undefined, variables: Record<string, unknown>): boolean {
  return Boolean(value && valueFromAST(value, GraphQLSkipDirective.args[0]?.type ?? never(), variables));
}

function never(): never {
  throw new Error('GraphQL has no @skip');
}

const NOTHING = Object.freeze({});

export type Args = (variables: Record<string, unknown>) => Record<string, unknown>;

/** A field's arguments, worked out once where no variable has a say in them. */
export function argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Args {
  if (field.args.length === 0) return () => NOTHING;
  if (node.arguments?.some(({ value }) => hasVariable(value)))
    return (variables) => getArgumentValues(field, node, variables);
  const values = getArgumentValues(field, node);
  return () => values;
}

function hasVariable(value: ValueNode): boolean {
  if (value.kind === Kind.VARIABLE) return true;
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  return value.kind === Kind.OBJECT && value.fields.some((field) => hasVariable(field.value));
}
