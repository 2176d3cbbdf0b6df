/** HTTP requests: given an id, logged in one line, counted and traced. Never with their query, headers or body. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { context, propagation, SpanKind, trace, type Span } from '@opentelemetry/api';
import type { KnownFieldsLog } from '../log.ts';
import { currentContext, within } from './logContext.ts';
import type { Metrics } from './metrics.ts';
import { isTracingOn, markFailed, NO_SPAN } from './spans.ts';

/** What a proxy or a client may call its request, so that it cannot write into our log what it likes. */
const ID = /^[\w.-]{8,64}$/;
/** The client left before there was an answer; nginx's code for that. */
const CLIENT_GONE = 499;

export interface RequestWatch {
  metrics: Metrics;
  log: KnownFieldsLog;
  /** The name of the route, without ids. */
  routeOf: (address: string | undefined) => string;
  /** What is asked all day long, and told at the level debug only. */
  routine: ReadonlySet<string>;
}

/** The id under which the log has a request: its own `X-Request-Id`, where that is harmless. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && ID.test(given) ? given : randomUUID();
}

/** Answers a request by `answer`, which is given the request's id, and tells of it when that is over. */
export function watchRequest(
  { metrics, log, routeOf, routine }: RequestWatch,
  request: IncomingMessage,
  response: ServerResponse,
  answer: (requestId: string) => Promise<void>,
): Promise<void> {
  const requestId = requestIdOf(request);
  const route = routeOf(request.url);
  const method = request.method ?? 'GET';
  const began = performance.now();
  return inRequestSpan(request, { method, route, requestId }, (span) =>
    within({ requestId }, () => {
      const known = currentContext();
      response.on('close', () => {
        const status = response.headersSent ? response.statusCode : CLIENT_GONE;
        const ms = performance.now() - began;
        const streamed = String(response.getHeader('content-type')).startsWith('text/event-stream');
        metrics.requestEnded({ route, method, status, seconds: streamed ? null : ms / 1000 });
        const level = routine.has(route) && status < 400 ? 'debug' : 'info';
        log[level](known, { method, path: route, status, ms: Math.round(ms) }, 'A request was answered');
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) markFailed(span, String(status));
        span.end();
      });
      return answer(requestId);
    }),
  );
}

/** Within a span that goes on from the caller's, if it says which; it is for `work` to end it. */
function inRequestSpan<T>(
  { headers }: IncomingMessage,
  { method, route, requestId }: { method: string; route: string; requestId: string },
  work: (span: Span) => T,
): T {
  if (!isTracingOn()) return work(NO_SPAN);
  const parent = propagation.extract(context.active(), headers);
  const span = trace.getTracer('tunesmith').startSpan(
    `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'http.route': route, 'tunesmith.request_id': requestId },
    },
    parent,
  );
  return context.with(trace.setSpan(parent, span), () => work(span));
}
