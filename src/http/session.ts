import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../log.ts';
import type { Soon } from '../soon.ts';
import { ExpectedError } from '../services/errors.ts';
import type { Viewer } from '../services/viewer.ts';
import { respondAmidBody } from './respond.ts';

/** Who asks, and until when that holds. */
export interface Session {
  viewer: Viewer;
  /** null: without end. */
  expiresAt: Date | null;
  /** The API key that it hangs on, if it does. */
  keyId: string | null;
}

/**
 * Finds out who sends a request, or opens a WebSocket with these parameters. Throws UnauthenticatedError, and
 * IdentityUnavailableError when that cannot be told at present.
 */
export type Authenticate = (
  request: IncomingMessage,
  connectionParams?: Readonly<Record<string, unknown>>,
) => Soon<Session>;

export class UnauthenticatedError extends ExpectedError {
  constructor(message: string) {
    super('UNAUTHENTICATED', message);
  }
}

/** The provider of identities does not answer, so its tokens cannot be checked. */
export class IdentityUnavailableError extends ExpectedError {
  constructor(cause: unknown) {
    super(
      'IDENTITY_UNAVAILABLE',
      'The provider of identities does not answer, so the token cannot be checked. Try again in a while.',
    );
    this.cause = cause;
  }
}

/** Answers that it is not known who asks: 401, or 503 while it cannot be told. What else came is not looked at. */
export function respondUnidentified(
  request: IncomingMessage,
  response: ServerResponse,
  error: UnauthenticatedError | IdentityUnavailableError,
  log: Logger,
): void {
  const isRefused = error instanceof UnauthenticatedError;
  if (!isRefused) log.warn({ err: error.cause }, 'The provider of identities does not answer');
  if (isRefused) response.setHeader('WWW-Authenticate', 'Bearer realm="tunesmith"');
  else response.setHeader('Retry-After', '5');
  respondAmidBody(request, response, isRefused ? 401 : 503, error.code, error.message);
}
