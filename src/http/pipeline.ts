/** What every operation goes through, whatever it comes by: Yoga with its plugins, and GraphiQL. */
import type { GraphQLError } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { withKnownFields, type Logger } from '../log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { watchOperations } from '../observe/operations.ts';
import type { Context } from '../schema/context.ts';
import { schema } from '../schema/index.ts';
import { answerSources } from './answerSources.ts';
import { toldInStream } from './eventStreams.ts';
import { renderPage } from './graphiqlPage.ts';
import { graphiqlTabs } from './graphiqlTabs.ts';
import type { AnswerByPlan } from './knownQueries.ts';
import { documentLimits } from './limits/documentLimits.ts';
import { noIntrospection } from './limits/introspection.ts';
import type { Limits } from './limits/limits.ts';
import { operationTimeout } from './limits/operationTimeout.ts';
import type { OperationOpener, ServerContext } from './operation.ts';
import { plannedQueries } from './plannedQueries.ts';
import type { ResponseCache } from './responseCache.ts';
import { GRAPHQL_ROUTE } from './routeNames.ts';
import { sharedQueries } from './sharedQueries.ts';
import { sharedResults } from './sharedResults.ts';

interface PipelineOptions {
  metrics: Metrics;
  log: Logger;
  limits: Limits;
  /** Whether clients may ask for the schema. */
  introspection: boolean;
  /** Whether browsers get GraphiQL. */
  graphiql: boolean;
  cache: ResponseCache;
  byPlan: AnswerByPlan;
  mask: (error: unknown) => GraphQLError;
  contextOf: (context: ServerContext) => Context;
}

export type Pipeline = YogaServerInstance<ServerContext, Context>;

export function createPipeline(options: PipelineOptions): Pipeline {
  const { metrics, log, limits, cache, mask } = options;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_ROUTE,
    landingPage: false,
    cors: false,
    logging: false,
    renderGraphiQL: renderPage,
    graphiql: options.graphiql && {
      title: 'Tunesmith',
      // GraphiQL sends the headers that are typed into it over HTTP only, and credentials are such a header.
      subscriptionsProtocol: 'SSE',
      shouldPersistHeaders: false, // Keys are typed there; the browser would keep them in clear.
      defaultTabs: graphiqlTabs,
    },
    context: options.contextOf,
    maskedErrors: { maskError: mask },
    plugins: [
      plannedQueries(options.byPlan),
      sharedResults({ mask, started: () => metrics.subscriptionStarted() }),
      answerSources(() => cache.caughtUp()),
      operationTimeout(limits),
      sharedQueries(),
      watchOperations({ metrics, log: withKnownFields(log) }),
      documentLimits(limits),
      toldInStream,
      ...(options.introspection ? [] : [noIntrospection()]),
    ],
  });
}

/** Of operations that come past Yoga's HTTP: it looks at it for its method alone, as of a GET it takes no mutations. */
const REQUEST = new Request('http://localhost/graphql', { method: 'POST' });

export function operationOpener(pipeline: Pipeline): OperationOpener {
  return (initial) => pipeline.getEnveloped({ ...initial, request: REQUEST, waitUntil: () => undefined });
}
