/**
 * `npm run soak`: the built server under a steady load, with many who follow. The last line of the standard output is
 * one JSON object; what goes on is told on the standard error. The exit code is 1 when a request failed, a change was
 * missed, or the server was slow or grew.
 */
import { Command, InvalidArgumentError } from 'commander';
import { soak } from './soak.ts';

/** What must hold; docs/operating/scaling.md tells it. */
const P99_LIMIT_MS = 500;
const GROWTH_LIMIT = 1.25;

interface Options {
  seconds: number;
  warmUp: number;
  rate: number;
  subscribers: number;
  databaseUrl: string;
  embedded: boolean;
  json: boolean;
}

const program = new Command('soak')
  .description('Holds the built server under a steady load with live subscribers, and measures.')
  .option('--seconds <n>', 'for how long requests are counted', whole, 300)
  .option('--warm-up <n>', 'for how many seconds before that they are sent', whole, 20)
  .option('--rate <n>', 'requests a second', whole, 150)
  .option('--subscribers <n>', 'how many follow a run or a dataset over a WebSocket of their own', whole, 500)
  .option(
    '--database-url <url>',
    'a PostgreSQL server; a database is made there, and dropped',
    process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  )
  .option('--embedded', 'on the embedded database instead', false)
  .option('--json', 'print one JSON object as the last line', false);

const { embedded, databaseUrl, warmUp, json, ...rest } = program.parse().opts<Options>();
const figures = await soak({
  ...rest,
  warmUpSeconds: warmUp,
  databaseUrl: embedded ? undefined : databaseUrl,
  tell: (words) => process.stderr.write(`${words}\n`),
});
const good =
  figures.errors === 0 &&
  figures.missedChanges === 0 &&
  figures.p99Ms <= P99_LIMIT_MS &&
  figures.rssEndMb <= figures.rssStartMb * GROWTH_LIMIT;
if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
else
  for (const [name, figure] of Object.entries(figures))
    process.stdout.write(`${name.padEnd(14)} ${figure}\n`);
process.exit(good ? 0 : 1);

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return number;
}
