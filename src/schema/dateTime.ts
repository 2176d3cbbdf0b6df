/** Times as ISO 8601, within what the database can hold. */
import { GraphQLError, GraphQLScalarType, print, type ValueNode } from 'graphql';
import { DateTimeISOResolver } from 'graphql-scalars';
import { shown } from '../services/importFormats/faults.ts';
import { isStorableTime } from '../services/time.ts';

const config = DateTimeISOResolver.toConfig();

export const DateTimeResolver = new GraphQLScalarType<Date, string>({
  ...config,
  serialize: (value) => config.serialize(value),
  parseValue: (value) => storable(() => config.parseValue(value), shown(value)),
  parseLiteral: (node: ValueNode, variables) =>
    storable(() => config.parseLiteral(node, variables), print(node).slice(0, 100)),
});

/** The same words and code for a literal and a variable, and for what is no time and what cannot be stored. */
function storable(parse: () => Date, came: string): Date {
  let time: Date | null = null;
  try {
    time = parse();
  } catch {
    // What the parser says differs from case to case.
  }
  if (time !== null && isStorableTime(time)) return time;
  throw new GraphQLError(
    `A DateTime must be an ISO 8601 time with its zone, in the years 1 to 9999, such as 2026-09-01T09:02:55Z, not ${came}`,
    { extensions: { code: 'INVALID_INPUT' } },
  );
}
