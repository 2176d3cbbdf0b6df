/** Keeps the files of exports in a directory. */
import { createReadStream } from 'node:fs';
import { open, opendir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { makeDirectoryMeanwhile } from '../../makeDirectory.ts';
import { createDiskWait, PATIENCE, type Patience } from './patience.ts';
import {
  isKey,
  requireKey,
  TEMPORARY,
  type ByteRange,
  type ExportStore,
  type ListedFile,
  type StoredFile,
} from './port.ts';
import { createSpool, statOrNull } from './spool.ts';

/** How much of a file a piece has. */
const PIECE_BYTES = 256 * 1024;

/**
 * Keeps the files in `directory`, which is created when missing, readable by this user alone: they hold what customers
 * said. What writers that died left behind goes when a new one is made, after a day. A disk that hangs is not waited for
 * without end.
 */
export function createDirectoryStore(directory: string, patience: Patience = PATIENCE): ExportStore {
  const root = resolve(directory);
  const wait = createDiskWait(root, patience);
  const pathOf = (key: string) => join(root, requireKey(key));

  async function place(temporaryPath: string, { key }: StoredFile): Promise<void> {
    const path = pathOf(key);
    if ((await sizeOf(path)) !== null) return;
    await makeDirectoryMeanwhile(dirname(path));
    // Two writers of one key may both come here; the second replaces the first's file by the same bytes.
    await rename(temporaryPath, path);
    await syncDirectories(dirname(path), root);
  }

  return {
    create: () =>
      createSpool(join(root, TEMPORARY), wait, (path, file) => wait.answer(() => place(path, file))),
    open: (key, range) => {
      const path = pathOf(key);
      return Readable.from(readFile(path, range), { objectMode: false });
    },
    pieces: (key, range) => wait.each(readPieces(pathOf(key), range)),
    size: (key) => {
      const path = pathOf(key);
      return wait.answer(() => sizeOf(path));
    },
    delete: (key) => {
      const path = pathOf(key);
      return wait.answer(() => rm(path, { force: true }));
    },
    list: () => wait.each(listFiles(root)),
  };

  async function* readFile(path: string, range: ByteRange | undefined): AsyncGenerator<Buffer> {
    yield* wait.each(createReadStream(path, range) as AsyncIterable<Buffer>);
  }
}

async function* readPieces(path: string, range: ByteRange | undefined): AsyncIterable<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const end = range ? range.end + 1 : Infinity;
    for (let at = range?.start ?? 0; at < end;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE_BYTES, end - at), at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
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
