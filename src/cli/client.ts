/** The client commands' way to a server: typed operations over HTTP, and following over WebSocket. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type ExecutionResult } from 'graphql';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';
import { authorizationOf, notSignedIn, type Target } from './credentials.ts';
import { CliError, NotServedError } from './failure.ts';
import { parseJson } from '../parseJson.ts';

type Variables = Record<string, unknown>;

export interface Client {
  target: Target;
  /** Runs an operation and returns its data. Throws CliError, also for what the server answers with errors. */
  run<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): Promise<Data>;
  /** Follows until the server ends it, the loop is left or the client closed; goes on by itself after a break. */
  follow<Data, Input extends Variables>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): AsyncGenerator<Data>;
  /** Closes the connection; whatever is followed ends. */
  close: () => Promise<void>;
}

export interface ClientOptions extends Target {
  /** Told whenever the live connection is there (again), and when it is lost. */
  onConnection?: (state: 'connected' | 'lost') => void;
  /** Ends all requests. */
  signal?: AbortSignal;
}

/** How often a connection is asked for a sign of life, and how long it has to give one, in milliseconds. */
const PING_EVERY = 10_000;
const PONG_WITHIN = 5_000;
/** The wait between attempts to connect again, in milliseconds. */
const RETRY_AFTER = 1_000;

/** On it the server closes connections of whom it does not, or no longer, know. */
const FORBIDDEN = 4403;

export function createClient({ url, apiKey, onConnection, signal }: ClientOptions): Client {
  const target = { url, apiKey };
  let pongTimer: NodeJS.Timeout | undefined;
  const socket = createSocketClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: Infinity,
    connectionParams: authorizationOf(target),
    // A server that restarts refuses connections for a while; that is no reason to give up.
    shouldRetry: (reason) => !isForbidden(reason),
    retryWait: () => new Promise((resolve) => void setTimeout(resolve, RETRY_AFTER)),
    keepAlive: PING_EVERY,
    on: {
      connected: () => onConnection?.('connected'),
      closed: (reason) => {
        clearTimeout(pongTimer);
        if (!isForbidden(reason)) onConnection?.('lost');
      },
      // A network that swallows everything gives no error: only the missing answer tells.
      ping: (received) => {
        if (!received) pongTimer = setTimeout(() => socket.terminate(), PONG_WITHIN);
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimer);
      },
    },
  });

  async function dispose(): Promise<void> {
    clearTimeout(pongTimer);
    try {
      await socket.dispose();
    } catch {
      // It was just being opened, and now never will be.
    }
  }
  signal?.addEventListener('abort', () => void dispose(), { once: true });

  return {
    target,
    async run<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      const response = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorizationOf(target) },
        body: JSON.stringify({ query: print(document), variables }),
        ...(signal && { signal }),
      });
      if (response.status === 401) throw notSignedIn(target);
      const answer = parseJson(await response.text());
      if (!isAnswer<Data>(answer)) throw notTunesmith(url);
      if (answer.errors) throw new CliError(answer.errors.map(({ message }) => message).join('\n'));
      if (answer.data == null) throw notTunesmith(url);
      return answer.data;
    },
    async *follow<Data, Input extends Variables>(document: TypedDocumentNode<Data, Input>, variables: Input) {
      try {
        for await (const { data, errors } of socket.iterate<Data>({ query: print(document), variables })) {
          if (errors) throw new CliError(errors.map(({ message }) => message).join('\n'));
          if (data != null) yield data;
        }
      } catch (error) {
        throw isForbidden(error) ? notSignedIn(target) : error;
      }
    },
    close: dispose,
  };
}

/** Whether a connection was closed because of its credentials. */
function isForbidden(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === FORBIDDEN;
}

/** Fetches from the server. Throws CliError when there is none. */
export async function request(url: string, init: RequestInit, path = '/graphql'): Promise<Response> {
  try {
    return await fetch(`${url}${path}`, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable(url, error);
  }
}

/** That no server answers, and how to start one. */
export function unreachable(url: string, cause: unknown): NotServedError {
  const reason = reasonOf(cause);
  return new NotServedError(
    `No server answers at ${url}${reason === '' ? '' : ` (${reason})`}. Start one with "tunesmith start", or name another with --url.`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

export function notTunesmith(url: string): CliError {
  return new CliError(
    `What answers at ${url} is not a Tunesmith server. Name one with --url or TUNESMITH_URL.`,
  );
}

/** The envelope is checked; that the data fits the document is what the server's schema guarantees. */
function isAnswer<Data>(value: unknown): value is ExecutionResult<Data> {
  return typeof value === 'object' && value !== null && ('data' in value || 'errors' in value);
}

interface Failure {
  code: string;
  message: string;
}

/** The result of a mutation; the expected errors, which all have a code and a message, are thrown as CliError. */
export function succeeded<Result extends { __typename: string }>(result: Result): Exclude<Result, Failure> {
  if (isFailure(result)) throw new CliError(`${result.message} (${result.code})`);
  if (isSuccess(result)) return result;
  throw new CliError('The server gave an answer that this version does not know.');
}

function isFailure(result: object): result is Failure {
  return 'code' in result && 'message' in result;
}

function isSuccess<Result extends object>(result: Result): result is Exclude<Result, Failure> {
  return !isFailure(result);
}
