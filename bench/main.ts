/**
 * `npm run bench [NAME…]`: measures, each benchmark in a process of its own, and prints a table. With --json the last line
 * is one object. The exit code is 1 when a goal was missed or not measured, or two contenders came to different results.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { onServer } from '../test/support/database.ts';
import { BENCHMARKS, chosen } from './benchmarks.ts';
import type { Benchmark } from './frame.ts';
import { asObject, asTable, withGrowth, type Measured } from './report.ts';
import { writePerformance } from './write.ts';

interface Options {
  scale: number;
  seed: number;
  rounds: number;
  databaseUrl: string;
  growth: boolean;
  json: boolean;
  alone: boolean;
  write: boolean | string;
}

const LOCAL_SERVER = 'postgres://postgres@127.0.0.1:5432/postgres';

const program = new Command('bench')
  .description('Measures what was promised, against a limit or against what others offer.')
  .argument('[names...]', `benchmarks or groups of them: ${namesOf()}; all without any`)
  .option('--scale <n>', 'how much of the full amount of data', positive, 1)
  .option('--seed <n>', 'what the data is made from', positive, 1)
  .option(
    '--rounds <n>',
    'how often each contender is timed, after a round to warm up; with 1 there is none',
    positive,
    5,
  )
  .option(
    '--database-url <url>',
    'the PostgreSQL server on which databases are made and dropped',
    LOCAL_SERVER,
  )
  .option('--no-growth', 'do not measure a tenth of the data as well')
  .option('--json', 'print one object as the last line', false)
  .option('--write [file]', 'write the figures into docs/performance.md, or into a copy of it', false)
  .option('--alone', 'measure in this process and print the figures as JSON alone', false);

const options = program.parse().opts<Options>();

if (options.alone) await measure();
else await measureEach();

async function measure(): Promise<void> {
  const figures: Measured[] = [];
  for (const benchmark of chosen(program.args)) {
    const found = await benchmark.run({ ...options, tell });
    const peakMemoryMb = process.resourceUsage().maxRSS / 1024;
    figures.push(...found.map((figure) => ({ of: benchmark.name, peakMemoryMb, ...figure })));
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

async function measureEach(): Promise<void> {
  const wanted = chosen(program.args);
  const isServerThere = wanted.some(({ needsServer }) => needsServer) && (await findServer());
  const left = wanted.filter(({ needsServer }) => needsServer && !isServerThere);
  const figures: Measured[] = [];
  for (const benchmark of wanted)
    if (!left.includes(benchmark)) figures.push(...(await measureGrowth(benchmark)));
  process.stdout.write(`${asTable(figures)}\n`);
  if (options.write !== false) writePerformance(figures, { ...options, date: new Date() }, options.write);
  if (left.length > 0) {
    const names = left.map(({ name }) => name).join(', ');
    tell(`Not measured: ${names}. They need a PostgreSQL server; --database-url names it.`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(asObject(figures))}\n`);
  process.exitCode = left.length === 0 && figures.every(({ reached }) => reached) ? 0 : 1;
}

async function findServer(): Promise<boolean> {
  try {
    await onServer(options.databaseUrl, async () => undefined);
    return true;
  } catch (error) {
    tell(`There is no PostgreSQL server at ${options.databaseUrl}: ${String(error)}`);
    return false;
  }
}

async function measureGrowth({ name, growsItself }: Benchmark): Promise<Measured[]> {
  const figures = await measureApart(name, options.scale);
  if (growsItself || !options.growth) return figures;
  return withGrowth(figures, await measureApart(name, options.scale / 10));
}

/** Runs one benchmark in a process of its own, so that its peak of memory is its own. */
async function measureApart(name: string, scale: number): Promise<Measured[]> {
  const { seed, rounds, databaseUrl } = options;
  const given = [`--scale=${scale}`, `--seed=${seed}`, `--rounds=${rounds}`, `--database-url=${databaseUrl}`];
  const args = [...process.execArgv, fileURLToPath(import.meta.url), '--alone', name, ...given];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`Benchmark ${name} ended with ${String(code)}`);
  return JSON.parse(Buffer.concat(output).toString());
}

function tell(words: string): void {
  process.stderr.write(`${words}\n`);
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('It must be a number greater than 0.');
  return number;
}

function namesOf(): string {
  return [...new Set(BENCHMARKS.flatMap(({ group, name }) => [group, name]))].join(', ');
}
