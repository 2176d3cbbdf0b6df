/** Everything that is served over HTTP beside GraphQL. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExportPart } from '../generated/prisma/client.ts';
import { parseId } from '../schema/ids.ts';
import { VALIDATION_SEGMENT } from '../services/downloadLinks.ts';
import type { Services } from '../services/index.ts';
import type { Viewer } from '../services/viewer.ts';
import { createDownloadHandler } from './downloads.ts';
import { createImports, handleImport } from './imports.ts';
import { respondError, respondJson } from './respond.ts';
import { receiveWebhook } from './webhooks.ts';

export interface RouteOptions {
  services: Services;
  /** How large a file that is imported may be. */
  maxImportBytes: number;
  /** Settles when what was committed before is known to whoever keeps answers. */
  caughtUp: () => Promise<void>;
  /** Who asks. Rejects as `Authenticate` does. */
  viewerOf: (request: IncomingMessage) => Promise<Viewer>;
  /** Answers whether the server should be sent requests. */
  ready: (response: ServerResponse) => Promise<void>;
  tellMetrics: Route;
}

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The route of a request's path; undefined where there is none. */
export function createRoutes(options: RouteOptions): (url: URL) => Route | undefined {
  const { services, maxImportBytes, caughtUp, viewerOf, ready, tellMetrics } = options;
  const imports = createImports(services, maxImportBytes);
  const download = createDownloadHandler({ links: services.downloadLinks, exports: services.exports });

  const imported: typeof handleImport = async (work, request, response) => {
    const workAndTell = async () => {
      try {
        return await work();
      } finally {
        await caughtUp();
      }
    };
    return handleImport(workAndTell, request, response);
  };

  return ({ pathname, searchParams }) => {
    const [first, second, third, ...more] = pathname.split('/').slice(1).map(decoded);
    if (first === 'exports' && second !== undefined && third !== undefined) {
      const part = partOf(more);
      return (
        part &&
        ((request, response) =>
          download(request, response, { tenantId: second, exportId: third, part }, searchParams))
      );
    }
    if (more.length > 0 || first === undefined) return undefined;
    if (first === '' && second === undefined) {
      return async (_request, response) => void response.writeHead(302, { Location: '/graphql' }).end();
    }
    if (first === 'health' && second === 'live' && third === undefined) {
      return async (_request, response) => respondJson(response, 200, { status: 'live' });
    }
    if (first === 'health' && second === 'ready' && third === undefined) {
      return (_request, response) => ready(response);
    }
    if (first === 'metrics' && second === undefined) return tellMetrics;
    if (first === 'import' && second === 'call-transcriptions' && third === undefined) {
      return onlyPost(async (request, response) => {
        const viewer = await viewerOf(request);
        return imported(() => imports.calls(viewer, request, searchParams), request, response);
      });
    }
    if (first === 'import' && second === 'examples' && third !== undefined) {
      return onlyPost(async (request, response) => {
        const viewer = await viewerOf(request);
        const work = async () =>
          imports.examples(parseId('Dataset', third, 'DATASET'), viewer, request, searchParams);
        return imported(work, request, response);
      });
    }
    if (first === 'webhooks' && second === 'openai' && third === undefined) {
      return onlyPost(
        (request, response) => receiveWebhook(services.webhooks, second, request, response),
        'Send a POST request with the event as its body.',
      );
    }
    return undefined;
  };
}

/** Which of an export's files an address names by what follows the export's id. */
function partOf(rest: string[]): ExportPart | undefined {
  if (rest.length === 0) return 'TRAINING';
  return rest.length === 1 && rest[0] === VALIDATION_SEGMENT ? 'VALIDATION' : undefined;
}

function onlyPost(route: Route, hint = 'Send a POST request with the file as its body.'): Route {
  return async (request, response) => {
    if (request.method === 'POST') return route(request, response);
    response.setHeader('Allow', 'POST');
    respondError(response, 405, 'METHOD_NOT_ALLOWED', hint);
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
