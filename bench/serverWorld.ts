/** Where the built product is measured: a PostgreSQL database of its own, a tenant with a key, and a directory. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/db/database.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { createApiKeyService } from '../src/services/apiKey.ts';
import { systemClock } from '../src/services/clock.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { createDatabase } from '../test/support/database.ts';
import type { BenchOptions } from './frame.ts';

const LOCAL_SERVER = 'postgres://postgres@127.0.0.1:5432/postgres';

export interface World {
  /** A new, migrated database, which is gone afterwards. */
  databaseUrl: string;
  /** A new directory, which is gone afterwards. */
  directory: string;
  /** Makes a tenant, and a key to it. */
  addTenant: (name: string) => Promise<{ tenantId: string; headers: { authorization: string } }>;
}

/** Does `work` with a database on the server that was named, or else on this machine's. */
export async function withWorld<T>(
  { databaseUrl = LOCAL_SERVER }: Pick<BenchOptions, 'databaseUrl'>,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'));
  const made = await createDatabase(databaseUrl, `tunesmith_bench_${randomUUID().replaceAll('-', '')}`);
  try {
    const { url } = made;
    const db = await openDatabase({ databaseUrl: url, onError: (error) => console.error(error) });
    try {
      const apiKeys = createApiKeyService({ db, clock: systemClock, onError: console.error });
      return await work({
        databaseUrl: url,
        directory,
        async addTenant(name) {
          const tenantId = randomUUID();
          await ensureTenant(db, tenantId, name);
          const { key } = await apiKeys.create(serverViewer(tenantId, 'bench'), {
            name: 'bench',
            role: 'ADMIN',
          });
          return { tenantId, headers: { authorization: `Bearer ${key}` } };
        },
      });
    } finally {
      await db.close();
    }
  } finally {
    await made.drop();
    await rm(directory, { recursive: true, force: true });
  }
}
