/** What the parts of the schema that Relay's conventions bring along are for. */
import type { GraphQLSchema } from 'graphql';
import { isObjectType } from 'graphql';

const described = (description: string) => ({ description });

/** For the builder's `relay` options. */
export const relayDescriptions = {
  idFieldOptions: described('Names this one thing among all; hand it back wherever an id is asked for.'),
  nodeTypeOptions: described('Whatever has an id.'),
  nodeQueryOptions: {
    description: 'Anything that has an id, by that id; null when there is nothing.',
    args: { id: described('Any id that this API gave out.') },
  },
  nodesQueryOptions: {
    description: 'Several things by their ids, in that order; null in place of what is not there.',
    args: { ids: described('Any ids that this API gave out.') },
  },
  defaultConnectionTypeOptions: described('One page of a list.'),
  defaultEdgeTypeOptions: described('One entry of a list, and its place there.'),
  edgesFieldOptions: described('The entries on this page, in order.'),
  nodeFieldOptions: described('What the entry is.'),
  cursorFieldOptions: described(
    'The entry’s place in the list: hand it back as `after` or `before`. Once the entry is deleted that is answered with `CURSOR_GONE`: begin anew.',
  ),
  pageInfoFieldOptions: described('Whether there is more, and where to go on.'),
  pageInfoTypeOptions: described('Where a page lies in its list.'),
  hasNextPageFieldOptions: described('Whether there is more after this page, when reading forwards.'),
  hasPreviousPageFieldOptions: described('Whether there is more before this page, when reading backwards.'),
  startCursorFieldOptions: described('The place of the page’s first entry; null when the page is empty.'),
  endCursorFieldOptions: described(
    'The place of the page’s last entry, to hand back as `after`; null when the page is empty.',
  ),
  firstArgOptions: described(
    'How many entries from the start, or after `after`: 0 to 100; 20 when left out.',
  ),
  lastArgOptions: described('How many entries from the end, or before `before`: 0 to 100.'),
  afterArgOptions: described('Begin after this place, a `cursor` or `endCursor` of this list.'),
  beforeArgOptions: described('End before this place, a `cursor` or `startCursor` of this list.'),
};

/** Pothos has no option for the counts that it adds to connections: they are described afterwards. */
export function describeTotalCounts(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    const field =
      isObjectType(type) && type.name.endsWith('Connection') ? type.getFields()['totalCount'] : undefined;
    if (field)
      field.description ??=
        'How many entries the whole list has, whatever the page. Counted only when asked for.';
  }
  return schema;
}
