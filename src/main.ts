/** The composition root: configuration → database → provider → services → jobs → app → signals. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isIP } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createApp, type App } from './app.ts';
import { openAuthentication } from './authentication.ts';
import { tools, requiresCredentials, type Config } from './config.ts';
import type { Limits } from './http/limits/limits.ts';
import { createMemoryCache, noCache, type ResponseCache } from './http/responseCache.ts';
import { openDatabase, type Database, type DatabaseOptions } from './db/database.ts';
import { DEFAULT_TENANT, ensureTenant } from './db/tenants.ts';
import { createScheduler, type Scheduler } from './jobs/scheduler.ts';
import type { OriginOptions } from './http/origin.ts';
import { openFront, type FrontServer } from './http/front.ts';
import { createServerLogger, type Logger } from './log.ts';
import { makeDirectory } from './makeDirectory.ts';
import { lastTicks, watchedJobs } from './observe/jobs.ts';
import { createMetrics } from './observe/metrics.ts';
import { watchedProviders } from './observe/provider.ts';
import { createStoreProbe } from './observe/storeProbe.ts';
import { createTrainingFigures } from './observe/trainingFigures.ts';
import { systemClock } from './services/clock.ts';
import { DEFAULT_KID, type DownloadKey } from './services/downloadLinks.ts';
import { openExportStore } from './exportStore.ts';
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
  log: Logger = createServerLogger(config),
  options: ServerOptions = {},
): Promise<RunningServer> {
  const closers: (() => Promise<void>)[] = [];
  async function close(): Promise<void> {
    for (const closer of closers.toReversed()) await closer();
  }
  try {
    const tracing = await openTracing(config, log);
    if (tracing) closers.push(tracing.close);
    // First of all, so that probes are answered while the rest starts.
    const front = await openFront(config.PORT, config.HOST);
    closers.push(() => closeFront(front));
    const onError = (error: Error) => log.error({ err: error }, 'The database connection failed');
    const db = await openDatabase({
      databaseUrl: config.DATABASE_URL,
      dataDir: config.DATA_DIR,
      poolSize: config.DATABASE_POOL_SIZE,
      statementTimeoutSeconds: config.STATEMENT_TIMEOUT_SECONDS,
      redis: redisOf(config, log),
      Client: tracing?.Client,
      traced: tracing?.traced,
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
    const { url, close: closeServer } = await serve(config, log, db, providers, front, options);
    closers.push(closeServer);
    return { url, provider: providers.default.name, lost: db.lost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loaded only where it is asked for. */
async function openTracing(config: Config, log: Logger) {
  const collector = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (collector === undefined) return undefined;
  const [{ startTracing }, { TracedClient, tracedStatement }] = await Promise.all([
    import('./observe/tracing.ts'),
    import('./observe/databaseClient.ts'),
  ]);
  const tracing = await startTracing((error) => log.warn({ err: error }, 'Tracing is away'));
  return { close: () => tracing.close(), Client: TracedClient, traced: tracedStatement };
}

/** What the app closes by itself, when the start got as far as that. */
async function closeFront(front: FrontServer): Promise<void> {
  if (!front.listening) return;
  const closed = new Promise((resolve) => front.close(resolve));
  front.closeAllConnections();
  await closed;
}

function redisOf({ REDIS_URL }: Config, log: Logger): DatabaseOptions['redis'] {
  if (REDIS_URL === undefined) return undefined;
  return {
    url: REDIS_URL,
    onAway: (error) => log.warn({ err: error }, 'Redis is away: other replicas are heard every 5 s'),
    onBack: () => log.info('Redis is back'),
  };
}

async function cacheOf(
  { RESPONSE_CACHE, RESPONSE_CACHE_MAX_BYTES, RESPONSE_CACHE_MAX_AGE_SECONDS, REDIS_URL }: Config,
  db: Database,
): Promise<ResponseCache> {
  const { notifications } = db;
  if (RESPONSE_CACHE === 'off') return noCache;
  const maxAgeSeconds = RESPONSE_CACHE_MAX_AGE_SECONDS;
  if (RESPONSE_CACHE === 'memory' || REDIS_URL === undefined)
    return createMemoryCache({ notifications, maxBytes: RESPONSE_CACHE_MAX_BYTES, maxAgeSeconds });
  // Loaded only where it is used: the client of Redis is large.
  const { createRedisCache } = await import('./http/redisCache.ts');
  return createRedisCache({
    url: REDIS_URL,
    prefix: `tunesmith:${await db.name()}:`,
    notifications,
    maxAgeSeconds,
  });
}

function originsOf({ PUBLIC_URL, HOST, ALLOWED_HOSTS, CORS_ORIGINS }: Config): OriginOptions {
  const bound = HOST.includes(':') ? `[${HOST}]` : HOST; // 0.0.0.0 is an address to listen on, not one to call.
  const hosts = isIP(HOST) !== 0 && /^[0.:]+$/.test(HOST) ? ALLOWED_HOSTS : [...ALLOWED_HOSTS, bound];
  return { publicUrl: PUBLIC_URL, hosts, corsOrigins: CORS_ORIGINS };
}

function limitsOf(config: Config): Limits {
  return {
    bodyBytes: config.GRAPHQL_MAX_BODY_BYTES,
    tokens: config.GRAPHQL_MAX_TOKENS,
    depth: config.GRAPHQL_MAX_DEPTH,
    aliases: config.GRAPHQL_MAX_ALIASES,
    directives: config.GRAPHQL_MAX_DIRECTIVES,
    complexity: config.GRAPHQL_MAX_COMPLEXITY,
    frameBytes: config.SOCKET_MAX_FRAME_BYTES,
    socketOperations: config.SOCKET_MAX_OPERATIONS,
    socketsPerPrincipal: config.SOCKETS_PER_PRINCIPAL,
    requestsPerMinute: config.RATE_LIMIT_PER_MINUTE,
    querySeconds: config.QUERY_TIMEOUT_SECONDS,
    mutationSeconds: config.MUTATION_TIMEOUT_SECONDS,
    importBytes: config.IMPORT_MAX_BYTES,
  };
}

async function serve(
  config: Config,
  log: Logger,
  db: Database,
  opened: OpenProviders,
  front: FrontServer,
  { leaseSeconds, reconcileWait, missingFor, reach, sweepPattern }: ServerOptions,
): Promise<{ url: string; close: () => Promise<void> }> {
  let publicUrl = config.PUBLIC_URL ?? '';
  const metrics = createMetrics();
  const providers = watchedProviders(opened, { metrics, log });
  const store = await openExportStore(config);
  const system = createSystem({
    db,
    store,
    providers,
    clock: systemClock,
    downloadKeys: downloadKeys(config),
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

  const jobs = createJobs(system, config.POLL_CRON ?? providers.pollPattern, sweepPattern);
  const scheduler = createScheduler(watchedJobs(jobs, metrics), (error, job) =>
    log.error({ err: error, job }, 'A job failed'),
  );
  metrics.watch({
    jobs: () => lastTicks(jobs, scheduler.lastRuns()),
    training: createTrainingFigures(db),
  });
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind !== 'dataset') scheduler.kick('advanceRuns');
    if (wakeUp.kind !== 'run') scheduler.kick('scanExamples');
  });
  const responseCache = await cacheOf(config, db);
  const app = createApp({
    db,
    responseCache,
    services: system.services,
    authenticate: await openAuthentication(config, db, system.services),
    log,
    metrics,
    metricsToken: config.METRICS_TOKEN,
    storeWorks: createStoreProbe(store),
    server: front,
    limits: limitsOf(config),
    origins: originsOf(config),
    ...tools(config),
  });
  const address = await app.listen(config.PORT, config.HOST);
  publicUrl ||= address;
  await scheduler.start();
  log.info(`GraphQL${tools(config).graphiql ? ' and GraphiQL' : ''} at ${address}/graphql`);
  log.info(
    requiresCredentials(config)
      ? 'Only who signs in is served. “tunesmith keys create” makes a first key.'
      : 'Development: whoever is on this machine is served without signing in, as an admin of the default tenant.',
  );
  return {
    url: address,
    async close() {
      app.leave();
      await wait(config.DRAIN_SECONDS * 1000);
      await stop(app, scheduler, stopListening);
    },
  };
}

async function stop(app: App, scheduler: Scheduler, stopListening: () => void): Promise<void> {
  stopListening();
  await scheduler.stop();
  await app.close();
}

/** What download links are signed with: the keys configured, else one made once and kept with the data. */
function downloadKeys({ DOWNLOAD_SECRET, DATA_DIR }: Config): readonly DownloadKey[] {
  if (DOWNLOAD_SECRET !== undefined) return DOWNLOAD_SECRET;
  const path = join(DATA_DIR, 'download-secret');
  makeDirectory(DATA_DIR);
  try {
    writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return [{ kid: DEFAULT_KID, secret: Buffer.from(readFileSync(path, 'utf8')) }];
}

/** Serves until the process is told to end, or the database is lost. */
export async function serveUntilSignal(config: Config): Promise<void> {
  const log = createServerLogger(config);
  // Node would print what was thrown as it is, with whatever its message holds.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'The process met an error that nobody expected');
    process.exit(1);
  });
  // And these as text, between the log's lines.
  process
    .removeAllListeners('warning')
    .on('warning', (warning) => log.warn({ err: warning }, 'Node.js warns'));
  const told = signalled(); // Before the start: who reads that the server is there may end it at once.
  const server = await startServer(config, log);
  const reason = await Promise.race([told, server.lost]);
  if (reason instanceof Error) log.fatal({ err: reason }, 'The database is lost');
  else log.info(`${reason} received, shutting down`);
  setTimeout(() => process.exit(1), SHUTDOWN_LIMIT + config.DRAIN_SECONDS * 1000).unref();
  await server.close();
  process.exitCode = reason instanceof Error ? 1 : 0;
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
