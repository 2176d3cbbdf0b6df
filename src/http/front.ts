/** The port, taken before anything else is ready: probes learn that the process lives and is starting. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { HeadedResponse } from './headedResponse.ts';
import { respondError, respondJson } from './respond.ts';

export type FrontServer = Server<typeof IncomingMessage, typeof HeadedResponse>;

/** Listens, and answers that it is starting until somebody takes the requests over. */
export async function openFront(port: number, host: string): Promise<FrontServer> {
  const server = createFrontServer();
  server.on('request', (request, response) => {
    response.setHeader('Retry-After', '1');
    response.setHeader('Cache-Control', 'no-store');
    if (request.url === '/health/live') respondJson(response, 200, { status: 'live' });
    else if (request.url === '/health/ready')
      respondJson(response, 503, { status: 'not ready', reason: 'starting' });
    else respondError(response, 503, 'STARTING', 'The server is starting. Try again in a moment.');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

/** An import takes as long as it takes: Node would cut it off after five minutes. Headers still have a minute. */
export function createFrontServer(): FrontServer {
  return createServer({ requestTimeout: 0, ServerResponse: HeadedResponse });
}
