/** Makes the image that the embedded database of a first start is unpacked from. */
import { PGlite } from '@electric-sql/pglite';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/db/database.ts';
import { imagePath } from '../src/db/image.ts';
import { readMigrations } from '../src/db/migrate.ts';

/** Makes the image unless it is there, and returns its path. The embedded database's worker has to be built before. */
export async function buildDatabaseImage(): Promise<string> {
  const path = await imagePath(await readMigrations());
  if (existsSync(path)) return path;
  const dataDir = await mkdtemp(join(tmpdir(), 'tunesmith-image-'));
  try {
    const db = await openDatabase({ dataDir, onError: (error) => console.error(error) });
    await db.close();
    const pglite = await PGlite.create(join(dataDir, 'pgdata'));
    const image = await pglite.dumpDataDir('gzip');
    await pglite.close();
    // Renamed when it is whole: another build, or a start, may look for it meanwhile.
    const part = `${path}.${process.pid}`;
    await writeFile(part, Buffer.from(await image.arrayBuffer()));
    await rename(part, path);
    return path;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
