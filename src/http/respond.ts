import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { GRAPHQL_ROUTE, routeName } from './routeNames.ts';

/** How long a client that was refused may go on sending, in milliseconds. */
const REST_OF_BODY = 5_000;

/** The type of GraphQL's answers over HTTP; of any other, clients may believe no status but 200. */
const GRAPHQL_TYPE = 'application/graphql-response+json';

/** Answers with JSON; headers must not have been sent. */
export function respondJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.end(begun(response, status, body, headers));
}

/** Answers that something is wrong, in the shape that the clients of the route read. */
export function respondError(response: ServerResponse, status: number, code: string, message: string): void {
  response.end(begunError(response, status, code, message));
}

/**
 * As respondError, to a client that may be sending yet: what else comes is read and forgotten for a while, and only then
 * does the answer end. Were the connection cut amid its sending, the answer would be lost on many.
 */
export function respondAmidBody(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  if (request.complete) return respondError(response, status, code, message);
  response.write(begunError(response, status, code, message));
  const cutOff = setTimeout(() => request.destroy(), REST_OF_BODY).unref();
  finished(request, () => {
    clearTimeout(cutOff);
    response.end();
  });
  request.resume();
}

/** GraphQL's clients look for `errors` and show what they do not know whole; the other routes have one error. */
function begunError(response: ServerResponse, status: number, code: string, message: string): string {
  const { url, headers } = response.req;
  if (routeName(url) !== GRAPHQL_ROUTE) return begun(response, status, { error: { code, message } });
  const isNamed = headers.accept?.toLowerCase().includes(GRAPHQL_TYPE);
  return begun(
    response,
    status,
    { errors: [{ message, extensions: { code } }] },
    isNamed ? { 'Content-Type': `${GRAPHQL_TYPE}; charset=utf-8` } : {},
  );
}

/** Writes the head, and returns what is to follow it. */
function begun(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): string {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  return text;
}

/** Answers that we failed, if nothing has been answered yet. */
export function respondFault(response: ServerResponse, errorId: string): void {
  if (response.headersSent) response.destroy();
  else
    respondError(
      response,
      500,
      'INTERNAL_ERROR',
      `Something went wrong on our side; the log has it as ${errorId}.`,
    );
}
