/** Whether the database keeps tenants apart: by its catalogue, and by trying. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { fail, ok, type Finding } from './check.ts';

export async function checkSecurity(client: pg.Client): Promise<Finding> {
  const check = 'tenants apart';
  const { rows } = await client.query<{ name: string; kept: boolean }>(
    `SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
       SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND 'tunesmith_app'::regrole = ANY (p.polroles)) AND NOT EXISTS (
         SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polroles && ARRAY[0::oid, 'tunesmith_app'::regrole]
         AND coalesce(pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) NOT LIKE '%current_tenant()%') AS kept
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY 1`,
  );
  const open = rows.filter(({ kept }) => !kept).map(({ name }) => name);
  const mend = `As the tables’ owner: ${open.map((name) => `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY; ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;`).join(' ')} and the policies as prisma/migrations has them.`;
  if (open.length > 0)
    return fail(
      check,
      `row level security is off, has no policy, or one that lets others in, on ${open.join(', ')}`,
      mend,
    );
  const seen = await seenByStranger(
    client,
    rows.map(({ name }) => name),
  );
  if (seen.length > 0)
    return fail(
      check,
      `a tenant that does not exist sees rows of ${seen.join(', ')}`,
      'Drop the policies that are not in prisma/migrations, and take BYPASSRLS from tunesmith_app.',
    );
  return ok(check, `${rows.length} tables under row level security, tried as a stranger`);
}

/** The tables of which somebody who is nobody's tenant sees a row. */
async function seenByStranger(client: pg.Client, tables: string[]): Promise<string[]> {
  await client.query('BEGIN');
  try {
    await client.query(
      `SELECT set_config('tunesmith.tenant_id', $1, true), set_config('role', 'tunesmith_app', true)`,
      [randomUUID()],
    );
    const seen: string[] = [];
    for (const table of tables) {
      const readable = await client.query<{ may: boolean }>(
        `SELECT has_table_privilege('tunesmith_app', $1, 'SELECT') AS may`,
        [table],
      );
      if (!readable.rows[0]?.may) continue;
      const { rows } = await client.query(`SELECT 1 FROM "${table}" LIMIT 1`);
      if (rows.length > 0) seen.push(table);
    }
    return seen;
  } finally {
    await client.query('ROLLBACK');
  }
}
