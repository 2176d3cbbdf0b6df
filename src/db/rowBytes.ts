/**
 * Rows as bytes: `pg` decodes whatever it is sent, and makes objects of each message, which takes longer than all else
 * where there is much of it and only to be handed on. Here a connection's stream is looked through before `pg` reads it,
 * and the rows that a query wants as bytes are taken out of it.
 */
import { EventEmitter } from 'node:events';
import { Socket, type OnReadOpts } from 'node:net';
import type pg from 'pg';

/** Given where in `bytes` a message's content begins and ends. They are good until it returns; it must not throw. */
export type TakeMessage = (bytes: Buffer, start: number, end: number) => void;

// What `pg` itself calls, and its types leave out.
declare module 'pg' {
  interface Connection {
    attachListeners(stream: NodeJS.ReadableStream): void;
  }
}

// What Node's types know of `connect` alone.
declare module 'node:net' {
  interface SocketConstructorOpts {
    onread?: OnReadOpts;
  }
}

const splitters = new WeakMap<pg.Connection, RowSplitter>();

const [ROW, COPIED, READY] = [0x44, 0x64, 0x5a];

/** Has the connection give the first value of each row to `take`, until the query that is sent next has ended. */
export function takeRows(connection: pg.Connection, take: (value: Buffer) => void): void {
  splitterOf(connection).take(ROW, (bytes, start) => take(firstValue(bytes, start)));
}

/** The same for what a COPY sends. */
export function takeCopied(connection: pg.Connection, take: TakeMessage): void {
  splitterOf(connection).take(COPIED, take);
}

function splitterOf(connection: pg.Connection): RowSplitter {
  const splitter = splitters.get(connection);
  if (!splitter) throw new Error('A client that gives no bytes is asked for them');
  return splitter;
}

/** The same client; `takeRows` and `takeCopied` work on its connections. */
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

/** How much is read from a socket at once. */
const READ_BYTES = 64 * 1024;

/**
 * All that comes is read into one buffer, so what it gives is good until the next comes. With one for each reading, which
 * is Node's way, an export leaves as many bytes to be collected as it has, and memory grows by what has not been yet.
 * Under TLS it is Node's own way: what the socket reads is not what is to be read then. `pg` says so to whoever makes it a
 * stream.
 */
export function socketOf({ ssl }: { ssl?: unknown } = {}): Socket {
  if (ssl) return new Socket();
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const socket: Socket = new Socket({
    onread: {
      buffer,
      callback(length) {
        socket.emit('data', buffer.subarray(0, length));
        return true;
      },
    },
  });
  return socket;
}

/** A message begins with its kind, and its length without that. */
const HEAD = 5;

export class RowSplitter {
  readonly #pass: (bytes: Buffer) => void;
  /** The kind of messages that are taken. */
  #kind: number | undefined;
  #take: TakeMessage | undefined;
  /** The beginning of a message that waits for its rest: the first bytes of a buffer that is used again. */
  #waiting = Buffer.alloc(0);
  #have = 0;
  /** How many bytes of what is passed on are still to come. */
  #passing = 0;

  /** What `pass` is given it may keep. */
  constructor(pass: (bytes: Buffer) => void) {
    this.#pass = pass;
  }

  take(kind: number, take: TakeMessage): void {
    [this.#kind, this.#take] = [kind, take];
  }

  /** The bytes may be overwritten once it returns. */
  push(bytes: Buffer): void {
    let at = 0;
    // What waits is completed by itself: to join it with all that has come would copy that.
    while (this.#have > 0 && at < bytes.length) {
      const end = Math.min(at + this.#missing(), bytes.length);
      this.#keep(bytes, at, end);
      at = end;
      if (this.#missing() > 0) continue;
      const whole = this.#waiting.subarray(0, this.#have);
      if (this.#have > READ_BYTES) this.#waiting = Buffer.alloc(0);
      this.#have = 0;
      this.#split(whole, 0);
    }
    this.#split(bytes, at);
  }

  #split(bytes: Buffer, from: number): void {
    let done = from;
    let at = Math.min(from + this.#passing, bytes.length);
    this.#passing -= at - from;
    while (at + HEAD <= bytes.length) {
      const kind = bytes[at];
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (kind === this.#kind) {
        this.#passOn(bytes, done, at);
        done = at;
        if (end > bytes.length) break;
        this.#take?.(bytes, at + HEAD, end);
        [done, at] = [end, end];
      } else {
        if (kind === READY) [this.#kind, this.#take] = [undefined, undefined];
        at = Math.min(end, bytes.length);
        this.#passing = end - at;
      }
    }
    this.#passOn(bytes, done, at);
    this.#keep(bytes, at, bytes.length);
  }

  #passOn(bytes: Buffer, from: number, to: number): void {
    if (from < to) this.#pass(Buffer.from(bytes.subarray(from, to)));
  }

  /** How many bytes what waits lacks: of its head, and then of a message that is taken. */
  #missing(): number {
    if (this.#have < HEAD) return HEAD - this.#have;
    if (this.#waiting[0] !== this.#kind) return 0;
    return 1 + this.#waiting.readUInt32BE(1) - this.#have;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const have = this.#have + to - from;
    if (have > this.#waiting.length) {
      const larger = Buffer.allocUnsafeSlow(2 * have);
      this.#waiting.copy(larger, 0, 0, this.#have);
      this.#waiting = larger;
    }
    bytes.copy(this.#waiting, this.#have, from, to);
    this.#have = have;
  }
}

/** Of a row: how many values it has, and of each its length before it. */
function firstValue(bytes: Buffer, start: number): Buffer {
  const length = bytes.readInt32BE(start + 2);
  return bytes.subarray(start + 6, start + 6 + Math.max(0, length));
}
