/** GraphQL over HTTP and server-sent events: everything around Yoga. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Logger } from '../log.ts';
import type { EventStreams } from './eventStreams.ts';
import { hasJsonParameters } from './getParameters.ts';
import { readBody } from './limits/bodyLimit.ts';
import type { ConnectionLimit } from './limits/connectionLimit.ts';
import type { Gone, ServerContext } from './operation.ts';
import { goneOf, orGone } from './orGone.ts';
import { paramsOf, plainTypeOf, type PlainAnswer } from './plainOperations.ts';
import { respondError } from './respond.ts';
import type { Session } from './session.ts';
import type { SessionWatch } from './sessionWatch.ts';
import type { SlowReaders } from './slowReaders.ts';

export interface GraphQLRouteOptions {
  yoga: (request: IncomingMessage, response: ServerResponse, context: ServerContext) => Promise<void>;
  /** Answers what is usual; null of what Yoga has to look at (plainOperations.ts). */
  answerPlainly: (session: Session, body: string, type: string, gone: Gone) => Promise<PlainAnswer | null>;
  eventStreams: Pick<EventStreams, 'stream'>;
  /** Whether browsers get GraphiQL. */
  graphiql: boolean;
  maxBodyBytes: number;
  /** Who asks. Rejects as `Authenticate` does. */
  sessionOf: (request: IncomingMessage) => Promise<Session>;
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

  return async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    // HEAD too: an operation would be run for nothing.
    if (request.method !== 'GET' && request.method !== 'POST') {
      response.setHeader('Allow', 'GET, POST');
      return respondError(response, 405, 'METHOD_NOT_ALLOWED', 'Operations come by GET or POST.');
    }
    if (!hasJsonParameters(url)) {
      const message = 'The parameters variables and extensions must be JSON.';
      return respondError(response, 400, 'INVALID_INPUT', message);
    }
    // A form on another site can send any other type without asking first.
    const contentType = request.headers['content-type'] ?? '';
    if (request.method === 'POST' && !/^application\/json\b/i.test(contentType)) {
      return respondError(
        response,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'Send the operation as JSON, with the header Content-Type: application/json.',
      );
    }
    // Before the body is read. Of the page that GraphiQL is, nobody is asked for credentials: it is where they are given.
    const session = graphiql && isForGraphiQL(request) ? NOBODY : await sessionOf(request);
    const body = await readBody(request, response, maxBodyBytes);
    if (body === null) return;
    // What is answered at once is answered, though the session ends meanwhile; a stream would go on for as long as it likes.
    const streams = isStream(request);
    if (!streams) takeNoStream(request);
    const ended = streams ? watchStream(session, response) : () => undefined;
    // Server-sent events have no close codes: the stream is cut off, and the log says why.
    const watched = slowReaders.watch({
      socket: request.socket,
      waiting: () => response.writableLength,
      stalled() {
        log.info({ waiting: response.writableLength }, 'An HTTP client was too slow');
        response.destroy();
      },
    });
    const left = () => {
      watched.stop();
      ended();
    };
    // Whoever is gone by now has closed already.
    if (response.closed) left();
    else response.once('close', left);
    const gone = goneOf(response);
    const streamed = request.method === 'POST' && isEventStream(request) && paramsOf(body.toString());
    if (streamed) return eventStreams.stream(session, streamed, response, gone);
    const type = request.method === 'POST' && !streams ? plainTypeOf(request.headers.accept) : null;
    const answer = type && (await answerPlainly(session, body.toString(), type, gone));
    if (answer) return respondPlainly(response, answer);
    await orGone(
      yoga(Object.assign(request, { body: Readable.from([body]) }), response, { session, gone }),
      response,
    );
  };
}

function respondPlainly(response: ServerResponse, { status, type, body, headers }: PlainAnswer): void {
  if (response.closed) return; // The client has gone.
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    ...headers,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': bytes.length,
  });
  response.end(bytes);
}

/** Whoever is given the page that GraphiQL is, and nothing of ours. */
const NOBODY: Session = {
  viewer: { tenantId: '', subject: '', role: 'VIEWER' },
  expiresAt: null,
  keyId: null,
};

/** The types that a client takes, as Yoga reads them. */
function typesOf({ headers: { accept = '*/*' } }: IncomingMessage): string[] {
  return accept.toLowerCase().replaceAll(/\s/g, '').split(',');
}

/** Whether that is what the client takes before all else. */
function isEventStream(request: IncomingMessage): boolean {
  return typesOf(request)[0] === 'text/event-stream';
}

function isStream(request: IncomingMessage): boolean {
  return typesOf(request).some((type) => /^(?:text\/event-stream|multipart\/mixed)(?:;|$)/.test(type));
}

/**
 * Leaves no stream to those who do not name its type: one that came of `*` would not be known for a stream, and would
 * outlive its session and go uncounted. What takes anything is given JSON.
 */
function takeNoStream(request: IncomingMessage): void {
  const types = typesOf(request).filter((type) => !/^(?:text|multipart)\/\*/.test(type));
  const accept = types.map((type) => type.replace(/^\*\/\*/, 'application/json')).join();
  request.headers.accept = accept === '' ? 'application/json' : accept;
}

/** As Yoga decides it: a browser gets the page, also with the operation in its address that GraphiQL puts there. */
function isForGraphiQL({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');
}
