/** The database, looked at and not changed: reachable, new enough, the roles, the rows' security, the migrations. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../../config.ts';
import { openEmbedded } from '../../db/embedded.ts';
import { readMigrations } from '../../db/migrate.ts';
import { counted } from '../terminalText.ts';
import { fail, LIMIT, ok, reasonOf, warn, type Finding } from './check.ts';
import { checkMigrations } from './migrations.ts';
import { checkSecurity } from './security.ts';

const OLDEST = 15;

export interface DatabaseExam {
  findings: Finding[];
  /** How far the database's clock is ahead of this machine's, in milliseconds; null where there is none. */
  clockAhead: number | null;
}

export async function checkDatabase(config: Config, lockFree: boolean): Promise<DatabaseExam> {
  return config.DATABASE_URL === undefined
    ? checkEmbedded(config, lockFree)
    : checkServer(config.DATABASE_URL);
}

async function checkEmbedded({ DATA_DIR }: Config, lockFree: boolean): Promise<DatabaseExam> {
  const check = 'database';
  if (!lockFree) return { findings: [], clockAhead: null };
  if (!existsSync(join(DATA_DIR, 'pgdata')))
    return { findings: [ok(check, 'embedded; made at the first start')], clockAhead: null };
  try {
    const embedded = await openEmbedded({ dataDir: DATA_DIR });
    const client = new pg.Client({
      user: 'postgres',
      database: 'postgres',
      stream: () => embedded.connect(),
    });
    try {
      await client.connect();
      const exam = await examine(client, true);
      return { ...exam, findings: [ok(check, `embedded in ${DATA_DIR}`), ...exam.findings] };
    } finally {
      await client.end();
      await embedded.close();
    }
  } catch (error) {
    const mend = 'Restore DATA_DIR from a backup; docs/operating.md tells how.';
    return {
      findings: [fail(check, `embedded in ${DATA_DIR}, and cannot be opened (${reasonOf(error)})`, mend)],
      clockAhead: null,
    };
  }
}

async function checkServer(connectionString: string): Promise<DatabaseExam> {
  const check = 'database';
  const { hostname, port, pathname } = new URL(connectionString);
  const where = `${hostname}${port && `:${port}`}${pathname}`;
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: LIMIT,
    query_timeout: LIMIT,
    application_name: 'tunesmith-doctor',
  });
  client.on('error', () => undefined); // Whoever waits for an answer is told.
  try {
    await client.connect();
    const { rows } = await client.query<{ number: number; version: string }>(
      `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
    );
    const { number, version } = rows[0] ?? { number: 0, version: 'unknown' };
    const found = `PostgreSQL ${version.split(' ', 1)[0]} at ${where}`;
    const reached =
      number >= OLDEST * 10_000
        ? ok(check, found)
        : fail(check, found, `Tunesmith needs version ${OLDEST} or later: upgrade the server.`);
    const exam = await examine(client, false);
    return { ...exam, findings: [reached, ...exam.findings] };
  } catch (error) {
    const mend = 'Check host, port, user, password and name in DATABASE_URL, and that the server runs.';
    return { findings: [fail(check, `${where}: ${reasonOf(error)}`, mend)], clockAhead: null };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function examine(client: pg.Client, embedded: boolean): Promise<DatabaseExam> {
  const migrations = await checkMigrations(client, await readMigrations());
  return {
    findings: [
      ...(await checkRoles(client, embedded)),
      ...migrations.findings,
      ...(migrations.any ? [await checkSecurity(client)] : []),
    ],
    clockAhead: await clockAhead(client),
  };
}

const GRANTS =
  'As a superuser: CREATE ROLE tunesmith_app NOLOGIN NOBYPASSRLS; CREATE ROLE tunesmith_system NOLOGIN NOBYPASSRLS; GRANT tunesmith_app, tunesmith_system TO your_account;';

async function checkRoles(client: pg.Client, embedded: boolean): Promise<Finding[]> {
  const check = 'roles';
  const { rows } = await client.query<{ name: string; passes: boolean; ours: boolean }>(
    `SELECT rolname AS name, rolsuper OR rolbypassrls AS passes, pg_has_role(current_user, oid, 'MEMBER') AS ours
     FROM pg_roles WHERE rolname IN ('tunesmith_app', 'tunesmith_system') ORDER BY 1`,
  );
  const passing = rows.filter(({ passes }) => passes).map(({ name }) => name);
  if (passing.length > 0) {
    const mend = passing.map((name) => `ALTER ROLE ${name} NOSUPERUSER NOBYPASSRLS;`).join(' ');
    return [fail(check, `${passing.join(' and ')} can pass row level security`, `As a superuser: ${mend}`)];
  }
  const account = await client.query<{ super: boolean; passes: boolean; creates: boolean }>(
    `SELECT rolsuper AS super, rolsuper OR rolbypassrls AS passes, rolsuper OR rolcreaterole AS creates
     FROM pg_roles WHERE rolname = current_user`,
  );
  const [us] = account.rows;
  const foreign = rows.filter(({ ours }) => !ours).map(({ name }) => name);
  if (rows.length < 2 && !us?.creates)
    return [
      fail(check, `${counted(2 - rows.length, 'role')} missing, and the account may make none`, GRANTS),
    ];
  if (foreign.length > 0)
    return [
      fail(
        check,
        `the account may not act as ${foreign.join(' and ')}`,
        `As a superuser: GRANT ${foreign.join(', ')} TO your_account;`,
      ),
    ];
  if (rows.length < 2) return [ok(check, 'made with the first migration')];
  const both = 'tunesmith_app and tunesmith_system, neither of which can pass row level security';
  // The embedded database has no other account, and nobody can connect to it.
  if (us?.passes && !embedded)
    return [
      warn(
        check,
        `${both}; but the account itself can`,
        'Connect with an account that is no superuser and has no BYPASSRLS: then the database holds it as well.',
      ),
    ];
  return [ok(check, both)];
}

async function clockAhead(client: pg.Client): Promise<number> {
  const before = Date.now();
  const { rows } = await client.query<{ ms: string }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms',
  );
  const after = Date.now();
  return Number(rows[0]?.ms) - (before + after) / 2;
}
