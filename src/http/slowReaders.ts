/**
 * Who takes nothing of what waits for him. Followers are pulled, one result at a time, so such a client costs no more
 * than what is on its way to it; but it costs that, and a connection, for as long as it likes, unless it is told to go.
 */
import type { Socket } from 'node:net';

/** The code that a WebSocket is closed with when its client was too slow, and the reason that goes with it. */
export const TOO_SLOW = 4429;
export const TOO_SLOW_REASON = 'Too slow: reconnect and go on with afterSeq.';

/**
 * How long a client may take nothing while something waits, in milliseconds. Longer than a page in a background tab, a
 * garbage collection or a change of networks takes; short enough that hundreds of dead clients do not pile up.
 */
const STALL_LIMIT = 30_000;
/** How many times within that limit is looked. A look that comes late, since the process stood still, counts once. */
const LOOKS = 10;
/** After how many looks a quiet connection is asked whether its client is still there: 12 s, as proxies cut it off after 30. */
const LOOKS_A_PING = 4;

export interface Reader {
  socket: Socket;
  /** Bytes that wait in this process. */
  waiting(): number;
  /** Whether the client owes no answer at present, since it is us who do not listen. */
  excused?(): boolean;
  /** Asks the client to answer with `Watched.answered`; without it only what waits is looked at. */
  ping?(): void;
  /** Called once, when the client has taken nothing for the whole limit. */
  stalled(): void;
}

export interface Watched {
  /** The client answered a ping. */
  answered(): void;
  stop(): void;
}

export interface SlowReaders {
  watch(reader: Reader): Watched;
  close(): void;
}

/** A class, since there are thousands: they share their methods. */
class Watch implements Watched {
  readonly reader: Reader;
  readonly #all: Set<Watch>;
  #taken = '';
  #waited = false;
  #asked = false;
  /** Looks since the client last took something. */
  #idle = 0;
  #looks = 0;

  constructor(reader: Reader, all: Set<Watch>) {
    this.reader = reader;
    this.#all = all;
    all.add(this);
  }

  answered(): void {
    this.#asked = false;
    this.#idle = 0;
  }

  stop(): void {
    this.#all.delete(this);
  }

  /** Whether the client has taken nothing for the whole limit. */
  look(): boolean {
    const { reader } = this;
    const [taken, waits] = [takenOf(reader), reader.waiting() > 0];
    // Into a connection that was full, more goes only when the client has read from its other end.
    const moved = this.#waited && taken !== this.#taken;
    const owes = waits || (this.#asked && !reader.excused?.());
    this.#idle = moved || !owes ? 0 : this.#idle + 1;
    this.#taken = taken;
    this.#waited = waits;
    this.#looks += 1;
    if (reader.ping && !this.#asked && this.#looks % LOOKS_A_PING === 0) {
      this.#asked = true;
      reader.ping();
    }
    return this.#idle >= LOOKS;
  }
}

export function createSlowReaders(limit = STALL_LIMIT): SlowReaders {
  const all = new Set<Watch>();
  const timer = setInterval(() => {
    for (const one of all) {
      if (!one.look()) continue;
      one.stop();
      one.reader.stalled();
    }
  }, limit / LOOKS);
  timer.unref();

  return {
    watch: (reader) => new Watch(reader, all),
    close: () => clearInterval(timer),
  };
}

/** What the operating system has taken, as something to compare; of a large write that is under way also how far it is. */
function takenOf({ socket }: Reader): string {
  const handle: unknown = Reflect.get(socket, '_handle');
  const left: unknown = handle instanceof Object ? Reflect.get(handle, 'writeQueueSize') : 0;
  return `${socket.bytesWritten - socket.writableLength} ${String(left)}`;
}
