/** GraphQL over HTTP and server-sent events: everything around Yoga. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { endOfTurn } from '../endOfTurn.ts';
import type { Logger } from '../log.ts';
import type { Soon } from '../soon.ts';
import { acceptedOf } from './accepted.ts';
import type { EventStreams } from './eventStreams.ts';
import { hasJsonParameters } from './getParameters.ts';
import { readBody } from './limits/bodyLimit.ts';
import type { ConnectionLimit } from './limits/connectionLimit.ts';
import type { Gone, ServerContext } from './operation.ts';
import { goneOf, orGone } from './orGone.ts';
import { paramsOf, type PlainAnswer } from './plainOperations.ts';
import { respondError } from './respond.ts';
import type { Session } from './session.ts';
import type { SessionWatch } from './sessionWatch.ts';
import type { SlowReaders } from './slowReaders.ts';

export interface GraphQLRouteOptions {
  yoga: (request: IncomingMessage, response: ServerResponse, context: ServerContext) => Promise<void>;
  /** Answers what is usual; null of what Yoga has to look at (plainOperations.ts). */
  answerPlainly: (session: Session, body: string, type: string, gone: Gone) => Soon<PlainAnswer | null>;
  eventStreams: Pick<EventStreams, 'stream'>;
  /** Whether browsers get GraphiQL. */
  graphiql: boolean;
  maxBodyBytes: number;
  /** Who asks. Rejects as `Authenticate` does. */
  sessionOf: (request: IncomingMessage) => Soon<Session>;
  connectionLimit: ConnectionLimit;
  sessions: SessionWatch;
  slowReaders: SlowReaders;
  log: Logger;
}

export function createGraphQLRoute(options: GraphQLRouteOptions) {
  const {
    yoga,
    answerPlainly,
    eventStreams,
    graphiql,
    maxBodyBytes,
    sessionOf,
    connectionLimit,
    sessions,
    slowReaders,
    log,
  } = options;

  /** What is to be done when the connection ends. Throws TooManyConnectionsError. */
  function watchStream(session: Session, response: ServerResponse): () => void {
    const left = connectionLimit.open(session.viewer);
    const unwatch = sessions.watch(session, () => response.destroy());
    return () => {
      left();
      unwatch();
    };
  }

  /** Server-sent events have no close codes: who takes nothing of what waits is cut off, and the log says why. */
  function watchReader(request: IncomingMessage, response: ServerResponse): void {
    const watched = slowReaders.watch({
      socket: request.socket,
      waiting: () => response.writableLength,
      stalled() {
        log.info({ waiting: response.writableLength }, 'An HTTP client was too slow');
        response.destroy();
      },
    });
    onceLeft(response, () => watched.stop());
  }

  /** `url`: where it says more than the path. */
  return async (request: IncomingMessage, response: ServerResponse, url?: URL): Promise<void> => {
    const { method, headers } = request;
    // HEAD too: an operation would be run for nothing.
    if (method !== 'GET' && method !== 'POST') {
      response.setHeader('Allow', 'GET, POST');
      return respondError(response, 405, 'METHOD_NOT_ALLOWED', 'Operations come by GET or POST.');
    }
    if (url && !hasJsonParameters(url)) {
      const message = 'The parameters variables and extensions must be JSON.';
      return respondError(response, 400, 'INVALID_INPUT', message);
    }
    // A form on another site can send any other type without asking first.
    if (method === 'POST' && !/^application\/json\b/i.test(headers['content-type'] ?? '')) {
      return respondError(
        response,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'Send the operation as JSON, with the header Content-Type: application/json.',
      );
    }
    // Before the body is read. Of the page that GraphiQL is, nobody is asked for credentials: it is where they are given.
    const found = graphiql && isForGraphiQL(request) ? NOBODY : sessionOf(request);
    const session = found instanceof Promise ? await found : found;
    const body = await readBody(request, response, maxBodyBytes);
    if (body === null) return;
    const accepted = acceptedOf(headers.accept);
    const gone = goneOf(response);
    if (method === 'POST' && !accepted.streams && accepted.plainType !== null) {
      const told = answerPlainly(session, body.toString(), accepted.plainType, gone);
      const answer = told instanceof Promise ? await told : told;
      if (answer) {
        await endOfTurn();
        respondPlainly(response, answer);
        if (!response.writableFinished) watchReader(request, response);
        return;
      }
    }
    // What is answered at once is answered, though the session ends meanwhile; a stream would go on for as long as it likes.
    if (accepted.streams) onceLeft(response, watchStream(session, response));
    else headers.accept = accepted.noStream;
    watchReader(request, response);
    const streamed = method === 'POST' && accepted.eventStream && paramsOf(body.toString());
    if (streamed) return eventStreams.stream(session, streamed, response, gone);
    await orGone(
      yoga(Object.assign(request, { body: Readable.from([body]) }), response, { session, gone }),
      response,
    );
  };
}

/** Whoever is gone by now has closed already. */
function onceLeft(response: ServerResponse, left: () => void): void {
  if (response.closed) left();
  else response.on('close', left); // It comes once, and `once` is dearer for as long as a stream is open.
}

function respondPlainly(response: ServerResponse, { status, type, body, headers }: PlainAnswer): void {
  if (response.closed) return; // The client has gone.
  response.writeHead(status, [
    'Content-Type',
    `${type}; charset=utf-8`,
    'Content-Length',
    body.length,
    ...Object.entries(headers).flat(),
  ]);
  response.end(body);
}

/** Whoever is given the page that GraphiQL is, and nothing of ours. */
const NOBODY: Session = {
  viewer: { tenantId: '', subject: '', role: 'VIEWER' },
  expiresAt: null,
  keyId: null,
};

/** As Yoga decides it: a browser gets the page, also with the operation in its address that GraphiQL puts there. */
function isForGraphiQL({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');
}
