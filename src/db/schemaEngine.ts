/**
 * Prisma's own schema engine, as WebAssembly from an npm package: Prisma's command line would fetch a native binary
 * from a host that many networks do not reach. It writes `_prisma_migrations` as `prisma migrate deploy` does.
 */
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { PrismaPg } from '@prisma/adapter-pg';
import * as wasmBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { readFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { packageRoot } from '../paths.ts';

export type SchemaEngine = wasmBindings.SchemaEngine;

export const SCHEMA_PATH = 'prisma/schema.prisma';
/** The views that schema.prisma has as models: migrations make them by hand. */
export const FILTERS = { externalTables: ['public.finetuning_export_examples'], externalEnums: [] };

let instantiated: Promise<void> | undefined;

/** Opens the engine on a database; `free()` it afterwards. `schema` is the text of schema.prisma. */
export async function openSchemaEngine(
  adapter: SqlMigrationAwareDriverAdapterFactory,
  schema: string,
): Promise<SchemaEngine> {
  await (instantiated ??= instantiate());
  return wasmBindings.SchemaEngine.new(
    { datamodels: [[SCHEMA_PATH, schema]] },
    () => undefined, // The engine's own log; its errors are thrown as well.
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

async function instantiate(): Promise<void> {
  const bindings = import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const code = await readFile(new URL(bindings.replace(/\.js$/, '.wasm')));
  const imports: WebAssembly.Imports = {
    './schema_engine_bg.js': { ...wasmBindings, ...unreferencedTimers() },
  };
  const { instance } = await WebAssembly.instantiate(code, imports);
  wasmBindings.__wbg_set_wasm(instance.exports);
  const start = instance.exports['__wbindgen_start'];
  if (typeof start !== 'function') throw new Error('schema_engine_bg.wasm has no __wbindgen_start');
  start();
}

/**
 * The engine's timers, made such that no process waits for them: the one that limits its wait for a lock is left to run
 * out, and kept `tunesmith migrate` from ending for ten seconds.
 */
function unreferencedTimers() {
  const names = Object.keys(wasmBindings).filter((name) => name.startsWith('__wbg_setTimeout_'));
  return Object.fromEntries(names.map((name) => [name, setUnreferencedTimeout]));
}

function setUnreferencedTimeout(callback: () => void, milliseconds: number): NodeJS.Timeout {
  return setTimeout(callback, milliseconds).unref();
}

/**
 * The engine's way to a database that `pg` speaks to. Of a migration that fails the engine tells nothing of the cause:
 * `onScriptError` is told what the database said.
 */
export function poolAdapter(pool: Pool, onScriptError: (error: unknown) => void): PrismaPg {
  const factory = new PrismaPg(pool);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    // The adapter's own version cuts the script at every semicolon, those inside of functions too. Sent whole, the
    // script is also one transaction: a migration that fails leaves nothing behind.
    adapter.executeScript = async (script) => {
      try {
        await pool.query(script);
      } catch (error) {
        onScriptError(error);
        throw error;
      }
    };
    return adapter;
  };
  return factory;
}

/** Reads the text of prisma/schema.prisma. */
export function readSchema(): Promise<string> {
  return readFile(new URL(SCHEMA_PATH, packageRoot), 'utf8');
}
