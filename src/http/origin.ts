/** From where requests may come: by which names the server is called, and which sites' pages may use it. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface OriginOptions {
  /** The address under which clients reach the server: its name is taken, and its pages are our own. */
  publicUrl?: string | undefined;
  /** Further names under which it is reached, without ports. */
  hosts?: readonly string[];
  /** The sites whose pages may use it as well, such as https://app.example.com. */
  corsOrigins?: readonly string[];
}

export interface Origins {
  /** Why the request is refused, or null; `anyName` for what is told under whatever name the server is called. */
  refusalOf(request: IncomingMessage, anyName?: boolean): string | null;
  /** Lets the page of a site that is invited read the answer. True when the request only asked for that and is answered. */
  share(request: IncomingMessage, response: ServerResponse): boolean;
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
/** How long a browser may remember that a site is invited, in seconds. */
const REMEMBERED = '600';

export function createOrigins({ publicUrl, hosts = [], corsOrigins = [] }: OriginOptions): Origins {
  const reached = publicUrl === undefined ? undefined : new URL(publicUrl);
  const names = new Set([...LOOPBACK_NAMES, ...hosts.map((name) => name.toLowerCase())]);
  if (reached) names.add(reached.hostname);
  const invited = new Set(corsOrigins);

  return {
    refusalOf(request, anyName = false) {
      // A foreign name that leads here is an attack (DNS rebinding).
      const name = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
      if (!anyName && !names.has(name)) {
        return 'The server is not known by this name: call it localhost, by the name in PUBLIC_URL, or by one that ALLOWED_HOSTS lists.';
      }
      const { origin } = request.headers;
      // Without this any page that a developer opens could use the server on the developer's own machine.
      if (origin === undefined || isOwn(request, reached) || invited.has(origin)) return null;
      return 'Another site’s page may not use the server unless CORS_ORIGINS lists the site.';
    },
    share({ method, headers }, response) {
      if (invited.size === 0) return false;
      response.setHeader('Vary', 'Origin');
      if (headers.origin === undefined || !invited.has(headers.origin)) return false;
      response.setHeader('Access-Control-Allow-Origin', headers.origin);
      response.setHeader('Access-Control-Expose-Headers', 'X-Request-Id, Retry-After');
      if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
      response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
      response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Request-Id');
      response.setHeader('Access-Control-Max-Age', REMEMBERED);
      response.writeHead(204).end();
      return true;
    },
  };
}

/** Whether the page is one that this server gave out, or no page at all: programs send no Origin. */
function isOwn({ headers: { origin, host } }: IncomingMessage, reached: URL | undefined): boolean {
  if (origin === undefined || !URL.canParse(origin)) return origin === undefined;
  return new URL(origin).host === host || origin === reached?.origin;
}
