/**
 * `npm run crashtest`: kills servers where it hurts and compares what the provider's ledger says with the database.
 * The last line of the standard output is one JSON object; what goes on is told on the standard error. The exit code is
 * 1 when a launch was doubled, or a run, an event or a row lost.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { CRASH_POINTS, type CrashPoint } from '../src/services/crashPoint.ts';
import { crashAt, type RoundResult } from './points.ts';
import { launchUnanswered, launchUnderFire } from './random.ts';
import { fanOut } from './scenarios/fanOut.ts';
import { reconnects } from './scenarios/reconnects.ts';
import { stalledReaders } from './scenarios/stalledReaders.ts';
import { subscribeCycles } from './scenarios/subscribeCycles.ts';
import { openWorld, REAL_WAITS, SHORT_WAITS, type WorldOptions } from './world.ts';
import { killUnderWrites } from './writes.ts';

interface Options {
  rounds: number;
  points: CrashPoint[];
  lanes: number;
  also: Scenario[];
  databaseUrl?: string;
  waits: 'short' | 'real';
  json: boolean;
}

type Scenario = keyof typeof SCENARIOS;

/** What is tried beside the crash points; docs/operating.md says what must hold. */
const SCENARIOS = {
  unanswered: () => inWorld((at) => launchUnanswered(at, 200)),
  underFire: () => inWorld((at) => launchUnderFire(at, 500)),
  writes: () => inWorld((at) => killUnderWrites(at, 50)),
  fanOut: () => fanOut({ databaseUrl: options.databaseUrl }),
  reconnects: () => reconnects({ databaseUrl: options.databaseUrl }),
  stalledReaders: () => stalledReaders({ databaseUrl: options.databaseUrl }),
  subscribeCycles: () => subscribeCycles({ databaseUrl: options.databaseUrl }),
};

/** What must be 0, wherever it is counted. Of a job made twice, one may have been cancelled: the random test counts both. */
const FAULTS = new Set([
  'lostRuns',
  'lostEvents',
  'repeatedEvents',
  'doubledAndKept',
  'lostRows',
  'missing',
  'repeated',
  'healthyMissing',
  'healthyRepeated',
  'followersLeft',
]);

const program = new Command('crashtest')
  .description(
    'Kills servers at every crash point of a launch, and proves that nothing is lost or paid twice.',
  )
  .option('--rounds <n>', 'how often the server is killed at each point', count, 1)
  .option('--points <names>', `which points, of ${CRASH_POINTS.join(', ')}`, points, [...CRASH_POINTS])
  .option('--lanes <n>', 'how many crash at the same time, each in a world of its own', count, 2)
  .option(
    '--also <names>',
    `what else is tried, of ${Object.keys(SCENARIOS).join(', ')}; or "all"`,
    scenarios,
    [],
  )
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

const result: Record<string, unknown> = summary(await killAtPoints());
for (const scenario of options.also) {
  tell(`${scenario} …`);
  const figures = await SCENARIOS[scenario]();
  tell(`  ${JSON.stringify(figures)}`);
  result[scenario] = figures;
}
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(isGood(result) ? 0 : 1);

async function killAtPoints(): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  const todo = Array.from({ length: options.rounds }, () => options.points).flat();
  const next = todo.values();
  await Promise.all(
    Array.from({ length: Math.min(options.lanes, todo.length) }, () =>
      inWorld(async (at) => {
        const datasetId = await at.api.newDataset();
        for (const point of next) {
          const crashed = await crashAt(at, datasetId, point);
          results.push(crashed);
          tell(
            `${String(results.length).padStart(4)}/${todo.length}  ${point.padEnd(18)} ${crashed.status} after ${crashed.secondsToSettle.toFixed(1)} s`,
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

function isGood(figures: Record<string, unknown>): boolean {
  if (figures['doubleLaunches'] !== 0 && 'rounds' in figures) return false;
  return Object.entries(figures).every(([name, value]) =>
    typeof value === 'object' && value !== null ? isGood({ ...value }) : !FAULTS.has(name) || value === 0,
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

function scenarios(text: string): Scenario[] {
  const known = Object.keys(SCENARIOS).filter((name): name is Scenario => name in SCENARIOS);
  if (text === 'all') return known;
  return text.split(',').map((name) => {
    const scenario = known.find((one) => one === name.trim());
    if (!scenario) throw new InvalidArgumentError(`There is no scenario ${name}.`);
    return scenario;
  });
}

function points(text: string): CrashPoint[] {
  const names = text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const point = CRASH_POINTS.find((one) => one === name);
    if (!point) throw new InvalidArgumentError(`There is no point ${name}.`);
    return point;
  });
}
