import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** JSON bodies (job parameters, chat messages) larger than this are refused; files have a limit of their own. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** The provider's words for a 500. */
export const SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!';

/** An error as the provider words it: `{error: {message, type, param, code}}` under an HTTP status. */
export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;

  constructor(status: number, message: string, details: { param?: string; code?: string } = {}) {
    super(message);
    this.status = status;
    this.param = details.param ?? null;
    this.code = details.code ?? null;
  }

  body() {
    const type = this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message: this.message, type, param: this.param, code: this.code } };
  }
}

/** One request, as the handlers see it: `id` is the resource named in the path, when there is one. */
export interface Call {
  request: IncomingMessage;
  query: URLSearchParams;
  id: string;
}

/** What a handler answers with. The server alone writes to the socket, so that faults can be put between. */
export type Reply =
  | { kind: 'json'; status: number; json: unknown; headers?: Record<string, string> }
  | { kind: 'bytes'; bytes: Readable; length: number }
  | { kind: 'sse'; events: Iterable<unknown> }
  /** The connection ends without an answer. */
  | { kind: 'reset' };

export function ok(json: unknown): Reply {
  return { kind: 'json', status: 200, json };
}

/** Writes a reply. A client that left early is not an error of the server's. */
export async function send(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (reply.kind === 'json') {
    const body = Buffer.from(`${JSON.stringify(reply.json, null, 2)}\n`);
    response.writeHead(reply.status, {
      ...reply.headers,
      'content-type': 'application/json',
      'content-length': body.length,
    });
    response.end(body);
    return;
  }
  if (reply.kind === 'bytes') {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': reply.length });
    await pipeline(reply.bytes, response);
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  for (const event of reply.events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end('data: [DONE]\n\n');
}

/** Reads a request's JSON body. 400 when it is not JSON, 413 when it is too large to be honest. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_JSON_BYTES) throw new ApiError(413, `Request body larger than ${MAX_JSON_BYTES} bytes.`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ApiError(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)",
    );
  }
}

/** Reads a whole number from the query, or its default; 400 outside 1..max. */
function limitOf(query: URLSearchParams, byDefault: number, max: number): number {
  const text = query.get('limit');
  if (text === null) return byDefault;
  const limit = Number(text);
  if (!Number.isInteger(limit)) {
    throw new ApiError(400, `Invalid type for 'limit': expected an integer, but got '${text}' instead.`, {
      param: 'limit',
      code: 'invalid_type',
    });
  }
  if (limit < 1 || limit > max) {
    const [side, bound] = limit < 1 ? ['below minimum', '>= 1'] : ['above maximum', `<= ${max}`];
    throw new ApiError(
      400,
      `Invalid 'limit': integer ${side} value. Expected a value ${bound}, but got ${limit} instead.`,
      {
        param: 'limit',
        code: limit < 1 ? 'integer_below_min_value' : 'integer_above_max_value',
      },
    );
  }
  return limit;
}

/**
 * One page of a list in the provider's envelope. `items` come in the order they are to be shown;
 * `after` names the last item of the page before. An `after` that is not there is a 400.
 */
export function page(
  items: readonly { id: string }[],
  query: URLSearchParams,
  limits: { byDefault: number; max: number },
): Reply {
  const limit = limitOf(query, limits.byDefault, limits.max);
  const after = query.get('after');
  const start = after === null ? 0 : items.findIndex((item) => item.id === after) + 1;
  if (after !== null && start === 0) {
    throw new ApiError(400, `Invalid 'after': no object '${after}' in this list.`, {
      param: 'after',
      code: 'invalid_value',
    });
  }
  const data = items.slice(start, start + limit);
  return ok({
    object: 'list',
    data,
    has_more: start + data.length < items.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}
