/** Makes a plan of a query's selections. What it cannot plan is left to GraphQL's own executor, whole. */
import {
  getNamedType,
  GraphQLString,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type SelectionSetNode,
} from 'graphql';
import { Written } from '../../db/reader/written.ts';
import { modelOf, needsRole } from './fieldFacts.ts';
import { argumentsOf, fieldsOf, type Operation, type SelectedField } from './fields.ts';
import { completeObject, NotPlanned, type Complete, type FieldPlan, type ObjectPlan } from './plan.ts';
import type { Origin, Place } from './place.ts';
import { sourceOf } from './sources.ts';
import { toldOf, writingOf } from './writing.ts';

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
  if (name === '__typename') {
    const value = () => type.name;
    const valueOrigin = { text: JSON.stringify(type.name) };
    return {
      key,
      name,
      type: GraphQLString,
      condition,
      value,
      complete: asItIs,
      origin: valueOrigin,
      object: null,
      gives: NOTHING,
    };
  }
  const field = type.getFields()[name];
  const [node] = nodes;
  if (!field || !node || needsRole(field)) throw new NotPlanned(name);
  const place = { operation, type, field, selected, args: argumentsOf(field, node), origin };
  const { value, gives, origin: valueOrigin = null, isRead = false } = sourceOf(place);
  const object = objectOf(place, gives);
  const complete = completeOf(field.type, object, gives);
  const plan = {
    key,
    name,
    type: field.type,
    condition,
    value,
    complete,
    object,
    gives,
    origin: valueOrigin,
  };
  const rows = gives.rows ?? gives.page;
  if (isRead && rows) rows.writing = writingOf(plan);
  return plan;
}

const asItIs: Complete = (value) => value;
const NOTHING: Origin = { rows: null, page: null };

/** What is told of the objects that the field gives; null of what is no object. */
function objectOf(place: Place, gives: Origin): ObjectPlan | null {
  const type = getNamedType(place.field.type);
  if (isLeafType(type)) return null;
  if (!isObjectType(type)) throw new NotPlanned('An object of one of several types');
  const selectionSets = place.selected.nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  return planObject(place.operation, type, selectionSets, gives);
}

function completeOf(type: GraphQLOutputType, object: ObjectPlan | null, gives: Origin): Complete {
  if (isNonNullType(type)) {
    const complete = completeOf(type.ofType, object, gives);
    return (value, run) => {
      const told = complete(value, run);
      if (told === null) throw new NotPlanned('Nothing where something has to be');
      return told;
    };
  }
  const complete = completePresent(type, object, gives);
  return (value, run) => (value === null || value === undefined ? null : complete(value, run));
}

function completePresent(type: GraphQLOutputType, object: ObjectPlan | null, gives: Origin): Complete {
  if (isLeafType(type)) return (value) => type.serialize(value);
  if (isListType(type)) {
    const complete = completeOf(type.ofType, object, gives);
    return (value, run) => {
      if (!Array.isArray(value)) throw new NotPlanned('A list that is none');
      return value.map((item: unknown) => complete(item, run));
    };
  }
  if (!object) throw new NotPlanned('An object of which nothing is told');
  return (value, run) => {
    if (value instanceof Error || value instanceof Promise) throw new NotPlanned('An odd object');
    if (value instanceof Written) return toldOf(value, gives.rows, run);
    return completeObject(object, value, run);
  };
}
