import { fileURLToPath } from 'node:url';

/**
 * Runs the scenario when its file is what Node was started with, and prints its figures as one line of JSON.
 * DATABASE_URL names a PostgreSQL server; without it the database is embedded.
 */
export async function runAlone<Figures>(
  moduleUrl: string,
  scenario: (options: { databaseUrl?: string }) => Promise<Figures>,
): Promise<void> {
  if (process.argv[1] !== fileURLToPath(moduleUrl)) return;
  const databaseUrl = process.env['DATABASE_URL'];
  console.log(JSON.stringify(await scenario(databaseUrl === undefined ? {} : { databaseUrl })));
  process.exit(0);
}
