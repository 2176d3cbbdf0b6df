/** A WebSocket whose client reads when the test says so; the protocol by hand, since a client library reads always. */
import { on, once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';

export interface RawSocket {
  socket: WebSocket;
  /** The data of each result that came, by operation. */
  results: Map<string, Record<string, unknown>[]>;
  subscribe(id: string, query: string, variables?: Record<string, unknown>): void;
  /** Settles with the code and the reason. */
  closed: Promise<{ code: number; reason: string }>;
}

/** Resolves when the server has acknowledged the connection. */
export async function openRawSocket(url: string, headers: Record<string, string>): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const results: RawSocket['results'] = new Map();
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  // What a cut connection says by itself; that it is cut is in `closed`.
  socket.on('error', () => undefined);
  const acknowledged = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        type: string;
        id: string;
        payload?: { data?: Record<string, unknown> };
      };
      if (message.type === 'connection_ack') resolve();
      if (message.type !== 'next' || !message.payload?.data) return;
      const told = results.get(message.id) ?? [];
      told.push(message.payload.data);
      results.set(message.id, told);
    });
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await acknowledged;
  return {
    socket,
    results,
    closed,
    subscribe(id, query, variables = {}) {
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
    },
  };
}

export interface BareSocket {
  socket: WebSocket;
  /** Sends a text as it is, anything else as JSON. */
  send(message: unknown): void;
  /** The next message from the server. */
  next(): Promise<Record<string, unknown>>;
  /** Settles with the code and the reason. */
  closed: Promise<{ code: number; reason: string }>;
}

/** A socket that says and answers nothing by itself. */
export async function openBareSocket(
  url: string,
  headers: Record<string, string>,
  protocol: string | string[] = 'graphql-transport-ws',
): Promise<BareSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol, { headers });
  socket.on('error', () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const messages = on(socket, 'message', { close: ['close'] });
  await Promise.race([once(socket, 'open'), closed]);
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      const { value, done }: IteratorResult<unknown> = await messages.next();
      if (done) throw new Error('The socket was closed before a message came');
      const [data] = z.tuple([z.instanceof(Buffer), z.boolean()]).parse(value);
      return z.record(z.string(), z.unknown()).parse(JSON.parse(data.toString()));
    },
  };
}
