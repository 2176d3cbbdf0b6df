/** How long a store is waited for. */
import { ExportStoreError } from './storeError.ts';

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

/** How much may be overdue before nothing more is asked for: each holds one of the few threads that Node reads files with. */
const MOST_OVERDUE = 2;
/** A disk that writes less than this is taken to hang, in bytes a millisecond. */
const SLOWEST = 5_000;

export type DiskWait = ReturnType<typeof createDiskWait>;

/**
 * Waits for a disk, or what is mounted as one, which may hang. The operating system cannot be told to give up: what is
 * overdue goes on, and nothing more is asked of the disk than `MOST_OVERDUE` until that has ended.
 */
export function createDiskWait(directory: string, patience: Patience) {
  let overdue = 0;

  function late(): ExportStoreError {
    const mend =
      'Check the disk, or the server and the network that it is mounted from; mount it so that it gives up (NFS: softerr).';
    return new ExportStoreError(
      'STORE_TIMED_OUT',
      `The directory ${directory} does not answer in time`,
      mend,
    );
  }

  async function within<Result>(limit: number, work: () => Promise<Result>): Promise<Result> {
    if (overdue >= MOST_OVERDUE) throw late();
    const done = work();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        overdue += 1;
        const ended = () => void (overdue -= 1);
        done.then(ended, ended);
        reject(late());
      }, limit);
    });
    try {
      return await Promise.race([done, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    hangs: () => overdue > 0,
    /** For an answer, and for `bytes` on their way. */
    answer: <Result>(work: () => Promise<Result>, bytes = 0) =>
      within(patience.answer + bytes / SLOWEST, work),
    /** For each of the values in its turn; whoever takes them may be as slow as they like. */
    async *each<Value>(values: AsyncIterable<Value>): AsyncGenerator<Value> {
      const iterator = values[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await within(patience.idle, () => iterator.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        const closed = Promise.resolve(iterator.return?.()); // Of what hangs it is not waited for.
        if (overdue > 0) closed.catch(() => undefined);
        else await closed;
      }
    },
  };
}
