/**
 * `npm run bench [NAME…]`: measures, each benchmark in a process of its own, and prints a table. With --json the last line
 * is one object. The exit code is 1 when a goal was missed or two contenders came to different results.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { BENCHMARKS, chosen } from './benchmarks.ts';
import { asObject, asTable, type Measured } from './report.ts';

interface Options {
  scale: number;
  seed: number;
  rounds: number;
  databaseUrl?: string;
  json: boolean;
  alone: boolean;
}

const program = new Command('bench')
  .description('Measures what was promised, against a limit or against what others offer.')
  .argument('[names...]', `benchmarks or groups of them: ${namesOf()}; all without any`)
  .option('--scale <n>', 'how much of the full amount of data', positive, 1)
  .option('--seed <n>', 'what the data is made from', positive, 1)
  .option('--rounds <n>', 'how often each contender is timed', positive, 5)
  .option('--database-url <url>', 'a PostgreSQL server, for a database of its own; embedded without it')
  .option('--json', 'print one object as the last line', false)
  .option('--alone', 'measure in this process and print the figures as JSON alone', false);

const options = program.parse().opts<Options>();

if (options.alone) await measure();
else await measureEach();

async function measure(): Promise<void> {
  const figures: Measured[] = [];
  for (const benchmark of chosen(program.args)) {
    const found = await benchmark.run({ ...options, tell });
    const peakMemoryMb = process.resourceUsage().maxRSS / 1024;
    figures.push(...found.map((figure) => ({ peakMemoryMb, ...figure })));
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

async function measureEach(): Promise<void> {
  const figures: Measured[] = [];
  const left = chosen(program.args).filter(
    ({ needsServer }) => needsServer && options.databaseUrl === undefined,
  );
  for (const benchmark of chosen(program.args))
    if (!left.includes(benchmark)) figures.push(...(await measureApart(benchmark.name)));
  process.stdout.write(`${asTable(figures)}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(asObject(figures))}\n`);
  if (left.length > 0)
    tell(
      `Not measured: ${left.map(({ name }) => name).join(', ')}. Name a PostgreSQL server with --database-url.`,
    );
  process.exitCode = left.length === 0 && figures.every(({ reached }) => reached) ? 0 : 1;
}

/** Runs one benchmark in a process of its own, so that its peak of memory is its own. */
async function measureApart(name: string): Promise<Measured[]> {
  const { scale, seed, rounds, databaseUrl } = options;
  const database = databaseUrl === undefined ? [] : ['--database-url', databaseUrl];
  const args = ['--alone', name, `--scale=${scale}`, `--seed=${seed}`, `--rounds=${rounds}`, ...database];
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
