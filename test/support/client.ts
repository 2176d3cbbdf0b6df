/** GraphQL over HTTP, WebSocket and server-sent events, as a tenant, with typed documents. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type DocumentNode, type ExecutionResult } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { Role } from '../../src/services/viewer.ts';

/** Who acts, for viewerOf of test/support/server.ts; `tester` without it. */
export const SUBJECT_HEADER = 'x-test-subject';
/** What they may do; ADMIN without it. */
export const ROLE_HEADER = 'x-test-role';

type Variables = Record<string, unknown>;

export interface TestClient {
  tenantId: string;
  url: string;
  headers: Record<string, string>;
  /** A client that acts as another person of the same tenant. */
  as(subject: string): TestClient;
  /** A client that acts with another role in the same tenant. */
  withRole(role: Role): TestClient;
  /** Runs an operation and returns its data; an error in the answer fails the test. */
  run<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): Promise<Data>;
  /** Runs an operation and returns the whole answer. */
  answer(
    document: DocumentNode | string,
    variables?: Variables,
  ): Promise<ExecutionResult<Record<string, unknown>>>;
  /** Follows over WebSocket. Leaving the loop ends the subscription. */
  follow<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): AsyncIterableIterator<Data>;
  /** Follows over server-sent events. */
  followSse<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): AsyncIterableIterator<Data>;
  /** Any other request. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export function createClient(url: string, headers: Record<string, string>, tenantId: string): TestClient {
  async function answer(document: DocumentNode | string, variables: Variables = {}) {
    const query = typeof document === 'string' ? document : print(document);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as ExecutionResult<Record<string, unknown>>;
  }

  return {
    tenantId,
    url,
    headers,
    as: (subject) => createClient(url, { ...headers, [SUBJECT_HEADER]: subject }, tenantId),
    withRole: (role) => createClient(url, { ...headers, [ROLE_HEADER]: role }, tenantId),
    answer,
    async run<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      const { data, errors } = await answer(document, variables);
      if (errors) throw new Error(`The operation failed: ${JSON.stringify(errors)}`);
      return data as Data;
    },
    follow<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      class AuthorisedSocket extends WebSocket {
        constructor(address: string, protocols: string | string[]) {
          super(address, protocols, { headers });
        }
      }
      const client = createWsClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: AuthorisedSocket,
        retryAttempts: 0,
      });
      return dataOf<Data>(client.iterate({ query: print(document), variables }), () => client.dispose());
    },
    followSse<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      const client = createSseClient({ url: `${url}/graphql`, headers, retryAttempts: 0 });
      return dataOf<Data>(client.iterate({ query: print(document), variables }), () => client.dispose());
    },
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { ...headers, ...(init.headers as Record<string, string>) },
      }),
  };
}

/** The data of each result; errors are thrown. */
async function* dataOf<Data>(
  results: AsyncIterableIterator<ExecutionResult<Record<string, unknown>>> | AsyncIterableIterator<unknown>,
  dispose: () => unknown,
): AsyncIterableIterator<Data> {
  try {
    for await (const result of results) {
      const { data, errors } = result as ExecutionResult<Data>;
      if (errors) throw new Error(`The subscription failed: ${JSON.stringify(errors)}`);
      if (data != null) yield data;
    }
  } finally {
    await dispose();
  }
}
