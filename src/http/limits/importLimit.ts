/** How large a file may be that is imported. */
import type { IncomingMessage } from 'node:http';
import { ExpectedError } from '../../services/errors.ts';

export class ImportTooLargeError extends ExpectedError {
  constructor(maxBytes: number, what: string) {
    super(
      'IMPORT_TOO_LARGE',
      `The file has more than ${maxBytes} bytes, which is as many as are allowed (IMPORT_MAX_BYTES). ${what} Send it in parts: what is stored already counts as unchanged.`,
    );
  }
}

/** Throws ImportTooLargeError where the request tells a length that is too large. */
export function requireSizeWithin({ headers }: IncomingMessage, maxBytes: number): void {
  if (Number(headers['content-length'] ?? 0) > maxBytes)
    throw new ImportTooLargeError(maxBytes, 'Nothing was stored.');
}

/**
 * The body, counted as it is read, of which a reader may leave the rest: leaving a request itself would cut the
 * connection, and the answer with it. Throws ImportTooLargeError.
 */
export async function* bodyWithin(request: IncomingMessage, maxBytes: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  const body: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes)
      throw new ImportTooLargeError(
        maxBytes,
        'The rows before that are stored, the last batch of them aside.',
      );
    yield chunk;
  }
}
