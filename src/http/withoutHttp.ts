import type { GraphQLError, GraphQLFormattedError } from 'graphql';

/** The errors without what Yoga notes in them for an answer's status, and takes out itself where it answers over HTTP. */
export function withoutHttp(errors: readonly GraphQLError[]): GraphQLFormattedError[] {
  return errors.map((each) => {
    const { extensions = {}, ...error } = each.toJSON();
    const { http: _, ...told } = extensions;
    return { ...error, ...(Object.keys(told).length > 0 && { extensions: told }) };
  });
}
