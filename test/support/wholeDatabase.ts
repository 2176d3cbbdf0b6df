/** Everything that a database holds, to compare it with another. */
import pg from 'pg';

export interface WholeDatabase {
  /** By table: how many rows there are, and a sum over all of them. */
  rows: Record<string, { count: number; md5: string }>;
  /** Row level security, grants and definitions of tables, views and sequences. */
  relations: unknown[];
  policies: unknown[];
}

/** As a superuser sees it. */
export async function readWholeDatabase(url: string): Promise<WholeDatabase> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const relations = await client.query<{ name: string; kind: string }>(
      `SELECT relname AS name, relkind AS kind, relrowsecurity, relforcerowsecurity,
         (SELECT array_agg(acl::text ORDER BY acl::text) FROM unnest(relacl) AS acl) AS grants,
         (SELECT array_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || coalesce(attacl::text, '') ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns
       FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname`,
    );
    const policies = await client.query(
      `SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2`,
    );
    const rows: WholeDatabase['rows'] = {};
    for (const { name } of relations.rows.filter(({ kind }) => kind === 'r')) {
      const all = await client.query<{ count: number; md5: string }>(
        `SELECT count(*)::int AS count, md5(coalesce(string_agg(md5(one::text), '' ORDER BY one::text), '')) AS md5
         FROM ${client.escapeIdentifier(name)} AS one`,
      );
      const [sum] = all.rows;
      if (sum) rows[name] = sum;
    }
    return { rows, relations: relations.rows, policies: policies.rows };
  } finally {
    await client.end();
  }
}
