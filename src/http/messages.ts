/** What subscribers are told of one event: worked out and written as JSON once for all who are told the same. */
import type { ExecutionResult, GraphQLError } from 'graphql';
import { withoutHttp } from './withoutHttp.ts';

export interface Message {
  result: ExecutionResult;
  /** Without what only HTTP's status is made of. */
  text: string;
  /** Whether it is for the one who asked alone, since who asks had a say in it. */
  personal: boolean;
}

export function messageOf(
  { data, errors }: ExecutionResult,
  mask: (error: unknown) => GraphQLError,
  personal: boolean,
): Message {
  const masked = errors?.map(mask);
  const result = { ...(data !== undefined && { data }), ...(masked && { errors: masked }) };
  const text = JSON.stringify(masked ? { ...result, errors: withoutHttp(masked) } : result);
  return { result, text, personal };
}
