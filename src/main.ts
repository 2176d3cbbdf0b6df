/** The composition root: configuration → database → provider → services → jobs → app → signals. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp, type App } from './app.ts';
import type { Config } from './config.ts';
import type { Limits } from './http/limits/limits.ts';
import { openDatabase, type Database, type DatabaseOptions } from './db/database.ts';
import { DEFAULT_TENANT, ensureTenant } from './db/tenants.ts';
import { createScheduler, type Scheduler } from './jobs/scheduler.ts';
import { createLogger, type Logger } from './log.ts';
import { makeDirectory } from './makeDirectory.ts';
import { systemClock } from './services/clock.ts';
import { createDirectoryStore } from './services/exportStore.ts';
import { openProviders, type OpenProviders } from './providers.ts';
import { createJobs, createSystem, type SystemOptions } from './system.ts';

/** What the crash test sets, and nobody else: who trains, how long is waited, and where the process ends. */
export interface ServerOptions extends Pick<
  SystemOptions,
  'leaseSeconds' | 'reconcileWait' | 'missingFor' | 'reach'
> {
  providers?: OpenProviders;
  sweepPattern?: string;
}

export interface RunningServer {
  url: string;
  /** Which provider a launch that names none goes to. */
  provider: string;
  /** Settles when the server can no longer work. */
  lost: Promise<Error>;
  close(): Promise<void>;
}

/** The shutdown as a whole; past it the process is ended as it is. */
const SHUTDOWN_LIMIT = 10_000;

/** Starts everything; `close` ends it in the opposite order. Throws what a person can mend as an error with a plain message. */
export async function startServer(
  config: Config,
  log: Logger = createLogger(config.LOG_LEVEL),
  options: ServerOptions = {},
): Promise<RunningServer> {
  const closers: (() => Promise<void>)[] = [];
  async function close(): Promise<void> {
    for (const closer of closers.toReversed()) await closer();
  }
  try {
    const onError = (error: Error) => log.error({ err: error }, 'The database connection failed');
    const db = await openDatabase({
      databaseUrl: config.DATABASE_URL,
      dataDir: config.DATA_DIR,
      poolSize: config.DATABASE_POOL_SIZE,
      redis: redisOf(config, log),
      onError,
    });
    closers.push(() => db.close());
    log.info(
      { database: db.kind, migrated: db.migrated.length },
      db.kind === 'embedded' ? `Database embedded in ${config.DATA_DIR}` : 'Database server connected',
    );
    await ensureTenant(db, DEFAULT_TENANT);

    const providers = options.providers ?? (await openProviders(config, log));
    closers.push(() => providers.close());
    const { url, close: closeServer } = await serve(config, log, db, providers, options);
    closers.push(closeServer);
    return { url, provider: providers.default.name, lost: db.lost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function redisOf({ REDIS_URL }: Config, log: Logger): DatabaseOptions['redis'] {
  if (REDIS_URL === undefined) return undefined;
  return {
    url: REDIS_URL,
    onAway: (error) => log.warn({ err: error }, 'Redis is away: other replicas are heard every 5 s'),
    onBack: () => log.info('Redis is back'),
  };
}

function limitsOf(config: Config): Limits {
  return {
    bodyBytes: config.GRAPHQL_MAX_BODY_BYTES,
    tokens: config.GRAPHQL_MAX_TOKENS,
    depth: config.GRAPHQL_MAX_DEPTH,
    aliases: config.GRAPHQL_MAX_ALIASES,
    directives: config.GRAPHQL_MAX_DIRECTIVES,
    complexity: config.GRAPHQL_MAX_COMPLEXITY,
    socketOperations: config.SOCKET_MAX_OPERATIONS,
  };
}

async function serve(
  config: Config,
  log: Logger,
  db: Database,
  providers: OpenProviders,
  { leaseSeconds, reconcileWait, missingFor, reach, sweepPattern }: ServerOptions,
): Promise<{ url: string; close: () => Promise<void> }> {
  let publicUrl = config.PUBLIC_URL ?? '';
  const system = createSystem({
    db,
    store: createDirectoryStore(config.EXPORT_DIR ?? join(config.DATA_DIR, 'exports')),
    providers,
    clock: systemClock,
    downloadSecret: downloadSecret(config),
    publicUrl: () => publicUrl,
    reviewLeaseSeconds: config.REVIEW_LEASE_SECONDS,
    leaseSeconds,
    reconcileWait: reconcileWait ?? config.RECONCILE_SECONDS * 1000,
    missingFor,
    reach,
    onError: (error, about) => log.error({ err: error, ...about }, 'A training run met an unexpected error'),
  });
  await system.services.baseModels.sync();
  // Nobody else can have the embedded database open: whoever held a run there is dead.
  if (db.kind === 'embedded') await system.lease.releaseAll();

  const scheduler = createScheduler(
    createJobs(system, config.POLL_CRON ?? providers.pollPattern, sweepPattern),
    (error, job) => log.error({ err: error, job }, 'A job failed'),
  );
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind !== 'dataset') scheduler.kick('advanceRuns');
    if (wakeUp.kind !== 'run') scheduler.kick('scanExamples');
  });
  const app = createApp({
    db,
    services: system.services,
    viewerOf: () => ({ tenantId: DEFAULT_TENANT, subject: 'local', role: 'ADMIN' }),
    log,
    limits: limitsOf(config),
  });
  const address = await app.listen(config.PORT, config.HOST);
  publicUrl ||= address;
  scheduler.start();
  log.info(`GraphQL and GraphiQL at ${address}/graphql`);
  log.info(
    'Listening on this machine only: there is no authentication yet, and whoever reaches the server may spend money.',
  );
  return { url: address, close: () => stop(app, scheduler, stopListening) };
}

async function stop(app: App, scheduler: Scheduler, stopListening: () => void): Promise<void> {
  stopListening();
  await scheduler.stop();
  await app.close();
}

/** The secret that download links are signed with: the one configured, else one made once and kept with the data. */
function downloadSecret({ DOWNLOAD_SECRET, DATA_DIR }: Config): Buffer {
  if (DOWNLOAD_SECRET !== undefined) return Buffer.from(DOWNLOAD_SECRET);
  const path = join(DATA_DIR, 'download-secret');
  makeDirectory(DATA_DIR);
  try {
    writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return Buffer.from(readFileSync(path, 'utf8'));
}

/** Serves until the process is told to end, or the database is lost. */
export async function serveUntilSignal(config: Config): Promise<void> {
  const log = createLogger(config.LOG_LEVEL);
  const told = signalled(); // Before the start: who reads that the server is there may end it at once.
  const server = await startServer(config, log);
  const reason = await Promise.race([told, server.lost]);
  if (reason instanceof Error) log.fatal({ err: reason }, 'The database is lost');
  else log.info(`${reason} received, shutting down`);
  setTimeout(() => process.exit(1), SHUTDOWN_LIMIT).unref();
  await server.close();
  process.exitCode = reason instanceof Error ? 1 : 0;
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
