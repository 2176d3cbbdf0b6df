/**
 * One WebSocket between ws and graphql-ws. In place of graphql-ws's own adapter, which reads on from a client that takes
 * no answers, pulls on for one that is being closed, and ends one that does not answer pings without a word.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Server } from 'graphql-ws';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../log.ts';
import { within } from '../observe/logContext.ts';
import { ClientGoneError } from '../services/errors.ts';
import type { Gone } from './operation.ts';
import type { Session } from './session.ts';
import { TOO_SLOW, TOO_SLOW_REASON, type SlowReaders } from './slowReaders.ts';

/** From how many bytes on that wait for a client no more is read from it: what it asks would only add to them. */
const MOST_WAITING = 1024 * 1024;
/** How many operations of one client may be on their way to their first answer before no more is read from it. */
const MOST_STARTING = 20;
/** As many messages as may lie unread here. */
const MOST_UNREAD = 100;
/** The code for a connection that broke off without one. */
const GONE = 1006;

export interface SocketExtra {
  /** What it was opened with, which is not kept any longer. */
  takeRequest(): IncomingMessage;
  /** Who asks, once that is known. */
  session: Session | null;
  /** Ends all operations and says good-bye. */
  close(code: number, reason: string): void;
  /** Has `end` called when the client is gone, or was told to go. */
  onceLeft(end: () => void): void;
  /** Hands a message on that nobody waits for; `taken` is called when the operating system has it, or never. */
  push(message: string, taken: () => void): boolean;
  /** To be called before an operation starts; what it returns, when it is answered or follows. */
  starting: () => () => void;
  /**
   * To be called with whether the client still waits for an operation. `answered` is to be called when it is answered, for
   * from then on nobody can leave it.
   */
  watch(isWaiting: () => boolean): { gone: Gone; answered: () => void };
}

export interface ServeOptions {
  protocol: Server<SocketExtra>;
  slowReaders: SlowReaders;
  /** How long a client that is too slow has to answer the closing, in milliseconds. */
  grace: number;
  /** Under which the log has it. */
  socketId: string;
  log: Logger;
}

export interface ServedSocket {
  /** Ends all its operations and says good-bye. */
  close(code: number, reason: string): void;
}

export function serveSocket(
  socket: WebSocket,
  request: IncomingMessage,
  options: ServeOptions,
): ServedSocket {
  const { protocol, slowReaders, grace, socketId } = options;
  const log = () => options.log.child({ socketId }); // Made when it is needed: there are thousands.
  let starting = 0;
  let pings = 0;
  let left = false;
  const atTheEnd: (() => void)[] = [];
  /** Of operations that want to know whether the client leaves them: looks whether it has. */
  const looks = new Set<() => void>();
  const inbox: string[] = [];
  let handle: ((message: string) => Promise<void>) | undefined;
  let turn: NodeJS.Immediate | undefined;
  let untaken: IncomingMessage | undefined = request;

  function takeRequest(): IncomingMessage {
    const taken = untaken;
    untaken = undefined;
    if (!taken) throw new Error('It was asked before who opened the WebSocket');
    return taken;
  }

  /** Frees what the client held, when it is gone or is told to go. */
  function leave(code: number, reason: string): void {
    if (left) return;
    left = true;
    watched.stop();
    for (const end of atTheEnd) end();
    const ended = closed(code, reason);
    lookAround();
    void ended.catch((error: unknown) => log().error({ err: error }, 'A WebSocket failed'));
  }

  function lookAround(): void {
    for (const look of looks) look();
  }

  function watch(isWaiting: () => boolean): { gone: Gone; answered: () => void } {
    let gone: AbortController | undefined;
    const look = () => {
      if (!left && isWaiting()) return;
      looks.delete(look);
      gone?.abort(new ClientGoneError());
    };
    return {
      gone() {
        gone ??= new AbortController();
        looks.add(look);
        look();
        return gone.signal;
      },
      answered: () => void looks.delete(look),
    };
  }

  function close(code: number, reason: string): void {
    leave(code, reason);
    socket.resume(); // Else its answer would not be read.
    socket.close(code, reason);
  }

  function fail(error: unknown): void {
    if (isServersMessage(error)) return close(CloseCode.BadRequest, 'Invalid message received');
    log().error({ err: error }, 'A WebSocket failed');
    close(CloseCode.InternalServerError, 'Internal server error');
  }

  /** Reads on from the client, message by message, unless enough is on its way to it. */
  function steer(): void {
    if (left || socket.readyState !== socket.OPEN) return;
    const full = starting >= MOST_STARTING || socket.bufferedAmount > MOST_WAITING;
    // In a turn of its own, since what a message starts is counted only after it was handed on.
    if (!full && inbox.length > 0) turn ??= setImmediate(readOn);
    const pause = full || inbox.length > MOST_UNREAD;
    if (pause && !socket.isPaused) socket.pause();
    if (!pause && socket.isPaused) socket.resume();
  }

  function readOn(): void {
    turn = undefined;
    const message = inbox.shift();
    if (left || message === undefined) return;
    within({ socketId, requestId: randomUUID() }, () => handle?.(message))?.catch(fail);
    lookAround(); // The message may have been that an operation is not waited for any more.
    steer();
  }

  /** False when nobody is there any more. `taken` is called when the operating system has taken it, or has failed to. */
  function send(message: string, taken: () => void): boolean {
    if (left || socket.readyState !== socket.OPEN) {
      leave(GONE, '');
      return false;
    }
    socket.send(message, () => {
      steer();
      taken(); // Of an error its closing will tell.
    });
    return true;
  }

  const watched = slowReaders.watch({
    socket: request.socket,
    waiting: () => socket.bufferedAmount,
    excused: () => socket.isPaused,
    ping() {
      pings += 1;
      if (socket.readyState === socket.OPEN) socket.ping(String(pings));
    },
    stalled() {
      log().info({ waiting: socket.bufferedAmount, code: TOO_SLOW }, 'A WebSocket client was too slow');
      close(TOO_SLOW, TOO_SLOW_REASON);
      setTimeout(() => socket.terminate(), grace).unref();
    },
  });
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) =>
        new Promise((resolve) => {
          if (!send(data, resolve)) resolve();
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage(handler) {
        handle = handler;
      },
    },
    {
      takeRequest,
      session: null,
      close,
      push: send,
      onceLeft(end) {
        if (left) end();
        else atTheEnd.push(end);
      },
      starting() {
        starting += 1;
        return () => {
          starting -= 1;
          steer();
        };
      },
      watch,
    },
  );
  socket.on('message', (data: Buffer) => {
    inbox.push(data.toString());
    steer();
  });
  socket.on('pong', (data) => {
    if (data.toString() === String(pings)) watched.answered();
  });
  socket.on('ping', steer); // It is answered by itself, and the answers may pile up too.
  // Such as a frame that is too large; ws closes it with the code for that.
  socket.on('error', (error) => log().info({ err: error }, 'A WebSocket client broke the protocol'));
  socket.once('close', (code, reason) => leave(code, reason.toString()));
  return { close };
}

/** Whether the client said what only a server says, such as `next`: graphql-ws would take it for a fault of its own. */
function isServersMessage(error: unknown): boolean {
  return error instanceof Error && /^Unexpected message of type \w+ received$/.test(error.message);
}
