/** What an operation's text comes to, found in one walk: a fragment is measured once, however often it is spread. */
import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  typeFromAST,
  valueFromASTUntyped,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';

/** The largest page there is. */
const LARGEST_PAGE = 100;
const DEFAULT_PAGE = 20;
/** How many entries a list without pages is taken to have. */
const LIST_SIZE = 5;
/** What looking up one id of a list costs besides its fields: `nodes` takes a statement for each. */
const LOOK_UP = 1_000;

export interface DocumentSize {
  depth: number;
  aliases: number;
  directives: number;
  complexity: number;
}

const NOTHING: DocumentSize = { depth: 0, aliases: 0, directives: 0, complexity: 0 };

/** Of a document with several operations, all are counted. */
export function documentSize(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>> = {},
): DocumentSize {
  const values = { ...defaultsOf(document), ...variables };
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, DocumentSize>();

  function ofFragment(name: string): DocumentSize {
    const known = measured.get(name);
    if (known) return known;
    const fragment = fragments.get(name);
    if (!fragment) return NOTHING;
    measured.set(name, NOTHING); // A cycle ends here; validation refuses it by name.
    const size = ofSelections(fragment.selectionSet, typeFromAST(schema, fragment.typeCondition));
    measured.set(name, size);
    return size;
  }

  function ofField(field: FieldNode, parent: GraphQLNamedType | undefined): DocumentSize {
    const name = field.name.value;
    const type = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name]?.type : undefined;
    const inside = field.selectionSet
      ? ofSelections(field.selectionSet, type && getNamedType(type))
      : NOTHING;
    return {
      // Introspection has a rule of its own in GraphQL.js: its lists may not be nested.
      depth: name.startsWith('__') ? 1 : 1 + inside.depth,
      aliases: (field.alias ? 1 : 0) + inside.aliases,
      directives: inside.directives,
      complexity: 1 + lookUpsOf(field, values) * LOOK_UP + entriesOf(field, type, values) * inside.complexity,
    };
  }

  function ofSelections(set: SelectionSetNode, parent: GraphQLNamedType | undefined): DocumentSize {
    const total = { ...NOTHING };
    for (const selection of set.selections) {
      let size: DocumentSize;
      if (selection.kind === Kind.FIELD) size = ofField(selection, parent);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) size = ofFragment(selection.name.value);
      else {
        const { typeCondition } = selection;
        const type = typeCondition ? typeFromAST(schema, typeCondition) : parent;
        size = ofSelections(selection.selectionSet, isCompositeType(type) ? type : undefined);
      }
      total.depth = Math.max(total.depth, size.depth);
      total.aliases += size.aliases;
      total.directives += size.directives + (selection.directives?.length ?? 0);
      total.complexity += size.complexity;
    }
    return total;
  }

  const total = { ...NOTHING };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const size = ofSelections(definition.selectionSet, schema.getRootType(definition.operation) ?? undefined);
    total.depth = Math.max(total.depth, size.depth);
    total.aliases += size.aliases;
    total.directives += size.directives + (definition.directives?.length ?? 0);
    total.complexity += size.complexity;
  }
  return total;
}

/** Whether variables have a say in it. */
export function isSizedByVariables(document: DocumentNode): boolean {
  let isSized = false;
  visit(document, {
    Argument({ name, value }) {
      const isSize = name.value === 'first' || name.value === 'last' || name.value === 'ids';
      if (isSize && value.kind !== Kind.INT) isSized = true;
    },
  });
  return isSized;
}

/** What variables are when they are not given; where operations differ in that, any may be meant. */
function defaultsOf(document: DocumentNode): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable, defaultValue } of definition.variableDefinitions ?? []) {
      const name = variable.name.value;
      const value = defaultValue?.kind === Kind.INT ? Number(defaultValue.value) : undefined;
      defaults[name] = name in defaults && defaults[name] !== value ? LARGEST_PAGE : value;
    }
  }
  return defaults;
}

/** How many entries a page has at most that is asked for by this number, or by what stands in its place. */
function pageOf(size: unknown): number | undefined {
  if (size === undefined || size === null) return undefined; // As if it had not been asked for.
  return typeof size === 'number' && size >= 0 ? Math.min(size, LARGEST_PAGE) : LARGEST_PAGE;
}

/** How many things are looked up by ids of theirs, each by itself. */
function lookUpsOf(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  const ids = field.arguments?.find(({ name }) => name.value === 'ids');
  const value: unknown = ids && valueFromASTUntyped(ids.value, variables);
  return Array.isArray(value) ? value.length : 0;
}

/** How many times what is inside a field may be answered. */
function entriesOf(
  field: FieldNode,
  type: GraphQLOutputType | undefined,
  variables: Readonly<Record<string, unknown>>,
): number {
  if (!type) return 1;
  for (const { name, value } of field.arguments ?? []) {
    if (name.value !== 'first' && name.value !== 'last') continue;
    const page = pageOf(valueFromASTUntyped(value, variables));
    if (page !== undefined) return page;
  }
  const named = getNamedType(type).name;
  if (named.endsWith('Connection')) return DEFAULT_PAGE;
  // The page has been multiplied at its connection; introspection is bounded elsewhere.
  const counted = field.name.value === 'edges' || named.startsWith('__');
  return isListType(getNullableType(type)) && !counted ? LIST_SIZE : 1;
}
