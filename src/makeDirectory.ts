import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory and those above it, for this user alone; one that is there is left as it is. Throws what the file
 * system says. Not `mkdir` with `recursive`: where a directory that is there cannot hold another, as in /proc, Node
 * never gives up.
 */
export function makeDirectory(directory: string): void {
  const path = resolve(directory);
  try {
    makeOne(path);
  } catch (error) {
    const parent = parentToMake(path, error);
    makeDirectory(parent);
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, MODE);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/** The same, while others work on: for a disk that may hang. */
export async function makeDirectoryMeanwhile(directory: string): Promise<void> {
  const path = resolve(directory);
  try {
    await makeOneMeanwhile(path);
  } catch (error) {
    await makeDirectoryMeanwhile(parentToMake(path, error));
    await makeOneMeanwhile(path);
  }
}

async function makeOneMeanwhile(path: string): Promise<void> {
  try {
    await mkdir(path, MODE);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

const MODE = { mode: 0o700 };

/** Throws the error where it is not the parent that was missing. */
function parentToMake(path: string, error: unknown): string {
  const parent = dirname(path);
  if (codeOf(error) !== 'ENOENT' || parent === path) throw error;
  return parent;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
