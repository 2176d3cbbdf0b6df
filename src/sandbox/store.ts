import { appendFileSync, constants, renameSync, writeFileSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The sandbox's data directory. Metadata is written beside its place and renamed into it, so that a process
 * killed at any moment leaves each file whole, old or new. It does not wait for the disk itself (no fsync):
 * killing the process loses nothing, a power cut may.
 */
export interface Store {
  /** Where a thing of this name lives. */
  path(folder: Folder, name: string): string;
  /** Replaces a JSON file whole. */
  writeJson(folder: Folder, name: string, value: unknown): Promise<void>;
  /** Every JSON file of a folder. */
  readAllJson(folder: Folder): Promise<unknown[]>;
  /** Adds one line of JSON to a log. */
  append(folder: Folder, name: string, value: unknown): Promise<void>;
  /** A log's whole lines. One cut off by a crash was never reported to anybody: it is dropped, and cut away. */
  readLog(folder: Folder, name: string): Promise<unknown[]>;
  /** Gives a file a second name that outlives the first (a hard link, or a copy where the disk has none). */
  keep(from: string, to: string): Promise<void>;
  remove(folder: Folder, name: string): Promise<void>;
  /** Deletes everything in a folder that `wanted` does not claim: what a crash left half done. */
  sweep(folder: Folder, wanted: (name: string) => boolean): Promise<void>;
}

export type Folder = 'files' | 'jobs';

export async function openStore(root: string): Promise<Store> {
  for (const folder of ['files', 'jobs'] satisfies Folder[])
    await mkdir(join(root, folder), { recursive: true });
  let writes = 0;
  const path = (folder: Folder, name: string) => join(root, folder, name);

  // Metadata is a few hundred bytes: written at once it costs some 50 µs, through the thread pool many times that.
  function replace(target: string, content: string): void {
    writes += 1;
    const beside = `${target}.${writes}.tmp`;
    writeFileSync(beside, content);
    renameSync(beside, target);
  }

  return {
    path,
    async writeJson(folder, name, value) {
      replace(path(folder, name), JSON.stringify(value));
    },
    async readAllJson(folder) {
      const names = (await readdir(join(root, folder))).filter((name) => name.endsWith('.json'));
      const values: unknown[] = [];
      for (const name of names) values.push(JSON.parse(await readFile(path(folder, name), 'utf8')));
      return values;
    },
    async append(folder, name, value) {
      appendFileSync(
        path(folder, name),
        `${JSON.stringify(value)}
`,
      );
    },
    async readLog(folder, name) {
      const text = await readFile(path(folder, name), 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      if (whole.length < text.length) replace(path(folder, name), whole);
      return whole
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line));
    },
    async keep(from, to) {
      await rm(to, { force: true });
      await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE));
    },
    remove: (folder, name) => rm(path(folder, name), { force: true }),
    async sweep(folder, wanted) {
      for (const name of await readdir(join(root, folder))) {
        if (!wanted(name)) await rm(path(folder, name), { force: true });
      }
    },
  };
}
