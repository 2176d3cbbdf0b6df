/** What the database has of the migrations, and whether it still is what they made of it. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Migration } from '../../db/migrate.ts';
import { readSchema } from '../../db/schemaEngine.ts';
import { counted } from '../terminalText.ts';
import { fail, ok, warn, type Finding } from './check.ts';

interface Applied {
  name: string;
  checksum: string;
  finished: boolean;
}

/** `any`: whether there are tables to look at. */
export async function checkMigrations(
  client: pg.Client,
  migrations: Migration[],
): Promise<{ findings: Finding[]; any: boolean }> {
  const check = 'migrations';
  const table = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  );
  const migrate = 'Run "tunesmith migrate"; the server does so too when it starts.';
  if (!table.rows[0]?.exists)
    return {
      findings: [warn(check, `the database is empty: all ${migrations.length} are pending`, migrate)],
      any: false,
    };
  const { rows } = await client.query<Applied>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  const known = new Map(migrations.map(({ name, sql }) => [name, sql]));
  const broken = rows.filter(({ finished }) => !finished).map(({ name }) => name);
  const strange = rows.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const applied = new Set(rows.filter(({ finished }) => finished).map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !applied.has(name) && !broken.includes(name));
  const changed = rows.filter(({ name, checksum }) => known.has(name) && checksum !== sumOf(known.get(name)));
  const findings: Finding[] = [];
  if (broken.length > 0) {
    const mend =
      'Mend the cause, then DELETE FROM _prisma_migrations WHERE finished_at IS NULL; and start again.';
    findings.push(fail(check, `${broken.join(', ')} failed and blocks the others`, mend));
  }
  if (pending.length > 0) {
    const found = `${counted(pending.length, 'migration')} pending, the first ${pending[0]?.name}`;
    findings.push(fail(check, found, migrate));
  }
  if (changed.length > 0) {
    const found = `applied in another wording: ${changed.map(({ name }) => name).join(', ')}`;
    const mend =
      'Released migrations are not changed: install the version that made the database, or compare the two.';
    findings.push(warn(check, found, mend));
  }
  if (strange.length > 0) {
    const found = `the database has ${counted(strange.length, 'migration')} that this version does not know`;
    findings.push(warn(check, found, 'A newer version has migrated it. Run that version here too.'));
  }
  // What is still pending would explain what is missing.
  if (pending.length === 0) findings.push(...(await checkDrift(client)));
  if (findings.length === 0)
    findings.push(ok(check, `all ${migrations.length} applied, and the tables as they made them`));
  return { findings, any: applied.size > 0 };
}

/** Tables and columns that the program needs and the database does not have. */
async function checkDrift(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = current_schema()`,
  );
  const there = new Set(rows.map(({ name }) => name));
  const missing = columnsOf(await readSchema()).filter((name) => !there.has(name));
  if (missing.length === 0) return [];
  const found = `the database lacks ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`;
  const mend =
    'Somebody changed the tables by hand. Restore them from a backup, or from what the migrations say.';
  return [fail('migrations', found, mend)];
}

/** The columns that schema.prisma names, as `table.column`. */
function columnsOf(schema: string): string[] {
  const models = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)];
  const names = new Set(models.map(([, name]) => name));
  return models.flatMap(([, name = '', body = '']) => {
    const table = /^ +@@map\("(\w+)"\)/m.exec(body)?.[1] ?? name;
    return [...body.matchAll(/^ +(\w+) +(\w+)(.*)$/gm)].flatMap(([, field = '', type = '', rest = '']) =>
      names.has(type) ? [] : [`${table}.${/@map\("(\w+)"\)/.exec(rest)?.[1] ?? field}`],
    );
  });
}

function sumOf(sql = ''): string {
  return createHash('sha256').update(sql).digest('hex');
}
