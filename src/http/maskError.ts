/** What clients are told of errors. */
import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { z } from 'zod';
import { Prisma } from '../generated/prisma/client.ts';
import { ExpectedError } from '../services/errors.ts';

/** Expected failures become errors with their code; of everything else only an id is told, under which the log has it. */
export function maskError(error: unknown, tellFault: (error: unknown, what: string) => string): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  if (
    error instanceof GraphQLError &&
    (original === undefined || original === null || original instanceof GraphQLError)
  ) {
    if (isInputFault(error)) return withExtensions(error, { ...error.extensions, code: 'INVALID_INPUT' });
    // Of a body that is no JSON, Yoga hands on what the parser said; and to most clients it would say 200.
    const { originalError: parserFault, ...extensions } = error.extensions;
    return parserFault === undefined
      ? error
      : withExtensions(error, { ...extensions, http: { status: 400 } });
  }
  const place = error instanceof GraphQLError ? placeOf(error) : {};
  if (original instanceof ExpectedError) {
    return new GraphQLError(original.message, { ...place, extensions: { code: original.code } });
  }
  if (original instanceof Prisma.PrismaClientKnownRequestError && original.code === 'P2025') {
    return new GraphQLError('What this field belongs to is not there any more.', {
      ...place,
      extensions: { code: 'NOT_FOUND' },
    });
  }
  if (isStatementTimeout(original)) {
    return new GraphQLError(
      'A part of the query took the database longer than is allowed (STATEMENT_TIMEOUT_SECONDS). Ask for less at once, or filter.',
      { ...place, extensions: { code: 'OPERATION_TIMEOUT' } },
    );
  }
  if (original instanceof RangeError && original.message.startsWith('Maximum call stack')) {
    return new GraphQLError('The operation is nested too deeply. Ask for less at once.', {
      extensions: { code: 'INVALID_INPUT', http: { status: 400 } },
    });
  }
  const errorId = tellFault(original, 'An operation failed');
  return new GraphQLError(`Something went wrong on our side; the log has it as ${errorId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_ERROR', errorId },
  });
}

/** PostgreSQL's query_canceled. */
const CANCELED = z.literal('57014');
/** As Prisma's engine tells it, and as the driver does to reads that go past it. */
const statementTimeout = z.union([
  z.object({
    meta: z.object({ driverAdapterError: z.object({ cause: z.object({ originalCode: CANCELED }) }) }),
  }),
  z.object({ code: CANCELED }),
]);

function isStatementTimeout(error: unknown): boolean {
  return statementTimeout.safeParse(error).success;
}

/** Variables of a wrong type, and what Pothos says of a page's arguments, come without a code. */
function isInputFault(error: GraphQLError): boolean {
  if (error.extensions['code'] === 'BAD_USER_INPUT') return true; // Yoga's word for a variable that is missing.
  if (error.extensions['code'] !== undefined) return false;
  return error.path === undefined || error.originalError instanceof PothosValidationError;
}

function withExtensions(error: GraphQLError, extensions: GraphQLErrorExtensions): GraphQLError {
  const { message, originalError } = error;
  return new GraphQLError(message, {
    ...placeOf(error),
    ...(originalError && { originalError }),
    extensions,
  });
}

function placeOf({ nodes, path }: GraphQLError) {
  return { ...(nodes && { nodes }), ...(path && { path }) };
}
