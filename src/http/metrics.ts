/** GET /metrics, for whoever operates the server: not for tenants. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from '../observe/metrics.ts';
import { respondError } from './respond.ts';

export interface MetricsAccess {
  metrics: Metrics;
  /** Whoever brings it as a bearer token may read. Without one, those on this machine may, while nobody else can come. */
  token: string | undefined;
  /** The address that the server listens on. */
  address: () => string;
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;

export function createMetricsRoute({ metrics, token, address }: MetricsAccess) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return respondError(response, 405, 'METHOD_NOT_ALLOWED', 'Send a GET request.');
    }
    if (token !== undefined && !bears(request, token)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      const message = 'Send the header Authorization: Bearer … with the server’s METRICS_TOKEN.';
      return respondError(response, 401, 'UNAUTHENTICATED', message);
    }
    if (token === undefined && !isLocal(request, address())) {
      const message =
        'The metrics are told to this machine only. Set METRICS_TOKEN on the server to read them from elsewhere, or through a proxy.';
      return respondError(response, 403, 'FORBIDDEN', message);
    }
    const { contentType, text } = await metrics.render();
    response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
}

/** Compared by hashes, which are of one length and tell nothing by the time that they take. */
function bears({ headers }: IncomingMessage, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(hashOf(given.trim()), hashOf(token));
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A proxy on this machine speaks for others, and says so. */
function isLocal({ socket, headers }: IncomingMessage, bound: string): boolean {
  const forwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers);
  return !forwarded && LOOPBACK.test(bound) && LOOPBACK.test(socket.remoteAddress ?? '');
}
