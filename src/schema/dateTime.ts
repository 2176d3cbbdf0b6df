/** Times as ISO 8601, within what the database can hold. */
import { GraphQLError, GraphQLScalarType, type ValueNode } from 'graphql';
import { DateTimeISOResolver } from 'graphql-scalars';
import { isStorableTime } from '../services/time.ts';

const config = DateTimeISOResolver.toConfig();

export const DateTimeResolver = new GraphQLScalarType<Date, string>({
  ...config,
  serialize: (value) => config.serialize(value),
  parseValue: (value) => storable(config.parseValue(value)),
  parseLiteral: (node: ValueNode, variables) => storable(config.parseLiteral(node, variables)),
});

function storable(time: Date): Date {
  if (isStorableTime(time)) return time;
  throw new GraphQLError('DateTime must lie within the years 1 to 9999 (UTC).');
}
