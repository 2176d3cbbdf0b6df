/** A WebSocket whose client reads when the test says so; the protocol by hand, since a client library reads always. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

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
