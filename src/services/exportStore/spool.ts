/** Files in the making, on this machine's disk: only when the last byte is there is it known how a file is called. */
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../makeDirectory.ts';
import { requireKey, type ExportWriter, type StoredFile } from './port.ts';

const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * A writer into a new file in `directory`, which is created when missing, readable by this user alone. `place` is given
 * the synced file, and takes it to where it belongs; what it leaves is removed. What writers that died left goes after
 * a day.
 */
export async function createSpool(
  directory: string,
  place: (path: string, file: StoredFile) => Promise<void>,
): Promise<ExportWriter> {
  makeDirectory(directory);
  await sweep(directory);
  const path = join(directory, randomUUID());
  const file = await open(path, 'wx', 0o600);
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
      try {
        const sha256 = hash.digest('hex');
        const stored = { key: requireKey(keyOf(sha256)), bytes, sha256 };
        await file.sync();
        await file.close();
        await place(path, stored);
        return stored;
      } finally {
        await discard();
      }
    },
    abort: discard,
  };

  async function discard(): Promise<void> {
    await file.close(); // Closing twice does no harm.
    await rm(path, { force: true });
  }
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
