/** A server in a process of its own, that can be killed, stopped, and started again at the same address. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CRASH_POINTS, EXPORT_CRASH_POINT } from '../src/services/crashPoint.ts';

export const serverOptions = z.strictObject({
  sandboxUrl: z.url(),
  leaseSeconds: z.number().positive(),
  reconcileSeconds: z.number().positive(),
});

/** Where the process ends itself (SIGKILL) or stands still (SIGSTOP): the next time a run or an export comes there, once. */
const crashOrder = z.strictObject({
  at: z.enum([...CRASH_POINTS, EXPORT_CRASH_POINT]),
  signal: z.enum(['SIGKILL', 'SIGSTOP']),
});
export const toServer = z.strictObject({ crash: crashOrder.nullable() });
const fromServer = z.union([z.strictObject({ url: z.url() }), z.strictObject({ ordered: z.literal(true) })]);

export type CrashOrder = z.infer<typeof crashOrder>;

export interface ServerProcess {
  /** The same after every start. */
  url: string;
  /** Starts it; resolves when it is ready. Not while it runs. */
  start(): Promise<void>;
  /** Has it end, or stand still, when a run comes to a crash point; null takes the order back. */
  order(crash: CrashOrder | null): Promise<void>;
  /** The id of the process that was started last. */
  pid(): number | undefined;
  /** Whether the process is there, be it standing still. */
  runs(): boolean;
  /** The next crash point that it comes to under an order. */
  reached(): Promise<void>;
  /** Kills it with SIGKILL, whatever it does, and waits for its end. */
  kill(): Promise<void>;
  /** Resolves when it has ended, however that came about. */
  ended(): Promise<void>;
  /** SIGSTOP: it stands still, its connections stay open. */
  stop(): void;
  /** SIGCONT. */
  goOn(): void;
}

export interface ServerProcessOptions extends z.infer<typeof serverOptions> {
  dataDir: string;
  /** A PostgreSQL database; the embedded one in `dataDir` when left out. */
  databaseUrl?: string | undefined;
  /** The directory of exports, which servers on one database share. */
  exportDir: string;
  /** The bundled program. */
  entry: URL;
  /** Options of Node itself. */
  nodeOptions?: string[];
  /** More of its configuration. */
  env?: Record<string, string>;
}

/** What the server logs goes to the standard error from this level on; the test kills it, so much of it is expected. */
const LOG_LEVEL = process.env['CRASHTEST_LOG'] ?? 'silent';

/**
 * For a server that is killed after a few seconds: spares the WebAssembly of the embedded database and of Prisma the
 * optimizing compiler, which would not pay by then.
 */
export const SHORT_LIVED = ['--liftoff-only'];

export async function createServerProcess({
  dataDir,
  databaseUrl,
  exportDir,
  entry,
  nodeOptions = [],
  env: more = {},
  ...options
}: ServerProcessOptions): Promise<ServerProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    PORT: String(port),
    DATA_DIR: dataDir,
    EXPORT_DIR: exportDir,
    DOWNLOAD_SECRET: 'a secret that is only good for the crash test',
    LOG_LEVEL,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    ...more,
  };
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();

  async function answer(from: ChildProcess): Promise<z.infer<typeof fromServer>> {
    const gone = once(from, 'exit').then(() => {
      throw new Error(`The server at ${url} ended`);
    });
    const [message]: unknown[] = await Promise.race([once(from, 'message'), gone]);
    return fromServer.parse(message);
  }

  function running(): ChildProcess {
    if (!child) throw new Error(`The server at ${url} was not started`);
    return child;
  }

  return {
    url,
    async start() {
      const started = fork(fileURLToPath(entry), [JSON.stringify(options)], {
        env,
        execArgv: nodeOptions, // A bundle needs no loader, and starts in a third of the time.
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      });
      started.on('error', () => undefined); // A message to a process that has just ended.
      child = started;
      exited = once(started, 'exit');
      await answer(started);
    },
    async order(crash) {
      const to = running();
      const done = answer(to);
      to.send({ crash } satisfies z.infer<typeof toServer>);
      await done;
    },
    pid: () => child?.pid,
    runs: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async reached() {
      const { stdout } = running();
      if (stdout) await once(stdout, 'data');
    },
    async kill() {
      running().kill('SIGKILL');
      await exited;
    },
    async ended() {
      await exited;
    },
    stop: () => void running().kill('SIGSTOP'),
    goOn: () => void running().kill('SIGCONT'),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port is free');
  return address.port;
}
