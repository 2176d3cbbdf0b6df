/**
 * The image: an empty, migrated database in one file, made by scripts/build.ts. To unpack it takes a first start a
 * second; to make a database and migrate it takes five.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../paths.ts';
import type { Migration } from './migrate.ts';

/** The image's file. Its name holds a hash of what it is made from, so an outdated image is never found. */
export async function imagePath(migrations: Migration[]): Promise<string> {
  const hash = createHash('sha256').update(await readFile(new URL('package.json', packageRoot)));
  for (const { name, sql } of migrations) hash.update(name).update(sql);
  return fileURLToPath(new URL(`dist/database-${hash.digest('hex').slice(0, 16)}.tar.gz`, packageRoot));
}

/** The image for these migrations; undefined when none was built, and a new database has to be made step by step. */
export async function findImage(migrations: Migration[]): Promise<string | undefined> {
  const path = await imagePath(migrations);
  return existsSync(path) ? path : undefined;
}
