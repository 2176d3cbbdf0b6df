/** The server: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL, and the plain HTTP routes. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { Database } from './db/database.ts';
import { Prisma } from './generated/prisma/client.ts';
import { toldInStream } from './http/eventStreams.ts';
import { createFrontServer } from './http/front.ts';
import { hasJsonParameters } from './http/getParameters.ts';
import { graphiqlTabs } from './http/graphiqlTabs.ts';
import { createMetricsRoute } from './http/metrics.ts';
import { isLoopbackHost, isOwnOrigin } from './http/origin.ts';
import { orGone } from './http/orGone.ts';
import { createReadiness } from './http/readiness.ts';
import { respondError } from './http/respond.ts';
import {
  IdentityUnavailableError,
  respondUnidentified,
  UnauthenticatedError,
  type Authenticate,
  type Session,
} from './http/session.ts';
import { createSessionWatch } from './http/sessionWatch.ts';
import { routeName, ROUTINE_ROUTES } from './http/routeNames.ts';
import { createRoutes } from './http/routes.ts';
import { createSlowReaders } from './http/slowReaders.ts';
import { attachWebSockets, type ServerContext, type WebSockets } from './http/webSockets.ts';
import type { Logger } from './log.ts';
import { note } from './observe/logContext.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { watchOperations } from './observe/operations.ts';
import { watchRequest } from './observe/requests.ts';
import { schema } from './schema/index.ts';
import type { Context } from './schema/context.ts';
import { ExpectedError } from './services/errors.ts';
import type { Services } from './services/index.ts';

const GRAPHQL_PATH = '/graphql';

export interface AppOptions {
  db: Database;
  services: Services;
  authenticate: Authenticate;
  log: Logger;
  /** Where requests are counted, and what /metrics tells. */
  metrics?: Metrics;
  /** Who brings it may read /metrics from anywhere; without it only this machine may. */
  metricsToken?: string | undefined;
  /** Whether exports can be kept; rejects when not. */
  storeWorks?: () => Promise<void>;
  /** Listens already, and answers that it is starting; a new one when left out. */
  server?: Server;
  /**
   * How long a client may take nothing of what waits for it, and then how long it has to answer the closing of its
   * WebSocket, in milliseconds; 30 s each by default.
   */
  slowReaders?: { limit?: number; grace?: number };
  /** How long a WebSocket client has to introduce itself, in milliseconds; 3 s by default. */
  initTimeout?: number;
}

export interface App {
  /** Resolves to the address, such as http://127.0.0.1:4000. */
  listen(port: number, host: string): Promise<string>;
  /** From here on /health/ready says no; everything is served as before, until `close`. */
  leave(): void;
  /** No new requests; those under way are finished, sockets told to go. */
  close(): Promise<void>;
}

export function createApp({ db, services, log, slowReaders: slow = {}, ...options }: AppOptions): App {
  const { metrics = createMetrics(), storeWorks = async () => undefined } = options;
  const authenticate: Authenticate = async (request, connectionParams) => {
    const session = await options.authenticate(request, connectionParams);
    note({ tenantId: session.viewer.tenantId, subject: session.viewer.subject });
    return session;
  };
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    cors: false,
    logging: false,
    renderGraphiQL,
    graphiql: {
      title: 'Tunesmith',
      subscriptionsProtocol: 'WS',
      defaultTabs: graphiqlTabs,
    },
    context({ session: { viewer } }) {
      note({ tenantId: viewer.tenantId, subject: viewer.subject });
      return { viewer, db: db.clientOf(viewer.tenantId), services };
    },
    maskedErrors: { maskError: (error) => maskError(error, tellFault) },
    plugins: [watchOperations({ metrics, log }), toldInStream],
  });
  const slowReaders = createSlowReaders(slow.limit);
  const sessions = createSessionWatch({
    now: () => services.clock.now(),
    revokedAmong: (ids) => services.apiKeys.revokedAmong(ids),
    onError: (error) => log.error({ err: error }, 'Whether keys were revoked could not be found out'),
  });
  const readiness = createReadiness(
    { database: () => db.ping(), migrations: () => db.requireMigrated(), store: storeWorks },
    log,
  );
  const route = createRoutes({
    services,
    viewerOf: async (request) => (await authenticate(request)).viewer,
    ready: (response) => readiness.answer(response),
    tellMetrics: createMetricsRoute({
      metrics,
      token: options.metricsToken,
      address: () => addressOf(server).address,
    }),
  });

  /** The requests that are being answered; of some the client may have gone. */
  const underWay = new Set<Promise<void>>();
  const server: Server = options.server ?? createFrontServer();
  const watch = { metrics, log, routeOf: routeName, routine: ROUTINE_ROUTES };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const answered = watchRequest(watch, request, response, () => answerOrFail(request, response));
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
  };

  async function answerOrFail(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await answer(request, response);
    } catch (error) {
      if (error instanceof UnauthenticatedError || error instanceof IdentityUnavailableError)
        return respondUnidentified(request, response, error, log);
      if (error === request.errored) return log.info('A client broke off its request');
      const errorId = tellFault(error, 'A request failed');
      if (response.headersSent) response.destroy();
      else
        respondError(
          response,
          500,
          'INTERNAL_ERROR',
          `Something went wrong on our side; the log has it as ${errorId}.`,
        );
    }
  }

  /** Writes down what nobody expected, and returns the id under which it can be found. */
  function tellFault(error: unknown, what: string): string {
    const errorId = randomUUID();
    metrics.faultLogged();
    log.error({ err: error, errorId }, what);
    return errorId;
  }

  let webSockets: WebSockets | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLoopbackHost(request) || !isOwnOrigin(request)) {
      return respondError(
        response,
        403,
        'FORBIDDEN_ORIGIN',
        'Requests must come from this machine, by the name localhost or 127.0.0.1, and not from another site’s page.',
      );
    }
    // Appended, not resolved: `//host/graphql` is a path here and no other host.
    const url = new URL(`http://localhost${request.url?.startsWith('/') ? request.url : '/?'}`);
    if (url.pathname === GRAPHQL_PATH) {
      if (hasJsonParameters(url)) return answerGraphQL(request, response, url);
      return respondError(
        response,
        400,
        'INVALID_INPUT',
        'The parameters variables and extensions must be JSON.',
      );
    }
    const handler = route(url);
    if (handler) return handler(request, response);
    respondError(
      response,
      404,
      'NOT_FOUND',
      `There is nothing at ${url.pathname}. GraphQL is at ${GRAPHQL_PATH}.`,
    );
  }

  async function answerGraphQL(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    // A form on another site can send any other type without asking first.
    const type = request.headers['content-type'] ?? '';
    if (request.method === 'POST' && !/^application\/json\b/i.test(type)) {
      return respondError(
        response,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'Send the operation as JSON, with the header Content-Type: application/json.',
      );
    }
    // Before the body is read. Of the page that GraphiQL is, nobody is asked for credentials: it is where they are given.
    const session = isForGraphiQL(request, url) ? NOBODY : await authenticate(request);
    // Server-sent events have no close codes: the stream is cut off, and the log says why.
    const watched = slowReaders.watch({
      socket: request.socket,
      waiting: () => response.writableLength,
      stalled() {
        log.info({ waiting: response.writableLength }, 'An HTTP client was too slow');
        response.destroy();
      },
    });
    // What is answered at once is answered, though the session ends meanwhile; a stream would go on for as long as it likes.
    const unwatch = isStream(request) ? sessions.watch(session, () => response.destroy()) : () => undefined;
    response.once('close', () => {
      watched.stop();
      unwatch();
    });
    await orGone(yoga(request, response, { session }), response);
  }

  return {
    async listen(port, host) {
      server.removeAllListeners('request').on('request', onRequest);
      if (!server.listening) {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, host, resolve);
        });
      }
      // Not before: graphql-ws would print a failure to listen, with its stack, beside whoever is told of it here.
      webSockets = attachWebSockets(server, {
        path: GRAPHQL_PATH,
        authenticate,
        sessions,
        open: (initial) => yoga.getEnveloped({ ...initial, waitUntil: () => undefined }),
        slowReaders,
        slowGrace: slow.grace,
        metrics,
        initTimeout: options.initTimeout,
        log,
      });
      const { address, family, port: bound } = addressOf(server);
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    },
    leave: () => readiness.leave(),
    async close() {
      readiness.leave();
      const closed = new Promise((resolve) => server.close(resolve));
      await webSockets?.close();
      server.closeIdleConnections();
      // Event streams never end by themselves; ordinary requests have had their time.
      const cutOff = setTimeout(() => server.closeAllConnections(), 3_000);
      await closed;
      clearTimeout(cutOff);
      await Promise.all(underWay);
      slowReaders.close();
      sessions.close();
      await services.apiKeys.close();
      await services.webhooks.close();
      services.runFeed.close();
    },
  };
}

/** Whoever is given the page that GraphiQL is, and nothing of ours. */
const NOBODY: Session = {
  viewer: { tenantId: '', subject: '', role: 'VIEWER' },
  expiresAt: null,
  keyId: null,
};

function isStream({ headers }: IncomingMessage): boolean {
  return /\b(?:text\/event-stream|multipart\/mixed)\b/.test(headers.accept ?? '');
}

/** As Yoga decides it: a browser that asks for a page, and not for an operation. */
function isForGraphiQL({ method, headers }: IncomingMessage, { searchParams }: URL): boolean {
  return method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '') && !searchParams.has('query');
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a port');
  return address;
}

/** Expected failures become errors with their code; of everything else only an id is told, under which the log has it. */
function maskError(error: unknown, tellFault: (error: unknown, what: string) => string): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  if (
    error instanceof GraphQLError &&
    (original === undefined || original === null || original instanceof GraphQLError)
  ) {
    if (isInputFault(error)) return withExtensions(error, { ...error.extensions, code: 'INVALID_INPUT' });
    // Of a body that is no JSON, Yoga hands on what the parser said; and to most clients it would say 200.
    const { originalError: parserFault, ...extensions } = error.extensions;
    return parserFault === undefined
      ? error
      : withExtensions(error, { ...extensions, http: { status: 400 } });
  }
  const place = error instanceof GraphQLError ? placeOf(error) : {};
  if (original instanceof ExpectedError) {
    return new GraphQLError(original.message, { ...place, extensions: { code: original.code } });
  }
  if (original instanceof Prisma.PrismaClientKnownRequestError && original.code === 'P2025') {
    return new GraphQLError('What this field belongs to is not there any more.', {
      ...place,
      extensions: { code: 'NOT_FOUND' },
    });
  }
  if (original instanceof RangeError && original.message.startsWith('Maximum call stack')) {
    return new GraphQLError('The operation is nested too deeply. Ask for less at once.', {
      extensions: { code: 'INVALID_INPUT', http: { status: 400 } },
    });
  }
  const errorId = tellFault(original, 'An operation failed');
  return new GraphQLError(`Something went wrong on our side; the log has it as ${errorId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_ERROR', errorId },
  });
}

/** Variables of a wrong type, and what Pothos says of a page's arguments, come without a code. */
function isInputFault(error: GraphQLError): boolean {
  if (error.extensions['code'] === 'BAD_USER_INPUT') return true; // Yoga's word for a variable that is missing.
  if (error.extensions['code'] !== undefined) return false;
  return error.path === undefined || error.originalError instanceof PothosValidationError;
}

function withExtensions(error: GraphQLError, extensions: GraphQLErrorExtensions): GraphQLError {
  const { message, originalError } = error;
  return new GraphQLError(message, {
    ...placeOf(error),
    ...(originalError && { originalError }),
    extensions,
  });
}

function placeOf({ nodes, path }: GraphQLError) {
  return { ...(nodes && { nodes }), ...(path && { path }) };
}
