import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';

/** How long a client that was refused may go on sending, in milliseconds. */
const REST_OF_BODY = 5_000;

/** Answers with JSON; headers must not have been sent. */
export function respondJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.end(begun(response, status, body, headers));
}

/** Answers that something is wrong, in the shape that every route uses. */
export function respondError(response: ServerResponse, status: number, code: string, message: string): void {
  respondJson(response, status, { error: { code, message } });
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
  response.write(begun(response, status, { error: { code, message } }));
  const cutOff = setTimeout(() => request.destroy(), REST_OF_BODY).unref();
  finished(request, () => {
    clearTimeout(cutOff);
    response.end();
  });
  request.resume();
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
