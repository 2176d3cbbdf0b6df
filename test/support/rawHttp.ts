/** A request with exactly these headers: fetch would put its own Host, Origin and Connection. */
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The headers' names in lower case, as often as they came. */
  headerNames: string[];
  body: string;
}

export interface RawRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export function send(
  url: string,
  { method = 'GET', headers = {}, body = '' }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false });
    sent.on('error', reject);
    // An upgrade that is refused is answered like any other request.
    sent.on('response', (response) => {
      text(response).then((words) => resolve(answerOf(response, words)), reject);
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(answerOf(response, ''));
    });
    sent.end(body);
  });
}

function answerOf({ statusCode = 0, headers, rawHeaders }: IncomingMessage, body: string): RawAnswer {
  const headerNames = rawHeaders.filter((_, place) => place % 2 === 0).map((name) => name.toLowerCase());
  return { status: statusCode, headers, headerNames, body };
}
