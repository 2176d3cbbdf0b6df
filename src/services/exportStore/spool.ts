/** Files in the making, on this machine's disk: only when the last byte is there is it known how a file is called. */
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectoryMeanwhile } from '../../makeDirectory.ts';
import type { DiskWait } from './patience.ts';
import { requireKey, type ExportWriter, type StoredFile } from './port.ts';

/** After how many bytes the disk is given them to keep, while more are written: else all of a file waits for the end. */
const FLUSHED_BYTES = 16 * 1024 * 1024;
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * A writer into a new file in `directory`, which is created when missing, readable by this user alone. `place` is given
 * the synced file, and takes it to where it belongs; what it leaves is removed. What writers that died left goes after
 * a day.
 */
export async function createSpool(
  directory: string,
  wait: DiskWait,
  place: (path: string, file: StoredFile) => Promise<void>,
): Promise<ExportWriter> {
  const path = join(directory, randomUUID());
  let opened: Promise<FileHandle> | undefined;
  const file = await wait
    .answer(() => (opened = makeFile(directory, path)))
    .catch((error: unknown) => {
      // Should the disk come back, nobody will know of it.
      opened?.then((late) => removeFile(late, path)).catch(() => undefined);
      throw error;
    });
  const hash = createHash('sha256');
  let bytes = 0;
  let unflushed = 0;
  let isFlushing = false;
  /** Rejects when the disk would not keep what it was given, which it says only once. */
  let flushed = Promise.resolve();

  async function flush(): Promise<void> {
    [isFlushing, unflushed] = [true, 0];
    await wait.answer(() => file.datasync(), bytes);
    isFlushing = false;
  }

  return {
    async write(chunk) {
      const data = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk;
      hash.update(data);
      bytes += data.length;
      await wait.answer(() => file.appendFile(data), data.length);
      unflushed += data.length;
      if (isFlushing || unflushed < FLUSHED_BYTES) return;
      flushed = flush();
      flushed.catch(() => undefined); // Told at the end.
    },
    async finish(keyOf) {
      try {
        const sha256 = hash.digest('hex');
        const stored = { key: requireKey(keyOf(sha256)), bytes, sha256 };
        await wait.answer(() => flushed.then(() => file.sync()), bytes);
        await wait.answer(() => file.close());
        await place(path, stored);
        return stored;
      } finally {
        await discard();
      }
    },
    abort: discard,
  };

  async function discard(): Promise<void> {
    const gone = removeFile(file, path);
    // Of what hangs it is not waited for once more.
    if (wait.hangs()) gone.catch(() => undefined);
    else await wait.answer(() => gone);
  }
}

async function makeFile(directory: string, path: string): Promise<FileHandle> {
  await makeDirectoryMeanwhile(directory);
  await sweep(directory);
  return open(path, 'wx', 0o600);
}

async function removeFile(file: FileHandle, path: string): Promise<void> {
  await file.close(); // Closing twice does no harm.
  await rm(path, { force: true });
}

async function sweep(directory: string): Promise<void> {
  const cutOff = Date.now() - ABANDONED_AFTER_MS;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await statOrNull(path);
    if (found !== null && found.mtimeMs < cutOff) await rm(path, { force: true });
  }
}

export async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
