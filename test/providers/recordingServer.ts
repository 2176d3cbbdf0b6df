import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';

export interface Recorded {
  method: string;
  /** The path below /v1, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface RecordingServer {
  url: string;
  requests: Recorded[];
  /** What every following request is answered with. */
  answer: (request: Recorded, response: ServerResponse, incoming: IncomingMessage) => void;
  close(): Promise<void>;
}

/** A local server that keeps what it is asked, whole, before it answers; 404 until `answer` is set. */
export async function startRecordingServer(): Promise<RecordingServer> {
  const requests: Recorded[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const url = new URL(incoming.url ?? '/', 'http://local');
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const recorded = {
        method: incoming.method ?? '',
        path: url.pathname.replace(/^\/v1/, ''),
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      };
      requests.push(recorded);
      recording.answer(recorded, response, incoming);
    })().catch(() => incoming.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const recording: RecordingServer = {
    url: `${addressOf(server.address())}/v1`,
    requests,
    answer: (_request, response) => json(response, 404, { error: { message: 'nothing here' } }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return recording;
}

export function addressOf(address: ReturnType<ReturnType<typeof createServer>['address']>): string {
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port');
  return `http://127.0.0.1:${address.port}`;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
