/**
 * Rows as bytes: `pg` decodes whatever it is sent, which takes longer than all else where the text is large and only to be
 * handed on. Here a connection's stream is looked through before `pg` reads it, and the rows that a query wants as bytes
 * are taken out of it.
 */
import { EventEmitter } from 'node:events';
import type pg from 'pg';

/** Given the first value of a row. */
export type TakeBytes = (value: Buffer) => void;

// What `pg` itself calls, and its types leave out.
declare module 'pg' {
  interface Connection {
    attachListeners(stream: NodeJS.ReadableStream): void;
  }
}

const splitters = new WeakMap<pg.Connection, RowSplitter>();

/** Has the connection hand its rows to `take`, until the query that is sent next has ended. */
export function takeRows(connection: pg.Connection, take: TakeBytes): void {
  const splitter = splitters.get(connection);
  if (splitter) splitter.take = take;
}

/** The same client; `takeRows` works on its connections. */
export function givingBytes(Client: typeof pg.Client): typeof pg.Client {
  return class extends Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      const { connection } = this;
      const attach = connection.attachListeners.bind(connection);
      connection.attachListeners = (stream) => {
        const rest = new EventEmitter();
        const splitter = new RowSplitter((bytes) => rest.emit('data', bytes));
        splitters.set(connection, splitter);
        stream.on('data', (bytes: Buffer) => splitter.push(bytes));
        stream.on('end', () => rest.emit('end'));
        Reflect.apply(attach, undefined, [rest]);
      };
    }
  };
}

const [ROW, READY] = [0x44, 0x5a];
/** A message begins with its kind, and its length without that. */
const HEAD = 5;

export class RowSplitter {
  take: TakeBytes | undefined;
  readonly #pass: (bytes: Buffer) => void;
  /** What waits for the rest of its message, and how many bytes that takes. */
  #parts: Buffer[] = [];
  #have = 0;
  #need = 0;
  /** How many bytes of what is passed on are still to come. */
  #passing = 0;

  constructor(pass: (bytes: Buffer) => void) {
    this.#pass = pass;
  }

  push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#have += bytes.length;
    if (this.#have >= this.#need) this.#split(this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts));
  }

  #split(bytes: Buffer): void {
    let done = 0;
    const passUpTo = (end: number) => {
      if (done < end) this.#pass(bytes.subarray(done, end));
      done = end;
    };
    let at = Math.min(this.#passing, bytes.length);
    this.#passing -= at;
    while (at + HEAD <= bytes.length) {
      const kind = bytes[at];
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (kind === ROW && this.take) {
        passUpTo(at);
        if (end > bytes.length) return this.#wait(bytes.subarray(at), end - at);
        this.take(firstValue(bytes.subarray(at + HEAD, end)));
        [done, at] = [end, end];
      } else {
        if (kind === READY) this.take = undefined;
        at = Math.min(end, bytes.length);
        this.#passing = end - at;
      }
    }
    passUpTo(at);
    this.#wait(bytes.subarray(at), at < bytes.length ? HEAD : 0);
  }

  #wait(rest: Buffer, need: number): void {
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#have = rest.length;
    this.#need = need;
  }
}

/** Of a row: how many values it has, and of each its length before it. */
function firstValue(row: Buffer): Buffer {
  const length = row.readInt32BE(2);
  return row.subarray(6, 6 + Math.max(0, length));
}
