/** Servers in processes of their own: the built product as it ships, and what it is measured against. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { packageRoot } from '../src/paths.ts';
import { heapBytes } from './heap.ts';

export interface ServerProcess {
  url: string;
  /** What the process has taken of the processor so far, in seconds; 0 where the system does not tell. */
  cpuSeconds(): number;
  /** What it holds in memory, in bytes; 0 where the system does not tell. */
  rss(): number;
  close(): Promise<void>;
}

export interface Product extends ServerProcess {
  /** The JavaScript heap and the buffers beside it, without what only waits to be collected, in bytes. */
  heapBytes(): Promise<number>;
}

/** As `npm start` and the image start it. `env` is all of its configuration. What it logs is in `dataDir`. */
export async function startProduct(dataDir: string, env: Record<string, string>): Promise<Product> {
  const port = await freePort();
  const log = openSync(join(dataDir, 'log'), 'a');
  const child = spawn(process.execPath, [...NODE_OPTIONS, 'dist/cli.js', 'start'], {
    cwd: fileURLToPath(packageRoot),
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      DATA_DIR: dataDir,
      NODE_ENV: 'production',
      ...env,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) {
      throw new Error(`The server did not start: ${readFileSync(join(dataDir, 'log'), 'utf8').slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const inspector = /ws:\/\/127\.0\.0\.1:\S+/.exec(readFileSync(join(dataDir, 'log'), 'utf8'))?.[0] ?? '';
  return { ...processOf(child, url), heapBytes: () => heapBytes(inspector) };
}

/** As they ship it; the inspector costs nothing until it is asked. */
const NODE_OPTIONS = ['--max-semi-space-size=32', '--inspect=127.0.0.1:0'];

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

const listening = z.object({ url: z.url() });

/** A program that tells its parent where it listens, and ends with it. */
export async function startPeer(
  entry: URL,
  args: string[],
  { execPath = process.execPath }: { execPath?: string } = {},
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
    cpuSeconds: () => cpuSecondsOf(child.pid),
    rss: () => rssOf(child.pid),
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await exited;
      }
    },
  };
}

function cpuSecondsOf(pid: number | undefined): number {
  // What follows the name, which may hold spaces: state, parent, … utime and stime in hundredths.
  const fields = procOf(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

function rssOf(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(procOf(pid, 'status'))?.[1] ?? 0) * 1024;
}

function procOf(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port is free');
  return address.port;
}
