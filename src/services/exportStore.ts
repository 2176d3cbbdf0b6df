/** Where the files of exports lie. A file is written once, under a key made from its content, and never changed. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { makeDirectory } from '../makeDirectory.ts';

/** Offsets in bytes, counted from 0, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface StoredFile {
  key: string;
  bytes: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** A file in the making, which nobody sees before `finish`. Await each call before the next. */
export interface ExportWriter {
  /** Appends the text in UTF-8; resolves when more may come. */
  write(chunk: string): Promise<void>;
  /**
   * Makes the file durable under the key that `keyOf` makes of its SHA-256 (64 hexadecimal digits). Where the key is
   * taken, the file that has it stays.
   */
  finish(keyOf: (sha256: string) => string): Promise<StoredFile>;
  /** Throws away what was written; after `finish` it does nothing. */
  abort(): Promise<void>;
}

/**
 * Keys are one or more segments of letters, digits, `.`, `_` and `-`, divided by `/`, each beginning with a letter or
 * digit. Every function throws an Error for any other key.
 */
export interface ExportStore {
  create(): Promise<ExportWriter>;
  /** The file's bytes, or those in the range; the stream fails when there is no such file. */
  open(key: string, range?: ByteRange): Readable;
  /** In bytes; null when there is no such file. */
  size(key: string): Promise<number | null>;
  /** A file that is not there is no error. */
  delete(key: string): Promise<void>;
}

const TEMPORARY = 'tmp';
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;
const KEY = /^[a-z0-9][\w.-]*(?:\/[a-z0-9][\w.-]*)*$/i;

/**
 * Keeps the files in `directory`, which is created when missing, readable by this user alone: they hold what customers
 * said. What writers that died left behind goes when a new one is made, after a day.
 */
export function createDirectoryStore(directory: string): ExportStore {
  const root = resolve(directory);
  const temporary = join(root, TEMPORARY);

  function pathOf(key: string): string {
    if (!KEY.test(key) || key.split('/', 1)[0] === TEMPORARY)
      throw new Error(`"${key}" is no key of an export's file`);
    return join(root, key);
  }

  return {
    async create() {
      makeDirectory(temporary);
      await sweep(temporary);
      return openWriter(root, join(temporary, randomUUID()), pathOf);
    },
    open: (key, range) => createReadStream(pathOf(key), range),
    size: (key) => sizeOf(pathOf(key)),
    delete: (key) => rm(pathOf(key), { force: true }),
  };
}

async function openWriter(
  root: string,
  temporaryPath: string,
  pathOf: (key: string) => string,
): Promise<ExportWriter> {
  const file = await open(temporaryPath, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;

  return {
    async write(chunk) {
      const data = Buffer.from(chunk, 'utf8');
      hash.update(data);
      bytes += data.length;
      await file.appendFile(data);
    },
    async finish(keyOf) {
      const sha256 = hash.digest('hex');
      const key = keyOf(sha256);
      const path = pathOf(key);
      await file.sync();
      await file.close();
      if ((await sizeOf(path)) === null) {
        makeDirectory(dirname(path));
        // Two writers of one key may both come here; the second replaces the first's file by the same bytes.
        await rename(temporaryPath, path);
        await syncDirectories(dirname(path), root);
      } else {
        await rm(temporaryPath, { force: true });
      }
      return { key, bytes, sha256 };
    },
    async abort() {
      await file.close(); // Closing twice does no harm.
      await rm(temporaryPath, { force: true });
    },
  };
}

async function sweep(temporary: string): Promise<void> {
  const cutOff = Date.now() - ABANDONED_AFTER_MS;
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const found = await statOrNull(path);
    if (found !== null && found.mtimeMs < cutOff) await rm(path, { force: true });
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

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
