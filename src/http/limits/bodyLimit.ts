import type { IncomingMessage, ServerResponse } from 'node:http';
import { respondError } from '../respond.ts';

/** Whether the request's body may be read; where not, it is answered. Bodies say their length, so none is read in vain. */
export function isBodyWithin(request: IncomingMessage, response: ServerResponse, maxBytes: number): boolean {
  if (request.headers['transfer-encoding'] !== undefined) {
    respondError(response, 411, 'LENGTH_REQUIRED', 'Send the operation with the header Content-Length.');
    return false;
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length <= maxBytes) return true;
  response.setHeader('Connection', 'close');
  respondError(
    response,
    413,
    'BODY_TOO_LARGE',
    `The body has ${length} bytes; ${maxBytes} are allowed (GRAPHQL_MAX_BODY_BYTES). Files go to /import.`,
  );
  return false;
}
