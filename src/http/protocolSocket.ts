/**
 * One WebSocket between ws and graphql-ws. In place of graphql-ws's own adapter, which reads on from a client that takes
 * no answers, pulls on for one that is being closed, and ends one that does not answer pings without a word.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CloseCode, type Server, type WebSocket as ProtocolSide } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../log.ts';
import { within } from '../observe/logContext.ts';
import { ClientGoneError } from '../services/errors.ts';
import type { Gone } from './operation.ts';
import type { Session } from './session.ts';
import { TOO_SLOW, TOO_SLOW_REASON, type Reader, type SlowReaders, type Watched } from './slowReaders.ts';

/** From how many bytes on that wait for a client no more is read from it: what it asks would only add to them. */
const MOST_WAITING = 1024 * 1024;
/** How many operations of one client may be on their way to their first answer before no more is read from it. */
const MOST_STARTING = 20;
/** As many messages as may lie unread here. */
const MOST_UNREAD = 100;
/** The code for a connection that broke off without one. */
const GONE = 1006;

export interface ServeOptions {
  protocol: Server<ServedSocket>;
  slowReaders: SlowReaders;
  /** How long a client has to introduce itself with `connection_init`, in milliseconds. */
  initTimeout: number;
  /** How long a client that is too slow has to answer the closing, in milliseconds. */
  grace: number;
  log: Logger;
  /** Called when it is closed. */
  closed(socket: ServedSocket): void;
}

/** A class, since there are thousands: they share their methods. */
export class ServedSocket implements ProtocolSide, Reader {
  readonly protocol: string;
  /** The connection below. */
  readonly socket: Socket;
  /** Who asks, once that is known. */
  session: Session | null = null;
  readonly #webSocket: WebSocket;
  readonly #options: ServeOptions;
  /** Under which the log has it. */
  readonly #socketId: string;
  readonly #watched: Watched;
  readonly #closed: ((code: number, reason: string) => Promise<void>) | undefined;
  #handle: ((message: string) => Promise<void>) | undefined;
  #request: IncomingMessage | undefined;
  #introduction: NodeJS.Timeout | undefined;
  #inbox: string[] = [];
  /** Whether a message will be handed on in a turn that is to come. */
  #hasTurn = false;
  /** Of operations that want to know whether the client leaves them: looks whether it has. */
  #looks: readonly (() => void)[] = [];
  #atTheEnd: readonly (() => void)[] = [];
  #starting = 0;
  #pings = 0;
  #left = false;

  constructor(webSocket: WebSocket, request: IncomingMessage, socketId: string, options: ServeOptions) {
    this.protocol = webSocket.protocol;
    this.socket = request.socket;
    this.#webSocket = webSocket;
    this.#options = options;
    this.#socketId = socketId;
    this.#request = request;
    this.#introduction = setTimeout(
      () => this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout'),
      options.initTimeout,
    );
    this.#watched = options.slowReaders.watch(this);
    this.#closed = options.protocol.opened(this, this);
    webSocket.on('message', (data: Buffer) => this.#receive(data.toString()));
    webSocket.on('pong', (data) => {
      if (data.toString() === String(this.#pings)) this.#watched.answered();
    });
    webSocket.on('ping', () => this.#steer()); // It is answered by itself, and the answers may pile up too.
    // Such as a frame that is too large; ws closes it with the code for that.
    webSocket.on('error', (error) =>
      this.#log().info({ err: error }, 'A WebSocket client broke the protocol'),
    );
    webSocket.on('close', (code, reason) => {
      this.#leave(code, reason.toString());
      options.closed(this);
    });
  }

  /** What it was opened with, which is not kept any longer: it has introduced itself. */
  takeRequest(): IncomingMessage {
    const taken = this.#request;
    this.#request = undefined;
    clearTimeout(this.#introduction);
    this.#introduction = undefined;
    if (!taken) throw new Error('It was asked before who opened the WebSocket');
    return taken;
  }

  /** Ends all operations and says good-bye. */
  close(code?: number, reason?: string): void {
    this.#leave(code ?? GONE, reason ?? '');
    this.#webSocket.resume(); // Else its answer would not be read.
    this.#webSocket.close(code, reason);
  }

  /** Has `end` called when the client is gone, or was told to go. */
  onceLeft(end: () => void): void {
    if (this.#left) end();
    else this.#atTheEnd = this.#atTheEnd.concat(end); // Without room for more.
  }

  onMessage(handle: (message: string) => Promise<void>): void {
    this.#handle = handle;
  }

  /** Resolves when the operating system has it, or when nobody is there any more. */
  send(message: string): Promise<void> {
    return new Promise((resolve) => {
      if (!this.push(message, resolve)) resolve();
    });
  }

  /**
   * Hands a message on that nobody waits for; false when nobody is there any more. `taken` is called when the operating
   * system has taken it, or has failed to.
   */
  push(message: string, taken: () => void): boolean {
    if (this.#left || !this.#isOpen()) {
      this.#leave(GONE, '');
      return false;
    }
    this.#webSocket.send(message, () => {
      this.#steer();
      taken(); // Of an error its closing will tell.
    });
    return true;
  }

  /** To be called before an operation starts; what it returns, when it is answered or follows. */
  starting(): () => void {
    this.#starting += 1;
    return () => {
      this.#starting -= 1;
      this.#steer();
    };
  }

  /**
   * To be called with whether the client still waits for an operation. `answered` is to be called when it is answered, for
   * from then on nobody can leave it.
   */
  watch(isWaiting: () => boolean): { gone: Gone; answered: () => void } {
    let gone: AbortController | undefined;
    const forget = () => {
      this.#looks = this.#looks.filter((one) => one !== look);
    };
    const look = () => {
      if (!this.#left && isWaiting()) return;
      forget();
      gone?.abort(new ClientGoneError());
    };
    return {
      gone: () => {
        if (!gone) this.#looks = [...this.#looks, look];
        gone ??= new AbortController();
        look();
        return gone.signal;
      },
      answered: forget,
    };
  }

  waiting(): number {
    return this.#webSocket.bufferedAmount;
  }

  excused(): boolean {
    return this.#webSocket.isPaused;
  }

  ping(): void {
    this.#pings += 1;
    if (this.#isOpen()) this.#webSocket.ping(String(this.#pings));
  }

  stalled(): void {
    this.#log().info({ waiting: this.waiting(), code: TOO_SLOW }, 'A WebSocket client was too slow');
    this.close(TOO_SLOW, TOO_SLOW_REASON);
    setTimeout(() => this.#webSocket.terminate(), this.#options.grace).unref();
  }

  #log(): Logger {
    return this.#options.log.child({ socketId: this.#socketId });
  }

  #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Frees what the client held, when it is gone or is told to go. */
  #leave(code: number, reason: string): void {
    if (this.#left) return;
    this.#left = true;
    clearTimeout(this.#introduction);
    this.#watched.stop();
    for (const end of this.#atTheEnd) end();
    const ended = this.#closed?.(code, reason);
    this.#lookAround();
    ended?.catch((error: unknown) => this.#log().error({ err: error }, 'A WebSocket failed'));
  }

  #lookAround(): void {
    for (const look of this.#looks) look();
  }

  #fail(error: unknown): void {
    if (isServersMessage(error)) return this.close(CloseCode.BadRequest, 'Invalid message received');
    this.#log().error({ err: error }, 'A WebSocket failed');
    this.close(CloseCode.InternalServerError, 'Internal server error');
  }

  #receive(message: string): void {
    this.#inbox.push(message);
    this.#steer();
  }

  /** Reads on from the client, message by message, unless enough is on its way to it. */
  #steer(): void {
    if (this.#left || !this.#isOpen()) return;
    const webSocket = this.#webSocket;
    const full = this.#starting >= MOST_STARTING || webSocket.bufferedAmount > MOST_WAITING;
    // In a turn of its own, since what a message starts is counted only after it was handed on.
    if (!full && this.#inbox.length > 0 && !this.#hasTurn) {
      this.#hasTurn = true;
      setImmediate(() => this.#readOn());
    }
    const pause = full || this.#inbox.length > MOST_UNREAD;
    if (pause && !webSocket.isPaused) webSocket.pause();
    if (!pause && webSocket.isPaused) webSocket.resume();
  }

  #readOn(): void {
    this.#hasTurn = false;
    const message = this.#inbox.shift();
    if (this.#inbox.length === 0) this.#inbox = []; // It keeps the room that it had.
    if (this.#left || message === undefined) return;
    const work = { socketId: this.#socketId, requestId: randomUUID() };
    within(work, () => this.#handle?.(message))?.catch((error: unknown) => this.#fail(error));
    this.#lookAround(); // The message may have been that an operation is not waited for any more.
    this.#steer();
  }
}

/** Whether the client said what only a server says, such as `next`: graphql-ws would take it for a fault of its own. */
function isServersMessage(error: unknown): boolean {
  return error instanceof Error && /^Unexpected message of type \w+ received$/.test(error.message);
}
