/**
 * `npm run crashtest`: kills servers where it hurts and compares what the provider's ledger says with the database.
 * The last line of the standard output is one JSON object; what goes on is told on the standard error. The exit code is
 * 1 when a launch was doubled, or a run, an event or a row lost.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { CRASH_POINTS, type CrashPoint } from '../src/services/crashPoint.ts';
import { crashAt, type RoundResult } from './points.ts';
import { launchUnanswered, launchUnderFire, type RunsResult } from './random.ts';
import { openWorld, REAL_WAITS, SHORT_WAITS, type WorldOptions } from './world.ts';
import { killUnderWrites, type WritesResult } from './writes.ts';

interface Options {
  rounds: number;
  points: CrashPoint[];
  lanes: number;
  unanswered: number;
  underFire: number;
  writes: number;
  databaseUrl?: string;
  waits: 'short' | 'real';
  json: boolean;
}

const program = new Command('crashtest')
  .description(
    'Kills servers at every crash point of a launch, and proves that nothing is lost or paid twice.',
  )
  .option('--rounds <n>', 'how often the server is killed at each point', count, 1)
  .option('--points <names>', `which points, of ${CRASH_POINTS.join(', ')}`, points, [...CRASH_POINTS])
  .option('--lanes <n>', 'how many crash at the same time, each in a world of its own', count, 2)
  .option('--unanswered <n>', 'launches of which the provider answers none', count, 0)
  .option('--under-fire <n>', 'launches while servers are killed and stopped at random', count, 0)
  .option('--writes <n>', 'kills while the embedded database is written to', count, 0)
  .option(
    '--database-url <url>',
    'a PostgreSQL server: two servers on a new database there; embedded without it',
  )
  .addOption(
    new Option('--waits <which>', 'short: 3 s where the product waits for 60 s; real: its own')
      .choices(['short', 'real'])
      .default('short'),
  )
  .option('--json', 'only the JSON line, nothing of what goes on', false);

const options = program.parse().opts<Options>();
const world: WorldOptions = {
  waits: options.waits === 'real' ? REAL_WAITS : SHORT_WAITS,
  databaseUrl: options.databaseUrl,
};

const rounds = await killAtPoints();
const unanswered =
  options.unanswered > 0 ? await inWorld((at) => launchUnanswered(at, options.unanswered)) : null;
const underFire =
  options.underFire > 0 ? await inWorld((at) => launchUnderFire(at, options.underFire)) : null;
const writes = options.writes > 0 ? await inWorld((at) => killUnderWrites(at, options.writes)) : null;
const result = {
  ...summary(rounds),
  ...(unanswered && { unanswered }),
  ...(underFire && { underFire }),
  ...(writes && { writes }),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = isGood(rounds, [unanswered, underFire], writes) ? 0 : 1;

async function killAtPoints(): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  const todo = Array.from({ length: options.rounds }, () => options.points).flat();
  const next = todo.values();
  await Promise.all(
    Array.from({ length: Math.min(options.lanes, todo.length) }, () =>
      inWorld(async (at) => {
        const datasetId = await at.api.newDataset();
        for (const point of next) {
          const result = await crashAt(at, datasetId, point);
          results.push(result);
          tell(
            `${String(results.length).padStart(4)}/${todo.length}  ${point.padEnd(18)} ${result.status} after ${result.secondsToSettle.toFixed(1)} s`,
          );
        }
      }),
    ),
  );
  return results;
}

async function inWorld<T>(work: (at: Awaited<ReturnType<typeof openWorld>>) => Promise<T>): Promise<T> {
  const at = await openWorld(world);
  try {
    return await work(at);
  } finally {
    await at.close();
  }
}

function summary(all: RoundResult[]) {
  const sum = (value: (one: RoundResult) => number) => all.reduce((total, one) => total + value(one), 0);
  return {
    rounds: options.rounds,
    points: all.length === 0 ? 0 : options.points.length,
    doubleLaunches: sum((one) => one.doubleLaunches),
    lostRuns: sum((one) => Number(one.lost)),
    needsReview: sum((one) => Number(one.needsReview)),
    lostEvents: sum((one) => one.lostEvents),
    repeatedEvents: sum((one) => one.repeatedEvents),
    secondsToSettle: Math.max(0, ...all.map((one) => one.secondsToSettle)),
  };
}

function isGood(all: RoundResult[], many: (RunsResult | null)[], written: WritesResult | null): boolean {
  const { doubleLaunches, lostRuns, lostEvents, repeatedEvents } = summary(all);
  return (
    doubleLaunches + lostRuns + lostEvents + repeatedEvents === 0 &&
    many.every((one) => one === null || one.doubledAndKept + one.lostRuns === 0) &&
    (written === null || written.lostRows === 0)
  );
}

function tell(words: string): void {
  if (!options.json) process.stderr.write(`${words}\n`);
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return number;
}

function points(text: string): CrashPoint[] {
  const names = text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const point = CRASH_POINTS.find((one) => one === name);
    if (!point) throw new InvalidArgumentError(`There is no point ${name}.`);
    return point;
  });
}
