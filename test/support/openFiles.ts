/** Which files this process has open: a handle that nobody closes is closed by the garbage collector, some time, or never. */
import { readdirSync, readlinkSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { expect } from 'vitest';

const HANDLES = '/proc/self/fd';

/** Waits until none in the directory is open; where the system does not tell, it is taken for granted. */
export async function expectAllClosed(directory: string): Promise<void> {
  await expect.poll(() => openFilesIn(directory)).toEqual([]);
}

function openFilesIn(directory: string): string[] {
  const inside = `${resolve(directory)}${sep}`;
  return handles().filter((path) => path.startsWith(inside));
}

function handles(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(HANDLES).flatMap((handle) => {
    try {
      return [readlinkSync(`${HANDLES}/${handle}`)];
    } catch {
      return []; // Closed meanwhile, as the one is that read the list.
    }
  });
}
