import type { FileShelf } from './files.ts';
import { ApiError, type Call, type Reply } from './http.ts';
import type { JobRoutes } from './jobroutes.ts';
import type { ModelRoutes } from './models.ts';

/** A method and a path; `:id` in the path stands for one segment. */
export interface Route {
  method: string;
  path: string;
  handle: (call: Call) => Reply | Promise<Reply>;
}

/** Every endpoint of the sandbox. */
export function routesOf(parts: {
  files: FileShelf;
  jobs: JobRoutes;
  models: ModelRoutes;
  chat: (call: Call) => Promise<Reply>;
}): Route[] {
  const { files, jobs, models, chat } = parts;
  return [
    { method: 'POST', path: '/v1/files', handle: files.upload },
    { method: 'GET', path: '/v1/files', handle: files.list },
    { method: 'GET', path: '/v1/files/:id', handle: files.get },
    { method: 'DELETE', path: '/v1/files/:id', handle: files.remove },
    { method: 'GET', path: '/v1/files/:id/content', handle: files.content },
    { method: 'POST', path: '/v1/fine_tuning/jobs', handle: jobs.create },
    { method: 'GET', path: '/v1/fine_tuning/jobs', handle: jobs.list },
    { method: 'GET', path: '/v1/fine_tuning/jobs/:id', handle: jobs.get },
    { method: 'POST', path: '/v1/fine_tuning/jobs/:id/cancel', handle: jobs.cancel },
    { method: 'POST', path: '/v1/fine_tuning/jobs/:id/pause', handle: jobs.pause },
    { method: 'POST', path: '/v1/fine_tuning/jobs/:id/resume', handle: jobs.resume },
    { method: 'GET', path: '/v1/fine_tuning/jobs/:id/events', handle: jobs.events },
    { method: 'GET', path: '/v1/fine_tuning/jobs/:id/checkpoints', handle: jobs.checkpoints },
    { method: 'GET', path: '/v1/models', handle: models.list },
    { method: 'GET', path: '/v1/models/:id', handle: models.get },
    { method: 'DELETE', path: '/v1/models/:id', handle: models.remove },
    { method: 'POST', path: '/v1/chat/completions', handle: chat },
  ];
}

/** The route for a request, and the id in its path. Throws 404 for a path there is not, 405 for a wrong method. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Route; id: string } {
  const asked = pathname.split('/');
  const here = routes.filter(({ path }) => matches(path.split('/'), asked));
  const route = here.find((one) => one.method === method);
  if (route === undefined) {
    if (here.length === 0)
      throw new ApiError(404, `Invalid URL (${method} ${pathname})`, { code: 'unknown_url' });
    throw new ApiError(405, `Not allowed to ${method} on ${pathname}.`, { code: 'method_not_supported' });
  }
  return { route, id: decode(asked[route.path.split('/').indexOf(':id')] ?? '') };
}

function matches(path: readonly string[], asked: readonly string[]): boolean {
  return path.length === asked.length && path.every((part, at) => part === ':id' || part === asked[at]);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
