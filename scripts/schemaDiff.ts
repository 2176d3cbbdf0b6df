/** What prisma/migrations lack to say what schema.prisma says; used by migrateNew.ts and by the test for drift. */
import { PGlite } from '@electric-sql/pglite';
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { migrationsList, readMigrations } from '../src/db/migrate.ts';
import { FILTERS, openSchemaEngine, readSchema, SCHEMA_PATH } from '../src/db/schemaEngine.ts';

/** Applies the migrations to a new database in memory and returns the SQL still missing; empty when none is. */
export async function schemaDiff(): Promise<string> {
  const pglite = await PGlite.create('memory://');
  const schema = await readSchema();
  const files = [{ path: SCHEMA_PATH, content: schema }];
  // The server's adapter cannot read the "char" columns of the system catalogue that a comparison needs; this one can.
  const engine = await openSchemaEngine(migrationAdapter(pglite), schema);
  try {
    await engine.applyMigrations({
      migrationsList: migrationsList(await readMigrations()),
      filters: FILTERS,
    });
    const { stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: 'prisma' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: FILTERS,
    });
    const sql = stdout?.trim() ?? '';
    return sql === '-- This is an empty migration.' ? '' : sql;
  } finally {
    engine.free();
    await pglite.close();
  }
}

function migrationAdapter(pglite: PGlite): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPGlite(pglite);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: () => factory.connect(),
    connectToShadowDb: async () => new PrismaPGlite(await PGlite.create('memory://')).connect(),
  };
}
