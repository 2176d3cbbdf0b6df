/**
 * Server-sent events (graphql-sse, one connection an operation). What comes by POST is streamed here, past Yoga, which
 * would make streams of the Fetch API for each, several times dearer than what they carry. What goes wrong with an
 * operation is told in the stream, as it is over WebSocket.
 */
import type { ServerResponse } from 'node:http';
import { getOperationAST, OperationTypeNode, type ExecutionResult, type GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Asked, Follow } from './broadcasts.ts';
import { messageOf, type Message } from './messages.ts';
import {
  prepare,
  type Gone,
  type Operation,
  type OperationOpener,
  type OperationParams,
} from './operation.ts';
import { orGone } from './orGone.ts';
import type { Session } from './session.ts';
import { takeAsked } from './sharedResults.ts';

/** How often something is sent on a quiet stream, in milliseconds, so that what lies between does not cut it. */
const PING_EVERY = 12_000;
const PING = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache',
  Connection: 'keep-alive',
  'Content-Encoding': 'none',
};

/** Of what Yoga streams: gives it the status 200, since of another, clients see the number alone, and try again as if cut off. */
export const toldInStream: Plugin = {
  onResponse(answer) {
    const { response, fetchAPI } = answer;
    if (response.ok || response.headers.get('content-type') !== 'text/event-stream') return;
    answer.setResponse(new fetchAPI.Response(response.body, { headers: response.headers }));
  },
};

export interface EventStreams {
  /** Answers; resolves when that is done, or goes on by itself. */
  stream(session: Session, params: OperationParams, response: ServerResponse, gone: Gone): Promise<void>;
  close(): void;
}

interface EventStreamsOptions {
  open: OperationOpener;
  follow: Follow;
  /** What clients are told of an error. */
  mask: (error: unknown) => GraphQLError;
}

export function createEventStreams({ open, follow, mask }: EventStreamsOptions): EventStreams {
  const streams = new Set<ServerResponse>();
  const timer = setInterval(() => {
    for (const stream of streams) if (stream.writableLength === 0) stream.write(PING);
  }, PING_EVERY).unref();
  /** What was told last, to many one after the other. */
  let last: { message?: Message; event: Buffer } = { event: Buffer.alloc(0) };

  function eventOf(message: Message): Buffer {
    if (last.message !== message)
      last = { message, event: Buffer.from(`event: next\ndata: ${message.text}\n\n`) };
    return last.event;
  }

  /** Tells one result and the end. */
  function answer(response: ServerResponse, result: ExecutionResult): void {
    if (response.closed) return; // The client has gone.
    begin(response);
    response.write(eventOf(messageOf(result, mask, true)));
    response.end(COMPLETE);
  }

  function tellAll(response: ServerResponse, asked: Asked): void {
    if (response.closed) return void asked.source.return?.();
    begin(response);
    streams.add(response);
    const leave = follow(asked, {
      tell: (message, taken) => void response.write(eventOf(message), taken),
      ended(error) {
        if (error) response.write(eventOf(messageOf({ errors: [error] }, mask, true)));
        response.end(COMPLETE);
      },
    });
    response.on('close', () => {
      streams.delete(response);
      leave();
    });
  }

  return {
    async stream(session, params, response, gone) {
      const operation = open({ session, gone, params });
      await orGone(
        resultOf(operation, params).then(
          (told) => ('source' in told ? tellAll(response, told) : answer(response, told)),
          (error: unknown) => answer(response, { errors: [mask(error)] }),
        ),
        response,
      );
    },
    close: () => clearInterval(timer),
  };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, HEADERS);
  response.flushHeaders(); // By themselves: else Node keeps the forty pieces they are put together from to the end.
  response.write(PING); // Some browsers show nothing of the head until something follows it.
}

async function resultOf(operation: Operation, params: OperationParams): Promise<Asked | ExecutionResult> {
  const prepared = await prepare(operation, params);
  if (!('document' in prepared)) return { errors: prepared };
  const type = getOperationAST(prepared.document, prepared.operationName)?.operation;
  if (type !== OperationTypeNode.SUBSCRIPTION) return operation.execute(prepared);
  const result = await operation.subscribe(prepared);
  if (!(Symbol.asyncIterator in result)) return result;
  const asked = takeAsked(prepared);
  if (!asked) throw new Error('What is followed is not known');
  return asked;
}
