/** PostgreSQL's own client, whose \copy is what moving rows in and out of the database is measured against. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Rows of one text each, written as they are: nothing a text of JSON holds is doubled or quoted. */
const PLAIN = "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')";

/** Writes what the statement selects, one text a row, into a file. */
export function copyTo(databaseUrl: string, select: string, file: string): Promise<void> {
  return psql(databaseUrl, `\\copy (${select}) TO '${file}' WITH ${PLAIN}`);
}

/** Writes what the statement selects into a file as CSV, with a header where one is wanted. */
export function copyToCsv(databaseUrl: string, select: string, file: string, header: boolean): Promise<void> {
  return psql(databaseUrl, `\\copy (${select}) TO '${file}' WITH (FORMAT csv, HEADER ${header})`);
}

/** Reads a file of CSV without a header into a table. */
export function copyFromCsv(databaseUrl: string, into: string, file: string): Promise<void> {
  return psql(databaseUrl, `\\copy ${into} FROM '${file}' WITH (FORMAT csv)`);
}

async function psql(databaseUrl: string, command: string): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', databaseUrl, '--command'];
  // It takes \copy on one line alone.
  const child = spawn('psql', [...args, command.replaceAll(/\s+/g, ' ')], { stdio: 'inherit' });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('psql, PostgreSQL’s client, cannot be started', { cause: error });
  });
  const [code] = await Promise.race([once(child, 'close'), failed]);
  if (code !== 0) throw new Error(`psql ended with ${code}`);
}
