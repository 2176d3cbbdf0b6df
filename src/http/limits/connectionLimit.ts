/** How many connections that stay open each principal may hold: WebSockets and event streams, counted together. */
import { ExpectedError } from '../../services/errors.ts';
import type { Viewer } from '../../services/viewer.ts';

export interface ConnectionLimit {
  /** Counts one more, until what it returns is called. Throws TooManyConnectionsError. */
  open(viewer: Pick<Viewer, 'tenantId' | 'subject'>): () => void;
}

/** The code that a WebSocket past the limit is closed with; on it the graphql-ws client does not connect again by itself. */
export const TOO_MANY_CONNECTIONS = 4429;

/** A reason of a closing may have 123 bytes. */
export const tooManyConnectionsReason = (max: number) =>
  `Too many connections: you hold ${max}, which is as many as are allowed (SOCKETS_PER_PRINCIPAL).`;

export class TooManyConnectionsError extends ExpectedError {
  constructor(max: number) {
    super('TOO_MANY_CONNECTIONS', `${tooManyConnectionsReason(max)} Close one first.`);
  }
}

export function createConnectionLimit(max: number): ConnectionLimit {
  const held = new Map<string, number>();
  return {
    open({ tenantId, subject }) {
      const key = `${tenantId} ${subject}`;
      const count = held.get(key) ?? 0;
      if (count >= max) throw new TooManyConnectionsError(max);
      held.set(key, count + 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        const rest = (held.get(key) ?? 0) - 1;
        if (rest > 0) held.set(key, rest);
        else held.delete(key);
      };
    },
  };
}
