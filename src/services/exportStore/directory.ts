/** Keeps the files of exports in a directory. */
import { createReadStream } from 'node:fs';
import { open, opendir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { makeDirectory } from '../../makeDirectory.ts';
import { isKey, requireKey, TEMPORARY, type ExportStore, type ListedFile } from './port.ts';
import { createSpool, statOrNull } from './spool.ts';

/**
 * Keeps the files in `directory`, which is created when missing, readable by this user alone: they hold what customers
 * said. What writers that died left behind goes when a new one is made, after a day.
 */
export function createDirectoryStore(directory: string): ExportStore {
  const root = resolve(directory);
  const pathOf = (key: string) => join(root, requireKey(key));

  return {
    create: () =>
      createSpool(join(root, TEMPORARY), async (temporaryPath, { key }) => {
        const path = pathOf(key);
        if ((await sizeOf(path)) !== null) return;
        makeDirectory(dirname(path));
        // Two writers of one key may both come here; the second replaces the first's file by the same bytes.
        await rename(temporaryPath, path);
        await syncDirectories(dirname(path), root);
      }),
    open: (key, range) => createReadStream(pathOf(key), range),
    size: (key) => sizeOf(pathOf(key)),
    delete: (key) => rm(pathOf(key), { force: true }),
    list: () => listFiles(root),
  };
}

async function* listFiles(root: string): AsyncIterable<ListedFile> {
  if ((await statOrNull(root)) === null) return; // Nothing was ever written.
  for await (const entry of await opendir(root, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const key = relative(root, path).replaceAll(sep, '/');
    if (!entry.isFile() || !isKey(key)) continue;
    const found = await statOrNull(path);
    if (found) yield { key, writtenAt: found.mtime };
  }
}

/** A new name is durable only when the directory that holds it is, and so on upwards to the root. */
async function syncDirectories(path: string, root: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows opens no directories, and needs none of this.
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (path !== root) await syncDirectories(dirname(path), root);
}

async function sizeOf(path: string): Promise<number | null> {
  return (await statOrNull(path))?.size ?? null;
}
