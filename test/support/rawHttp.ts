/** A request with exactly these headers: fetch would put its own Host, Origin and Connection. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
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
      text(response).then(
        (words) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: words }),
        reject,
      );
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    sent.end(body);
  });
}
