/** The whole way of the demo, from calls to a tuned model, on the embedded database against the same on a PostgreSQL server. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { z } from 'zod';
import { sampleCalls } from '../src/cli/sampleCalls.ts';
import { packageRoot } from '../src/paths.ts';
import { growthOf, median, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { withWorld } from './world.ts';

const run = promisify(execFile);
/** How often over the demo's own calls come, besides once. */
const TIMES = 10;
/** Of the time on the server. */
const GOAL = 2;
const LONGEST_STALL = 50;
/** Below this scale the demo is done with its own calls alone: fewer are nothing to train on. */
const SMALL = 0.5;

export const embedded: Benchmark = {
  name: 'embedded',
  group: 'server',
  needsServer: true,
  growsItself: true,
  async run(options) {
    const once = await measure('embedded', 1, options);
    if (options.scale < SMALL) return [once];
    const times = await measure(`embeddedTimes${TIMES}`, TIMES, options);
    return [once, { ...times, growth: growthOf(times, once) }];
  },
};

interface Walked {
  seconds: number;
  cpuSeconds: number;
  stallMs: number;
  memoryMb: number;
  /** What must be the same, wherever it is done. */
  result: z.infer<typeof outcome>;
}

const outcome = z.object({
  calls: z.int(),
  considered: z.int(),
  examples: z.int(),
  validated: z.int(),
  sha256: z.string(),
  bytes: z.int(),
  run: z.object({ status: z.literal('SUCCEEDED'), trainedTokens: z.int(), costUsd: z.number() }),
});

async function measure(name: string, size: number, options: BenchOptions): Promise<Figure> {
  const { rounds, tell } = options;
  const contenders = {
    embedded: (): Promise<Walked> => walk(size, options, { onServer: false }),
    server: (): Promise<Walked> => walk(size, options, { onServer: true }),
  };
  const walks = { embedded: new Array<Walked>(), server: new Array<Walked>() };
  tell(`${name}: the demo with ${size * sampleCalls().length} calls, embedded and on a server in turns`);
  // Each is done in a process of its own: there is nothing to warm up.
  for (let round = 1; round <= rounds; round += 1) {
    const [here, there] = [await contenders.embedded(), await contenders.server()];
    if (!isDeepStrictEqual(here.result, there.result)) {
      throw new Error(
        `The demo came to ${JSON.stringify(here.result)} embedded, ${JSON.stringify(there.result)} on a server`,
      );
    }
    walks.embedded.push(here);
    walks.server.push(there);
  }
  const middle = (all: Walked[], what: 'seconds' | 'cpuSeconds' | 'memoryMb') =>
    median(all.map((one) => one[what]));
  const stallMs = Math.max(...walks.embedded.map((one) => one.stallMs));
  const [ours, limit] = [middle(walks.embedded, 'seconds'), middle(walks.server, 'seconds')];
  return {
    name,
    unit: 's',
    ours,
    limit,
    peer: null,
    goal: `${GOAL} times what it takes on a server, no stall past ${LONGEST_STALL} ms`,
    reached: ours <= GOAL * limit && stallMs <= LONGEST_STALL,
    work: size,
    peakMemoryMb: middle(walks.embedded, 'memoryMb'),
    also: {
      longestStallMs: stallMs,
      serverLongestStallMs: Math.max(...walks.server.map((one) => one.stallMs)),
      cpuSeconds: middle(walks.embedded, 'cpuSeconds'),
      // Of the product's process alone, without PostgreSQL's.
      serverCpuSeconds: middle(walks.server, 'cpuSeconds'),
    },
  };
}

/** One demo against a new server on a new database. Its start is not counted. */
function walk(size: number, options: BenchOptions, { onServer }: { onServer: boolean }): Promise<Walked> {
  return withWorld(options, async (world) => {
    const calls = join(world.directory, 'calls.jsonl');
    await writeFile(calls, callsTimes(size));
    const server = await world.startProduct('server', {
      AUTH: 'development',
      NODE_ENV: '',
      SANDBOX_SPEED: '1000',
      ...(!onServer && { DATABASE_URL: '' }),
    });
    await longestLag(server.url); // Forgets what was before.
    const [cpuBefore, start] = [server.cpuSeconds(), performance.now()];
    const args = ['dist/cli.js', 'demo', '--json', '--url', server.url, '--calls', calls];
    const { stdout } = await run(process.execPath, [...args, '--max-examples', '100000'], {
      cwd: fileURLToPath(packageRoot),
      env: { PATH: process.env['PATH'] ?? '' },
    });
    return {
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: server.cpuSeconds() - cpuBefore,
      stallMs: (await longestLag(server.url)) * 1000,
      memoryMb: server.peakMb(),
      result: outcome.parse(JSON.parse(stdout)),
    };
  });
}

/** For how long the server's event loop stood still at most since this was asked last, in seconds. */
async function longestLag(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lag = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1];
  if (lag === undefined) throw new Error(`The server tells no lag: ${text.slice(0, 200)}`);
  return Number(lag);
}

/** The demo's calls so many times over, each with words of its own, so that no example is there twice. */
function callsTimes(times: number): string {
  const lines: string[] = [];
  for (let n = 0; n < times; n += 1) {
    for (const call of sampleCalls()) {
      const turns = call.turns.map((turn) =>
        n === 0 ? turn : { ...turn, text: `${turn.text} That is ${n}.` },
      );
      lines.push(JSON.stringify({ ...call, call_sid: `${call.call_sid}/${n}`, turns }));
    }
  }
  return `${lines.join('\n')}\n`;
}
