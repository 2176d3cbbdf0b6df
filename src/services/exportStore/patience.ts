/** How long a store is waited for. */

/** In milliseconds. */
export interface Patience {
  /** For a connection. */
  connect: number;
  /** For the answer to a question without a file in it, retries included. */
  answer: number;
  /** For the next bytes of a file, either way. */
  idle: number;
}

export const PATIENCE: Patience = { connect: 5_000, answer: 15_000, idle: 30_000 };

export interface IdleWatch {
  /** Aborts when nothing happened for too long. */
  signal: AbortSignal;
  /** Something happened: the wait begins anew. */
  touch(): void;
  /** Nobody waits for the store, until `touch`. */
  rest(): void;
}

export function watchIdle(limit: number): IdleWatch {
  const aborter = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const rest = () => clearTimeout(timer);
  const touch = () => {
    rest();
    timer = setTimeout(() => aborter.abort(), limit);
  };
  touch();
  return { signal: aborter.signal, touch, rest };
}
