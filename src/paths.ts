/** Where the package lies: this file stands one folder below its root both as source (src/) and as built (dist/). */
export const packageRoot = new URL('../', import.meta.url);

/** The worker threads' entry points, as built by scripts/build.ts. */
type WorkerName = 'embeddedWorker' | 'nearDuplicateWorker' | 'personalDataWorker' | 'sandboxWorker';

/**
 * Where a worker thread's code lies. Node 20 cannot load TypeScript in a worker thread, so workers always run from
 * dist/, also when the rest runs from source (`npm run dev`, the tests): both build first.
 */
export function workerUrl(name: WorkerName): URL {
  return new URL(`dist/${name}.js`, packageRoot);
}
