/** Several operations on one socket, seen as the protocol brings them: what came, and how the operation ended. */
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { GraphQLFormattedError } from 'graphql';
import type { TestClient } from './client.ts';

export interface Socket {
  /** Runs one operation until it ends. Errors are those of results and of the operation itself. */
  until(query: string, variables?: Record<string, unknown>): Promise<Outcome>;
  /** Starts an operation; `first` settles with its first result. */
  start(query: string, variables?: Record<string, unknown>): Started;
  /** The code the socket was closed with, once it is. */
  closed: Promise<number>;
  close(): Promise<void>;
}

export interface Outcome {
  data: Record<string, unknown>[];
  errors: readonly GraphQLFormattedError[];
}

export interface Started {
  first: Promise<unknown>;
  ended: Promise<Outcome>;
  stop: () => void;
}

function nothing(): void {
  // Until there is something to call.
}

export function openSocket({ url, headers }: Pick<TestClient, 'url' | 'headers'>): Socket {
  let reportClosed: (code: number) => void = nothing;
  const closed = new Promise<number>((resolve) => {
    reportClosed = resolve;
  });
  class AuthorisedSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
      this.on('close', (code) => reportClosed(code));
    }
  }
  const client: Client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: AuthorisedSocket,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: nothing,
  });

  function start(query: string, variables: Record<string, unknown> = {}): Started {
    const outcome: Outcome = { data: [], errors: [] };
    let reportFirst: (result: unknown) => void = nothing;
    const first = new Promise<unknown>((resolve) => {
      reportFirst = resolve;
    });
    let stop = nothing;
    const ended = new Promise<Outcome>((resolve, reject) => {
      stop = client.subscribe(
        { query, variables },
        {
          next({ data, errors }) {
            if (data) outcome.data.push(data);
            if (errors) outcome.errors = errors;
            reportFirst(data ?? errors);
          },
          error(error) {
            if (!Array.isArray(error))
              return reject(error instanceof Error ? error : new Error('The socket closed'));
            outcome.errors = error;
            reportFirst(error);
            resolve(outcome);
          },
          complete: () => resolve(outcome),
        },
      );
    });
    return { first, ended, stop: () => stop() };
  }

  return {
    start,
    until: (query, variables) => start(query, variables).ended,
    closed,
    async close() {
      await client.dispose();
    },
  };
}
