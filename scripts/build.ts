/**
 * Makes dist/: the programs and the packages that they use, bundled so that each starts in a fraction of the time that
 * loading hundreds of files takes, and the image of an empty database.
 */
import { build as bundle } from 'esbuild';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDatabaseImage } from './databaseImage.ts';
import { bundlePackages, fromPackages } from './packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const dist = join(root, 'dist');

export async function build(): Promise<void> {
  const imported = new Set<string>();
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
    plugins: [fromPackages(imported)],
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
  });
  const packages = join(dist, 'packages');
  const [image, bundled] = await Promise.all([buildDatabaseImage(), bundlePackages(imported, packages)]);
  await removeOthers(packages, bundled);
  await removeOthers(dist, [packages, ...Object.keys(metafile.outputs), image]);
}

/** Removes what earlier builds left in a directory. */
async function removeOthers(directory: string, current: string[]): Promise<void> {
  const names = new Set(current.map((path) => basename(path)));
  const others = (await readdir(directory)).filter((name) => !names.has(name));
  await Promise.all(others.map((name) => rm(join(directory, name), { recursive: true })));
}

if (import.meta.filename === process.argv[1]) await build();
