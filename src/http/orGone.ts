import type { ServerResponse } from 'node:http';
import { ClientGoneError } from '../services/errors.ts';
import type { Gone } from './operation.ts';

/** How long an operation is waited for whose client is gone, in milliseconds. */
const GONE_GRACE = 5_000;

/**
 * Settles with the work, or some time after the client has gone: what was broken off at the wrong moment Yoga would
 * answer never, and it would be kept, and waited for at the end, for ever.
 */
export async function orGone(work: PromiseLike<unknown>, response: ServerResponse): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let look: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => {
    look = () => {
      timer = setTimeout(resolve, GONE_GRACE);
    };
    response.once('close', look);
  });
  try {
    await Promise.race([work, gone]);
  } finally {
    clearTimeout(timer);
    if (look) response.off('close', look); // What streams is open for long.
  }
}

/** A signal is made only for what asks for one: most operations end before anybody could leave. */
export function goneOf(response: ServerResponse): Gone {
  return () => {
    const gone = new AbortController();
    const look = () => {
      if (!response.writableFinished) gone.abort(new ClientGoneError());
    };
    if (response.closed) look();
    else response.once('close', look);
    return gone.signal;
  };
}
