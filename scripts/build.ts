/**
 * Makes dist/: the programs, bundled so that each starts in a third of the time that loading the sources takes, and the
 * image of an empty database.
 */
import { build as bundle } from 'esbuild';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDatabaseImage } from './databaseImage.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function build(): Promise<void> {
  const { metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: {
      cli: 'src/cli/main.ts',
      embeddedWorker: 'src/db/embeddedWorker.ts',
      nearDuplicateWorker: 'src/services/nearDuplicateWorker.ts',
      personalDataWorker: 'src/services/personalData/worker.ts',
      sandboxWorker: 'src/sandbox/worker.ts',
      crashtestServer: 'crashtest/server.ts',
      crashtestSandbox: 'crashtest/sandbox.ts',
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
  });
  const image = await buildDatabaseImage();
  await removeOthers(new Set([...Object.keys(metafile.outputs), image].map((path) => basename(path))));
}

/** Removes what earlier builds left in dist/. */
async function removeOthers(current: Set<string>): Promise<void> {
  const dist = join(root, 'dist');
  const others = (await readdir(dist)).filter((name) => !current.has(name));
  await Promise.all(others.map((name) => rm(join(dist, name), { recursive: true })));
}

if (import.meta.filename === process.argv[1]) await build();
