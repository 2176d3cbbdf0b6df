/** The server: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL, and the plain HTTP routes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Database } from './db/database.ts';
import { createBroadcasts } from './http/broadcasts.ts';
import { createEventStreams } from './http/eventStreams.ts';
import { createFrontServer, type FrontServer } from './http/front.ts';
import { createGraphQLRoute } from './http/graphqlRoute.ts';
import { createConnectionLimit, TooManyConnectionsError } from './http/limits/connectionLimit.ts';
import { DEFAULT_LIMITS, type Limits } from './http/limits/limits.ts';
import { createRateLimit, RateLimitedError, respondRateLimited } from './http/limits/rateLimit.ts';
import { securityHeaders } from './http/limits/securityHeaders.ts';
import type { HeadedResponse } from './http/headedResponse.ts';
import { maskError } from './http/maskError.ts';
import { createMetricsRoute } from './http/metrics.ts';
import type { ServerContext } from './http/operation.ts';
import { createOrigins, type OriginOptions } from './http/origin.ts';
import { createKnownQueries, type AnswerByPlan } from './http/knownQueries.ts';
import { createPipeline, operationOpener } from './http/pipeline.ts';
import { createPlainOperations } from './http/plainOperations.ts';
import { createReadiness } from './http/readiness.ts';
import { respondAmidBody, respondError, respondFault } from './http/respond.ts';
import { createMemoryCache, DEFAULT_CACHE, type ResponseCache } from './http/responseCache.ts';
import {
  IdentityUnavailableError,
  respondUnidentified,
  UnauthenticatedError,
  type Authenticate,
  type Session,
} from './http/session.ts';
import { createSessionWatch } from './http/sessionWatch.ts';
import { GRAPHQL_ROUTE, METRICS_ROUTE, routeName, ROUTINE_ROUTES } from './http/routeNames.ts';
import { createRoutes } from './http/routes.ts';
import { createSlowReaders } from './http/slowReaders.ts';
import { attachWebSockets, type WebSockets } from './http/webSockets.ts';
import { withKnownFields, type Logger } from './log.ts';
import { noteViewer } from './observe/logContext.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { watchRequest } from './observe/requests.ts';
import { answerByPlan } from './schema/plan/execute.ts';
import { withNotedSubject, type Context } from './schema/context.ts';
import type { Services } from './services/index.ts';
import { onceThere, type Soon } from './soon.ts';

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
  server?: FrontServer;
  /** How much a client may ask for at once. */
  limits?: Limits;
  /** Whether clients may ask for the schema; they may unless said. */
  introspection?: boolean;
  /** Whether browsers get GraphiQL; they do unless said. */
  graphiql?: boolean;
  /** From where requests may come besides this machine. */
  origins?: OriginOptions;
  /**
   * How long a client may take nothing of what waits for it, and then how long it has to answer the closing of its
   * WebSocket, in milliseconds; 30 s each by default.
   */
  slowReaders?: { limit?: number; grace?: number };
  /** Where answers to queries are kept; in memory unless said. */
  responseCache?: ResponseCache;
  /** What answers queries by plans; the schema's own plans unless said. */
  answerByPlan?: AnswerByPlan;
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

export function createApp({
  db,
  services,
  log,
  limits = DEFAULT_LIMITS,
  introspection = true,
  graphiql = true,
  slowReaders: slow = {},
  ...options
}: AppOptions): App {
  const { metrics = createMetrics(), storeWorks = async () => undefined } = options;
  const { responseCache: cache = createMemoryCache({ notifications: db.notifications, ...DEFAULT_CACHE }) } =
    options;
  const authenticate: Authenticate = (request, connectionParams) =>
    onceThere(options.authenticate(request, connectionParams), (session) => {
      noteViewer(session.viewer);
      return session;
    });
  const mask = (error: unknown) => maskError(error, tellFault);
  const follow = createBroadcasts({ mask, started: () => metrics.subscriptionStarted() });
  const byPlan = options.answerByPlan ?? answerByPlan;
  function contextOf({ session: { viewer }, gone }: ServerContext): Context {
    noteViewer(viewer);
    return { viewer: withNotedSubject(viewer), db: db.clientOf(viewer.tenantId), services, gone };
  }
  const yoga = createPipeline({
    metrics,
    log,
    limits,
    introspection,
    graphiql,
    cache,
    byPlan,
    mask,
    contextOf,
  });
  const open = operationOpener(yoga);
  const rateLimit = createRateLimit(limits.requestsPerMinute);
  const connectionLimit = createConnectionLimit(limits.socketsPerPrincipal);
  const origins = createOrigins(options.origins ?? {});
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
    maxImportBytes: limits.importBytes,
    caughtUp: () => cache.caughtUp(),
    viewerOf: async (request) => (await sessionOf(request)).viewer,
    ready: (response) => readiness.answer(response),
    tellMetrics: createMetricsRoute({
      metrics,
      token: options.metricsToken,
      address: () => addressOf(server).address,
    }),
  });

  const eventStreams = createEventStreams({ open, follow, mask });
  const answerGraphQL = createGraphQLRoute({
    yoga: async (request, response, context) => yoga(request, response, context),
    answerPlainly: createPlainOperations({
      open,
      knownQueries: createKnownQueries({ limits, contextOf, answerByPlan: byPlan, metrics }),
      mask,
      fetchAPI: yoga.fetchAPI,
      cache,
      metrics,
    }),
    eventStreams,
    graphiql,
    maxBodyBytes: limits.bodyBytes,
    sessionOf,
    connectionLimit,
    sessions,
    slowReaders,
    log,
  });

  /** The requests that are being answered; of some the client may have gone. */
  const underWay = new Set<Promise<void>>();
  const server = options.server ?? createFrontServer();
  const watch = { metrics, log: withKnownFields(log), routeOf: routeName, routine: ROUTINE_ROUTES };
  const always = securityHeaders(options.origins?.publicUrl);
  const onRequest = (request: IncomingMessage, response: HeadedResponse): void => {
    // Of what a client sends without waiting, each begins once what came before is answered. Until then Node would not
    // tell that the client has gone, and whatever waits for that would wait for ever.
    if (response.socket === null) return void response.once('socket', () => onRequest(request, response));
    const answered = watchRequest(watch, request, response, (requestId) => {
      response.always = ['X-Request-Id', requestId, ...always];
      return answerOrFail(request, response);
    });
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
  };

  function sessionOf(request: IncomingMessage): Soon<Session> {
    return onceThere(authenticate(request), (session) => {
      rateLimit.take(session.viewer);
      return session;
    });
  }

  async function answerOrFail(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await answer(request, response);
    } catch (error) {
      if (error instanceof UnauthenticatedError || error instanceof IdentityUnavailableError)
        return respondUnidentified(request, response, error, log);
      if (error instanceof RateLimitedError) return respondRateLimited(request, response, error);
      if (error instanceof TooManyConnectionsError)
        return respondAmidBody(request, response, 429, error.code, error.message);
      if (error === request.errored) return log.info('A client broke off its request');
      respondFault(response, tellFault(error, 'A request failed'));
    }
  }

  /** Writes down what nobody expected, and returns the id under which it can be found. */
  function tellFault(error: unknown, what: string): string {
    const errorId = randomUUID();
    metrics.faultLogged();
    log.error({ err: error, errorId }, what);
    return errorId;
  }

  /** Probes call a replica by its address. What the metrics tell without a token must not be read under a foreign name. */
  function isProbe({ url }: IncomingMessage): boolean {
    const name = routeName(url);
    return ROUTINE_ROUTES.has(name) && (name !== METRICS_ROUTE || options.metricsToken !== undefined);
  }

  let webSockets: WebSockets | undefined;

  function answer(request: IncomingMessage, response: ServerResponse): Soon<void> {
    const refusal = origins.refusalOf(request, isProbe(request));
    if (refusal !== null) return respondError(response, 403, 'FORBIDDEN_ORIGIN', refusal);
    if (origins.share(request, response)) return;
    if (request.url === GRAPHQL_ROUTE) return answerGraphQL(request, response);
    // Appended, not resolved: `//host/graphql` is a path here and no other host.
    const url = new URL(`http://localhost${request.url?.startsWith('/') ? request.url : '/?'}`);
    if (url.pathname === GRAPHQL_ROUTE) return answerGraphQL(request, response, url);
    const handler = route(url);
    if (handler) return handler(request, response);
    respondError(
      response,
      404,
      'NOT_FOUND',
      `There is nothing at ${url.pathname}. GraphQL is at ${GRAPHQL_ROUTE}.`,
    );
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
        path: GRAPHQL_ROUTE,
        authenticate,
        sessions,
        open,
        follow,
        limits,
        origins,
        rateLimit,
        connectionLimit,
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
      eventStreams.close();
      cache.close();
      await services.apiKeys.close();
      await services.webhooks.close();
      services.runFeed.close();
      services.changeFeed.close();
    },
  };
}

function addressOf(server: FrontServer): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The server does not listen on a port');
  return address;
}
