/** A tenant's requests and WebSockets. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';

type Variables = Record<string, unknown>;

/** Who asks: what is sent with every request, and when a WebSocket opens. */
export interface Tenant {
  headers: Record<string, string>;
}

export interface Client {
  /** Throws for anything but an answer without errors. */
  ask<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): Promise<Data>;
  /** Opens a WebSocket of its own, which stays open until it is closed. */
  openSocket(): Socket;
}

export interface Socket {
  /** Follows until the server ends the subscription; rejects when it fails or the connection breaks. */
  follow<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
    onData: (data: Data) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT = 30_000;

export function createClient(url: string, { headers }: Tenant, timeoutMs = TIMEOUT): Client {
  class TenantSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  return {
    async ask<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query: printed(document), variables }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { data, errors } = (await response.json()) as { data?: Data; errors?: { message: string }[] };
      if (data && !errors) return data;
      throw new Error(errors?.map(({ message }) => message).join('; ') ?? `HTTP ${response.status}`);
    },
    openSocket() {
      const client = createSocketClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: TenantSocket,
        connectionParams: headers,
        lazy: false,
        onNonLazyError: () => undefined, // The subscription on it rejects as well.
        retryAttempts: 0,
      });
      return {
        async follow<Data, Input extends Variables>(
          document: TypedDocumentNode<Data, Input>,
          variables: Input,
          onData: (data: Data) => void,
        ) {
          for await (const { data, errors } of client.iterate<Data>({
            query: printed(document),
            variables,
          })) {
            if (errors) throw new Error(errors.map(({ message }) => message).join('; '));
            if (data) onData(data);
          }
        },
        close: async () => client.dispose(),
      };
    },
  };
}

const texts = new Map<object, string>();

function printed(document: TypedDocumentNode<unknown, never>): string {
  let text = texts.get(document);
  if (text === undefined) texts.set(document, (text = print(document)));
  return text;
}
