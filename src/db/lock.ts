/**
 * One process a data directory. Two PGlite processes on one directory lose acknowledged writes without a word, so the
 * directory is locked by the operating system's own file lock: it holds across containers that share the volume,
 * and falls with the process however that dies.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { tryLock, unlock } from 'fs-native-extensions';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface DirectoryLock {
  release(): void;
}

export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
}

/** Takes the lock of `directory` (which exists) or throws DirectoryLockedError, naming the process that has it. */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, 'lock');
  const fd = openSync(path, 'a+', 0o600);
  if (!tryLock(fd, { exclusive: true })) {
    closeSync(fd);
    throw new DirectoryLockedError(
      `${directory} is in use by ${readFileSync(path, 'utf8').trim() || 'another process'}. ` +
        'Stop that process, or give this one another directory with DATA_DIR.',
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `process ${process.pid} on ${hostname()}, started ${new Date().toISOString()}\n`);
  return {
    release() {
      unlock(fd);
      closeSync(fd);
    },
  };
}
