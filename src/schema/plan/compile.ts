/** Makes a plan of a query's selections. What it cannot plan is left to GraphQL's own executor, whole. */
import {
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type SelectionSetNode,
} from 'graphql';
import { modelOf, needsRole } from './fieldFacts.ts';
import { argumentsOf, fieldsOf, type Operation, type SelectedField } from './fields.ts';
import { completeObject, NotPlanned, type Complete, type FieldPlan, type ObjectPlan } from './plan.ts';
import type { Origin, Place } from './place.ts';
import { sourceOf } from './sources.ts';

export function planObject(
  operation: Operation,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
  origin: Origin,
): ObjectPlan {
  if (needsRole(type)) throw new NotPlanned('A type for some roles only');
  if (modelOf(type) !== (origin.rows?.model ?? null)) throw new NotPlanned('Rows of another kind');
  return fieldsOf(operation, type, selectionSets).map((selected) =>
    planField(operation, type, selected, origin),
  );
}

function planField(
  operation: Operation,
  type: GraphQLObjectType,
  selected: SelectedField,
  origin: Origin,
): FieldPlan {
  const { key, name, condition, nodes } = selected;
  if (name === '__typename') return { key, condition, value: () => type.name, complete: (value) => value };
  const field = type.getFields()[name];
  const [node] = nodes;
  if (!field || !node || needsRole(field)) throw new NotPlanned(name);
  const place = { operation, type, field, selected, args: argumentsOf(field, node), origin };
  const { value, gives } = sourceOf(place);
  return { key, condition, value, complete: completeOf(place, field.type, gives) };
}

function completeOf(place: Place, type: GraphQLOutputType, gives: Origin): Complete {
  if (isNonNullType(type)) {
    const complete = completeOf(place, type.ofType, gives);
    return (value, run) => {
      const told = complete(value, run);
      if (told === null) throw new NotPlanned('Nothing where something has to be');
      return told;
    };
  }
  const complete = completePresent(place, type, gives);
  return (value, run) => (value === null || value === undefined ? null : complete(value, run));
}

function completePresent(place: Place, type: GraphQLOutputType, gives: Origin): Complete {
  if (isLeafType(type)) return (value) => type.serialize(value);
  if (isListType(type)) {
    const complete = completeOf(place, type.ofType, gives);
    return (value, run) => {
      if (!Array.isArray(value)) throw new NotPlanned('A list that is none');
      return value.map((item: unknown) => complete(item, run));
    };
  }
  if (!isObjectType(type)) throw new NotPlanned('An object of one of several types');
  const selectionSets = place.selected.nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const plan = planObject(place.operation, type, selectionSets, gives);
  return (value, run) => {
    if (value instanceof Error || value instanceof Promise) throw new NotPlanned('An odd object');
    return completeObject(plan, value, run);
  };
}
