/** `tunesmith start` and `tunesmith migrate`: the commands that are the server, or open its database. */
import { readMigrations } from '../db/migrate.ts';
import { serveUntilSignal } from '../main.ts';
import { explained, openOwnDatabase } from './ownDatabase.ts';
import { openTerminal } from './terminal.ts';
import { counted } from './terminalText.ts';

/** Serves until it is told to end. Throws CliError for what a person can mend. */
export async function start(): Promise<void> {
  await explained((config) => serveUntilSignal(config));
}

/** Brings the database to the newest state and says what that took. Throws CliError for what a person can mend. */
export async function migrate(): Promise<void> {
  await explained(async (config) => {
    const { print, style } = openTerminal(process.stdout);
    const db = await openOwnDatabase(config);
    const { migrated, kind } = db;
    await db.close();
    const where = kind === 'embedded' ? `the database embedded in ${config.DATA_DIR}` : 'the database server';
    if (migrated.length === 0) {
      const present = (await readMigrations()).length;
      print(`Nothing to do: ${where} has all ${counted(present, 'migration')}.`);
      return;
    }
    for (const name of migrated) print(`  ${style.good('✓')} ${name}`);
    print(`${counted(migrated.length, 'migration')} applied to ${where}.`);
  });
}
