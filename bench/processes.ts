/** Servers in processes of their own: the built product as it ships, and what it is measured against. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { MALLOC, NODE_OPTIONS } from '../soak/nodeOptions.ts';
import { packageRoot } from '../src/paths.ts';
import { heapBytes } from './heap.ts';

export interface ServerProcess {
  url: string;
  /** What the process has taken of the processor so far, in seconds. */
  cpuSeconds(): number;
  /** What it holds in memory, in megabytes. */
  memoryMb(): number;
  /** The most that it has held. */
  peakMb(): number;
  /** Stands still while `work` is done elsewhere, and takes nothing of the machine. */
  pausing<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Product extends ServerProcess {
  /** The JavaScript heap and the buffers beside it, without what only waits to be collected, in bytes. */
  heapBytes(): Promise<number>;
}

/** How the product is started: as `npm start` and the image do. `env` is its configuration. */
export function product(env: Record<string, string>, nodeOptions: string[] = []): Way {
  return {
    args: [...NODE_OPTIONS, ...nodeOptions, fileURLToPath(new URL('dist/cli.js', packageRoot)), 'start'],
    env: { ...MALLOC, PORT: '0', LOG_LEVEL: 'info', DRAIN_SECONDS: '0', ...env },
  };
}

/** The product with Node's inspector, which costs nothing until it is asked. */
export async function startProduct(env: Record<string, string>): Promise<Product> {
  const said: string[] = [];
  const server = await startServer(product(env, ['--inspect=127.0.0.1:0']), said);
  const inspector = said.map((line) => /ws:\/\/127\.0\.0\.1:\S+/.exec(line)?.[0]).find(Boolean) ?? '';
  return { ...server, heapBytes: () => heapBytes(inspector) };
}

/** A program of Node. */
export interface Way {
  args: string[];
  env: Record<string, string>;
}

const ADDRESS = / at (http:\/\/127\.0\.0\.1:\d+)\/graphql/;
const ERRORS = ['{"level":50,', '{"level":60,'];

/** Starts a process and resolves when it says where it listens; `said` gets what it says until then. */
export async function startServer({ args, env }: Way, said: string[] = []): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(packageRoot),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    const lines = createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      const address = ADDRESS.exec(line)?.[1];
      if (address === undefined) return;
      lines.close();
      resolve(address);
    });
    child.once('exit', () => reject(new Error(`A server ended while it started:\n${said.join('\n')}`)));
  });
  // A busy server logs tens of thousands of lines a second: to read each would take from the machine what it is measured by.
  child.stderr.on('data', (log: Buffer) => {
    if (ERRORS.some((error) => log.includes(error))) console.error(log.toString());
  });
  child.stderr.resume();
  return processOf(child, url);
}

const listening = z.object({ url: z.url() });

/** A program that tells its parent where it listens, and ends with it. */
export async function startPeer(
  entry: URL,
  args: string[],
  execPath = process.execPath,
): Promise<ServerProcess> {
  const path = fileURLToPath(entry);
  const child = fork(path, args, {
    execPath,
    execArgv: path.endsWith('.ts') ? ['--import', 'tsx'] : [],
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', GRAPHILE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(() => {
    throw new Error(`${path} did not start`);
  });
  gone.catch(() => undefined);
  const [said]: unknown[] = await Promise.race([once(child, 'message'), gone]);
  return processOf(child, listening.parse(said).url);
}

function processOf(child: ChildProcess, url: string): ServerProcess {
  const exited = once(child, 'exit');
  return {
    url,
    cpuSeconds() {
      // What follows the name, which may hold spaces: state, parent, … utime and stime in hundredths.
      const fields = procOf(child, 'stat').split(') ').at(-1)?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    memoryMb: () => megabytesOf(child, 'VmRSS'),
    peakMb: () => megabytesOf(child, 'VmHWM'),
    async pausing(work) {
      child.kill('SIGSTOP');
      try {
        return await work();
      } finally {
        child.kill('SIGCONT');
      }
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await exited;
      }
    },
  };
}

function megabytesOf(child: ChildProcess, what: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(procOf(child, 'status'))?.[1]) / 1024;
}

/** What Linux tells of a process. Elsewhere nothing is, and the figures are NaN, which reaches no goal. */
function procOf({ pid }: ChildProcess, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
