/** How many requests each principal may send: a bucket of tokens that fills evenly, and holds a minute's worth. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpectedError } from '../../services/errors.ts';
import type { Viewer } from '../../services/viewer.ts';
import { respondAmidBody } from '../respond.ts';

export interface RateLimit {
  /** Takes a token. Throws RateLimitedError when there is none. */
  take(viewer: Pick<Viewer, 'tenantId' | 'subject'>): void;
}

export class RateLimitedError extends ExpectedError {
  /** When there will be a token again. */
  readonly seconds: number;

  constructor(perMinute: number, seconds: number) {
    super(
      'RATE_LIMITED',
      `You have sent ${perMinute} requests within a minute, which is as many as are allowed (RATE_LIMIT_PER_MINUTE). Try again in ${seconds} s.`,
    );
    this.seconds = seconds;
  }
}

/** Answers 429. */
export function respondRateLimited(
  request: IncomingMessage,
  response: ServerResponse,
  { seconds, code, message }: RateLimitedError,
): void {
  response.setHeader('Retry-After', seconds);
  respondAmidBody(request, response, 429, code, message);
}

interface Bucket {
  tokens: number;
  /** When they were counted, in milliseconds. */
  at: number;
}

const MINUTE = 60_000;

/** `now` never goes back: a clock that is set must not lock anybody out. */
export function createRateLimit(perMinute: number, now: () => number = () => performance.now()): RateLimit {
  // The longest unused first: a full bucket is as good as none, so those are forgotten as others come.
  const buckets = new Map<string, Bucket>();

  function forgetFull(at: number): void {
    for (const [key, bucket] of buckets) {
      if (at - bucket.at < MINUTE) return;
      buckets.delete(key);
    }
  }

  return {
    take({ tenantId, subject }) {
      const at = now();
      forgetFull(at);
      const key = `${tenantId} ${subject}`;
      const known = buckets.get(key);
      const filled = known ? known.tokens + ((at - known.at) * perMinute) / MINUTE : perMinute;
      const tokens = Math.min(perMinute, filled);
      buckets.delete(key);
      buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, at });
      if (tokens < 1)
        throw new RateLimitedError(perMinute, Math.ceil(((1 - tokens) * MINUTE) / perMinute / 1000));
    },
  };
}
