/** All that `tunesmith doctor` looks at, in the order in which one thing depends on another. */
import { ConfigError, readConfig, type Config } from '../../config.ts';
import { fail, ok, type Finding } from './check.ts';
import { checkDatabase } from './database.ts';
import { checkDirectory, checkLock, checkPort, checkSpace } from './machine.ts';
import { checkClock, checkProvider, checkRedis, checkStore } from './outside.ts';

export async function examine(minFreeBytes: number): Promise<Finding[]> {
  const read = checkConfiguration();
  if (read.config === null) return read.findings;
  const { config } = read;
  const directory = await checkDirectory(config);
  const lock = config.DATABASE_URL === undefined && directory.status === 'ok' ? checkLock(config) : null;
  const database = await checkDatabase(config, lock?.free ?? config.DATABASE_URL !== undefined);
  const provider = await checkProvider(config);
  return [
    ...read.findings,
    directory,
    await checkSpace(config, minFreeBytes),
    ...(lock ? [lock.finding] : []),
    ...database.findings,
    await checkStore(config),
    ...(await checkRedis(config)),
    provider.finding,
    checkClock([
      { name: 'database', aheadMs: database.clockAhead },
      { name: 'provider', aheadMs: provider.clockAhead },
    ]),
    await checkPort(config),
  ];
}

function checkConfiguration():
  | { config: Config; findings: Finding[] }
  | { config: null; findings: Finding[] } {
  const check = 'configuration';
  try {
    return { config: readConfig(), findings: [ok(check, 'all variables fit')] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Each fault has a line with its rule, and one with what the variable is for. Values are in neither.
    const [, ...lines] = error.message.split('\n');
    const faults = lines.flatMap((line, index) =>
      index % 2 === 0 ? [fail(check, line.trim(), `It is for: ${lines[index + 1]?.trim() ?? ''}`)] : [],
    );
    return { config: null, findings: faults };
  }
}
