/** The server: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL, and the plain HTTP routes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { PothosValidationError } from '@pothos/core';
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { Database } from './db/database.ts';
import { Prisma } from './generated/prisma/client.ts';
import { isBodyWithin } from './http/limits/bodyLimit.ts';
import { documentLimits } from './http/limits/documentLimits.ts';
import { DEFAULT_LIMITS, type Limits } from './http/limits/limits.ts';
import { setSecurityHeaders } from './http/limits/securityHeaders.ts';
import { graphiqlTabs } from './http/graphiqlTabs.ts';
import { isLoopbackHost, isOwnOrigin } from './http/origin.ts';
import { respondError } from './http/respond.ts';
import { createRoutes } from './http/routes.ts';
import { createSlowReaders } from './http/slowReaders.ts';
import { attachWebSockets, type ServerContext, type WebSockets } from './http/webSockets.ts';
import type { Logger } from './log.ts';
import { schema } from './schema/index.ts';
import type { Context } from './schema/context.ts';
import { ExpectedError } from './services/errors.ts';
import type { Services } from './services/index.ts';
import type { Viewer } from './services/viewer.ts';

const GRAPHQL_PATH = '/graphql';

export interface AppOptions {
  db: Database;
  services: Services;
  /** Who asks. */
  viewerOf: (request: IncomingMessage) => Viewer;
  log: Logger;
  /** How much a client may ask for at once. */
  limits?: Limits;
  /**
   * How long a client may take nothing of what waits for it, and then how long it has to answer the closing of its
   * WebSocket, in milliseconds; 30 s each by default.
   */
  slowReaders?: { limit?: number; grace?: number };
}

export interface App {
  /** Resolves to the address, such as http://127.0.0.1:4000. */
  listen(port: number, host: string): Promise<string>;
  /** No new requests; those under way are finished, sockets told to go. */
  close(): Promise<void>;
}

export function createApp(options: AppOptions): App {
  const { db, services, viewerOf, log, limits = DEFAULT_LIMITS, slowReaders: slow = {} } = options;
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    cors: false,
    logging: false,
    plugins: [documentLimits(limits)],
    renderGraphiQL,
    graphiql: {
      title: 'Tunesmith',
      subscriptionsProtocol: 'WS',
      defaultTabs: graphiqlTabs,
    },
    context: ({ req }) => {
      const viewer = viewerOf(req);
      return { viewer, db: db.clientOf(viewer.tenantId), services };
    },
    maskedErrors: { maskError: (error) => maskError(error, log) },
  });
  const slowReaders = createSlowReaders(slow.limit);
  let closing = false;
  const route = createRoutes({
    services,
    viewerOf,
    ready: async () => {
      if (closing) throw new Error('shutting down');
      await db.ping();
    },
  });

  /** The requests that are being answered; of some the client may have gone. */
  const underWay = new Set<Promise<void>>();
  // An import takes as long as it takes: Node would cut it off after five minutes. Headers still have a minute.
  const server: Server = createServer({ requestTimeout: 0 }, (request, response) => {
    const answered = answer(request, response).catch((error: unknown) => {
      if (error === request.errored) return log.info({ path: request.url }, 'A client broke off its request');
      const errorId = randomUUID();
      log.error({ err: error, errorId }, 'A request failed');
      if (response.headersSent) response.destroy();
      else
        respondError(
          response,
          500,
          'INTERNAL_ERROR',
          `Something went wrong on our side; the log has it as ${errorId}.`,
        );
    });
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
  });
  let webSockets: WebSockets | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
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
    if (url.pathname === GRAPHQL_PATH) return answerGraphQL(request, response);
    const handler = route(url);
    if (handler) return handler(request, response);
    respondError(
      response,
      404,
      'NOT_FOUND',
      `There is nothing at ${url.pathname}. GraphQL is at ${GRAPHQL_PATH}.`,
    );
  }

  async function answerGraphQL(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
    if (!isBodyWithin(request, response, limits.bodyBytes)) return;
    // Server-sent events have no close codes: the stream is cut off, and the log says why.
    const watched = slowReaders.watch({
      socket: request.socket,
      waiting: () => response.writableLength,
      stalled() {
        log.info({ waiting: response.writableLength }, 'An HTTP client was too slow');
        response.destroy();
      },
    });
    response.once('close', watched.stop);
    await yoga(request, response);
  }

  return {
    async listen(port, host) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      // Not before: graphql-ws would print a failure to listen, with its stack, beside whoever is told of it here.
      webSockets = attachWebSockets(server, {
        path: GRAPHQL_PATH,
        open: (initial) => yoga.getEnveloped({ ...initial, waitUntil: () => undefined }),
        maxOperations: limits.socketOperations,
        slowReaders,
        slowGrace: slow.grace,
        log,
      });
      const { address, family, port: bound } = addressOf(server);
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    },
    async close() {
      closing = true;
      const closed = new Promise((resolve) => server.close(resolve));
      await webSockets?.close();
      server.closeIdleConnections();
      // Event streams never end by themselves; ordinary requests have had their time.
      const cutOff = setTimeout(() => server.closeAllConnections(), 3_000);
      await closed;
      clearTimeout(cutOff);
      await Promise.all(underWay);
      slowReaders.close();
      await services.webhooks.close();
      services.runFeed.close();
    },
  };
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a port');
  return address;
}

/** Expected failures become errors with their code; of everything else only an id is told, under which the log has it. */
function maskError(error: unknown, log: Logger): GraphQLError {
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
  const errorId = randomUUID();
  log.error({ err: original, errorId }, 'An operation failed');
  return new GraphQLError(`Something went wrong on our side; the log has it as ${errorId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_ERROR', errorId },
  });
}

/** Variables of a wrong type, and what Pothos says of a page's arguments, come without a code. */
function isInputFault(error: GraphQLError): boolean {
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
