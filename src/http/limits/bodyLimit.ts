import type { IncomingMessage, ServerResponse } from 'node:http';
import { respondAmidBody } from '../respond.ts';

/**
 * The body, or null where it is too large and that has been answered. A length that is told is believed, as Node's parser
 * ends the body there.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<Buffer | null> {
  const refuse = (): null => {
    respondAmidBody(
      request,
      response,
      413,
      'BODY_TOO_LARGE',
      `The body has more than ${maxBytes} bytes, which is as many as are allowed (GRAPHQL_MAX_BODY_BYTES). Files go to /import.`,
    );
    return null;
  };
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(refuse());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return chunks.push(chunk);
      leave();
      return resolve(refuse());
    };
    const end = () => {
      leave();
      const [only] = chunks;
      resolve(only && chunks.length === 1 ? only : Buffer.concat(chunks));
    };
    const fail = (error: Error) => {
      leave();
      reject(error);
    };
    // By events: the iterator of a stream costs a third of a small request.
    const leave = () => {
      request.off('data', take).off('end', end).off('error', fail);
    };
    request.on('data', take).on('end', end).on('error', fail);
  });
}
