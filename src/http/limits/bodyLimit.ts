import type { IncomingMessage, ServerResponse } from 'node:http';
import { respondAmidBody } from '../respond.ts';

/**
 * The body, or null where it is too large and that has been answered. A length that is told is believed, as Node's parser
 * ends the body there.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<Buffer | null> {
  const tooLarge = () => {
    respondAmidBody(
      request,
      response,
      413,
      'BODY_TOO_LARGE',
      `The body has more than ${maxBytes} bytes, which is as many as are allowed (GRAPHQL_MAX_BODY_BYTES). Files go to /import.`,
    );
    return null;
  };
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // Left open when it is too large: the answer goes over the same connection.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) break;
    chunks.push(chunk);
  }
  // Only when the loop has let go of it may the rest be read.
  return length > maxBytes ? tooLarge() : Buffer.concat(chunks);
}
