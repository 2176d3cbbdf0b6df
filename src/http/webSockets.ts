/** GraphQL over WebSocket, protocol graphql-transport-ws. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type ExecutionArgs } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Logger } from '../log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { requestIdOf } from '../observe/requests.ts';
import {
  TOO_MANY_CONNECTIONS,
  TooManyConnectionsError,
  tooManyConnectionsReason,
  type ConnectionLimit,
} from './limits/connectionLimit.ts';
import type { Limits } from './limits/limits.ts';
import type { RateLimit } from './limits/rateLimit.ts';
import { Pushed } from './pushed.ts';
import { takeAsked } from './sharedResults.ts';
import type { Follow } from './broadcasts.ts';
import { prepare, type Operation, type OperationOpener } from './operation.ts';
import type { Origins } from './origin.ts';
import { ServedSocket } from './protocolSocket.ts';
import { IdentityUnavailableError, UnauthenticatedError, type Authenticate } from './session.ts';
import { ExpectedError } from '../services/errors.ts';
import type { SessionWatch } from './sessionWatch.ts';
import type { SlowReaders } from './slowReaders.ts';
import { withoutHttp } from './withoutHttp.ts';

/** How long clients have to answer the closing before they are cut off, in milliseconds. */
const CLOSE_GRACE = 2_000;
/** How long those have that were too slow: one that wakes up within this time still reads why, and costs little until then. */
const SLOW_GRACE = 30_000;
/** How long a client has to introduce itself, in milliseconds. */
const INIT_TIMEOUT = 3_000;

/**
 * Refused credentials and ended sessions close with 4403: on it the graphql-ws client connects again, with the
 * credentials that its connectionParams then give. On 4401 it would give up.
 */
const REFUSED = 'The credentials are not good';
const ENDED = 'The session has ended; connect again with new credentials';
/** The code of WebSocket's own registry (RFC 6455) for a server that cannot serve at present. */
const TRY_AGAIN_LATER = 1013;

export interface WebSockets {
  /** Tells every client that the server goes away (1001), and cuts off those that do not answer. */
  close(): Promise<void>;
}

export interface WebSocketOptions {
  path: string;
  open: OperationOpener;
  follow: Follow;
  authenticate: Authenticate;
  sessions: SessionWatch;
  limits: Pick<Limits, 'frameBytes' | 'socketOperations' | 'socketsPerPrincipal'>;
  origins: Origins;
  rateLimit: RateLimit;
  connectionLimit: ConnectionLimit;
  slowReaders: SlowReaders;
  /** How long a client that is too slow has to answer the closing, in milliseconds. */
  slowGrace?: number | undefined;
  /** How long a client has to introduce itself with `connection_init`, in milliseconds; 3 s by default. */
  initTimeout?: number | undefined;
  metrics: Metrics;
  log: Logger;
}

export function attachWebSockets(server: Server, options: WebSocketOptions): WebSockets {
  const { path, open, follow, limits, origins, authenticate, sessions, slowReaders, metrics, log } = options;
  const { slowGrace: grace = SLOW_GRACE, initTimeout = INIT_TIMEOUT } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.frameBytes, handleProtocols });
  const served = new Set<ServedSocket>();
  /** The ids of the requests that are being upgraded. */
  const ids = new WeakMap<IncomingMessage, string>();
  const idOf = (request: IncomingMessage) => ids.get(request) ?? '';
  sockets.on('headers', (headers, request) => headers.push(`X-Request-Id: ${idOf(request)}`));
  // What is no handshake: ws would refuse it too, without an id.
  sockets.on('wsClientError', (_error, socket, request) =>
    refuse(socket, request.method === 'GET' ? '400 Bad Request' : '405 Method Not Allowed', request),
  );

  function refuse(socket: Duplex, refusal: string, request: IncomingMessage): void {
    const requestId = idOf(request);
    log.info({ requestId, status: Number(refusal.slice(0, 3)) }, 'A WebSocket was refused');
    const headers = [
      `X-Request-Id: ${requestId}`,
      'Allow: GET',
      'Sec-WebSocket-Version: 13',
      'Connection: close',
      'Content-Length: 0',
    ];
    socket.end(`HTTP/1.1 ${refusal}\r\n${headers.join('\r\n')}\r\n\r\n`);
  }

  /** Apart from what upgrades, so that the request is not kept with the socket. */
  function serve(socket: WebSocket, request: IncomingMessage, socketId: string): void {
    served.add(new ServedSocket(socket, request, socketId, serving));
    metrics.socketOpened();
  }

  server.on('upgrade', (request, socket, head) => {
    const socketId = requestIdOf(request);
    ids.set(request, socketId);
    const refusal = refusalOf(request, path, origins);
    if (refusal === null) {
      sockets.handleUpgrade(request, socket, head, (accepted) => serve(accepted, request, socketId));
    } else {
      refuse(socket, refusal, request);
    }
  });
  const operations = new WeakMap<ExecutionArgs, Operation>();
  const takeOperation = (args: ExecutionArgs) => {
    const operation = operations.get(args);
    operations.delete(args); // Else it would be kept for as long as something is followed.
    if (!operation) throw new Error('An operation was executed that had not been subscribed to');
    return operation;
  };

  const protocol = makeServer<Record<string, unknown>, ServedSocket>({
    connectionInitWaitTimeout: 0, // graphql-ws would keep the timer to the end.
    onConnect: async (context) => {
      const { extra, connectionParams } = context;
      Reflect.deleteProperty(context, 'connectionParams'); // Nobody needs the credentials any more.
      try {
        extra.session = await authenticate(extra.takeRequest(), connectionParams);
      } catch (error) {
        if (error instanceof UnauthenticatedError) extra.close(CloseCode.Forbidden, REFUSED);
        else if (error instanceof IdentityUnavailableError) {
          log.warn({ err: error.cause }, 'The provider of identities does not answer');
          extra.close(TRY_AGAIN_LATER, 'Try again later');
        } else throw error;
        return false;
      }
      try {
        extra.onceLeft(options.connectionLimit.open(extra.session.viewer));
      } catch (error) {
        if (!(error instanceof TooManyConnectionsError)) throw error;
        extra.close(TOO_MANY_CONNECTIONS, tooManyConnectionsReason(limits.socketsPerPrincipal));
        return false;
      }
      extra.onceLeft(sessions.watch(extra.session, () => extra.close(CloseCode.Forbidden, ENDED)));
      return true;
    },
    onError: (_context, _id, _payload, errors) => withoutHttp(errors),
    onNext: (_context, _id, _payload, _args, { data, errors }) =>
      errors && { ...(data !== undefined && { data }), errors: withoutHttp(errors) },
    // What a subscription is told goes past graphql-ws, which waits for its end.
    onOperation: ({ extra }, id, payload, args) => {
      const asked = takeAsked(args);
      if (!asked) return undefined;
      // graphql-ws keeps these to the end.
      Object.assign(payload, { query: '', variables: undefined });
      Object.assign(args, { contextValue: undefined, variableValues: undefined });
      const start = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
      return new Pushed(asked, follow, extra, start);
    },
    execute: (args) => takeOperation(args).execute(args),
    subscribe: (args) => takeOperation(args).subscribe(args),
    // Returned errors answer this operation alone; a thrown one would close the socket with all others on it.
    onSubscribe: async (context, id, { query, variables, operationName }) => {
      const { extra } = context;
      const { session } = extra;
      if (!session) throw new Error('An operation came before it was known who asks');
      // This one is among them already.
      if (Object.keys(context.subscriptions).length > limits.socketOperations)
        return [tooManyOperations(limits.socketOperations)];
      const params = { query, ...(variables && { variables }), ...(operationName && { operationName }) };
      const { gone, answered } = extra.watch(() => id in context.subscriptions);
      const operation = open({ session, gone, params });
      try {
        options.rateLimit.take(session.viewer);
        const args = await prepare(operation, params);
        if (!('document' in args)) return args;
        operations.set(args, counted(operation, extra, answered));
        return args;
      } catch (error) {
        if (error instanceof ExpectedError)
          return [new GraphQLError(error.message, { extensions: { code: error.code } })];
        return [error instanceof GraphQLError ? error : new GraphQLError('The operation could not be read.')];
      }
    },
  });

  const serving = {
    protocol,
    slowReaders,
    initTimeout,
    grace,
    log,
    closed(one: ServedSocket) {
      served.delete(one);
      metrics.socketClosed();
    },
  };

  return {
    async close() {
      const cutOff = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
      }, CLOSE_GRACE);
      for (const one of served) one.close(1001, 'Going away');
      await new Promise((resolve) => sockets.close(resolve));
      clearTimeout(cutOff);
    },
  };
}

function tooManyOperations(max: number): GraphQLError {
  return new GraphQLError(
    `The socket has ${max} operations under way, which is as many as are allowed (SOCKET_MAX_OPERATIONS). Complete one, or open another socket.`,
    { extensions: { code: 'TOO_MANY_OPERATIONS' } },
  );
}

/** The operation, known to its socket until its first answer is there. */
function counted(operation: Operation, socket: ServedSocket, answered: () => void): Operation {
  return {
    ...operation,
    async execute(args) {
      const started = socket.starting();
      try {
        return await operation.execute(args);
      } finally {
        started();
        answered();
      }
    },
    async subscribe(args) {
      const started = socket.starting();
      try {
        return await operation.subscribe(args);
      } finally {
        started();
        answered();
      }
    },
  };
}

function refusalOf(request: IncomingMessage, path: string, origins: Origins): string | null {
  if (origins.refusalOf(request) !== null) return '403 Forbidden';
  return (request.url ?? '').split('?')[0] === path ? null : '404 Not Found';
}
