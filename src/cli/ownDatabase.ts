/** For the commands that work on the server's database themselves, set up by the same variables as the server. */
import { readConfig, type Config } from '../config.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { explainServerFailure } from './failure.ts';

/** Who did it, in the audit log. */
export const COMMAND_LINE = 'command line';

/** Opens the database, brought to the newest state. */
export function openOwnDatabase({ DATABASE_URL, DATA_DIR }: Config): Promise<Database> {
  return openDatabase({
    databaseUrl: DATABASE_URL,
    dataDir: DATA_DIR,
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
}

/** Works with the configuration. Throws CliError for what a person can mend. */
export async function explained(work: (config: Config) => Promise<void>): Promise<void> {
  let config: Config | undefined;
  try {
    config = readConfig();
    await work(config);
  } catch (error) {
    throw explainServerFailure(error, config) ?? error;
  }
}
