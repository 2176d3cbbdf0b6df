/** One server a test process: the whole of it over real HTTP, with a sandbox beside it. Each test has its own tenant. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import type { Database } from '../../src/db/database.ts';
import { ensureTenant } from '../../src/db/tenants.ts';
import { createScheduler, type Scheduler } from '../../src/jobs/scheduler.ts';
import { createLogger } from '../../src/log.ts';
import { lastTicks, watchedJobs } from '../../src/observe/jobs.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { watchedProviders } from '../../src/observe/provider.ts';
import { createStoreProbe } from '../../src/observe/storeProbe.ts';
import { createTrainingFigures } from '../../src/observe/trainingFigures.ts';
import { providersOf } from '../../src/providers.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { systemClock, type Clock } from '../../src/services/clock.ts';
import { createDirectoryStore } from '../../src/services/exportStore/directory.ts';
import type { ExportStore } from '../../src/services/exportStore/port.ts';
import { createOpenAiProvider } from '../../src/services/providers/openai.ts';
import type { Provider, Providers } from '../../src/services/providers/port.ts';
import { ROLES, type Viewer } from '../../src/services/viewer.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/http/limits/limits.ts';
import type { OriginOptions } from '../../src/http/origin.ts';
import { createMemoryCache, DEFAULT_CACHE, type ResponseCache } from '../../src/http/responseCache.ts';
import type { Authenticate } from '../../src/http/session.ts';
import type { Services } from '../../src/services/index.ts';
import { createJobs, createSystem, type System, type SystemOptions } from '../../src/system.ts';
import { createClient, ROLE_HEADER, SUBJECT_HEADER, type TestClient } from './client.ts';
import { openTestDatabase } from './database.ts';
import { keepLog } from './logArchive.ts';
import { verifiedByPlan } from './verifiedPlans.ts';
import { verifiedCache } from './verifiedCache.ts';

export interface TestServer {
  url: string;
  db: Database;
  system: System;
  scheduler: Scheduler;
  sandbox: Sandbox;
  /** Everything that was logged, as JSON lines. */
  logged: string[];
  metrics: Metrics;
  /** A client that acts as a new tenant. */
  asNewTenant(): Promise<TestClient>;
  /** A client that acts as this tenant. */
  asTenant(tenantId: string): TestClient;
  close(): Promise<void>;
}

export interface TestServerOptions {
  db?: Database;
  sandbox?: Sandbox;
  /** How fast the sandbox works when it is started here; without waiting unless said. */
  sandboxSpeed?: number;
  clock?: Clock;
  store?: ExportStore;
  downloadKeys?: SystemOptions['downloadKeys'];
  providers?: Providers;
  reconcileWait?: number;
  /** When runs are looked after; every second unless said. */
  pollPattern?: string;
  /** Who asks; by headers of the tests' own unless said. */
  authenticate?: (services: Services) => Authenticate;
  /** Whether the jobs run by themselves; they do unless said. */
  scheduled?: boolean;
  logLevel?: string;
  metricsToken?: string;
  /** See AppOptions. */
  origins?: OriginOptions;
  introspection?: boolean;
  /** Those that are not the defaults. */
  limits?: Partial<Limits>;
  graphiql?: boolean;
  /** See AppOptions. */
  slowReaders?: { limit?: number; grace?: number };
  /** See AppOptions. */
  initTimeout?: number;
  /** Where answers are kept; nothing is answered from there unless said (verifiedCache.ts). */
  responseCache?: (db: Database) => ResponseCache;
}

const TENANT_HEADER = 'x-test-tenant';

/** What signs the links of a test server that is given no keys. */
export const DOWNLOAD_KEY = { kid: 'test', secret: Buffer.from('a secret that is only good for tests') };

/** A server of a test's own, for what the shared one must not suffer. Close it. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const db = options.db ?? (await openTestDatabase());
  const sandbox = options.sandbox ?? (await startSandbox({ speed: options.sandboxSpeed ?? Infinity }));
  const logged: string[] = [];
  const log = createLogger(options.logLevel ?? 'info', {
    stream: {
      write(line: string) {
        logged.push(line);
        keepLog(line);
      },
    },
  });
  const metrics = createMetrics();
  const store = options.store ?? createDirectoryStore(mkdtempSync(join(tmpdir(), 'tunesmith-test-')));
  let url = '';
  const system = createSystem({
    db,
    store,
    providers: watchedProviders(options.providers ?? providersOf(sandboxProvider(sandbox)), { metrics, log }),
    clock: options.clock ?? systemClock,
    downloadKeys: options.downloadKeys ?? [DOWNLOAD_KEY],
    publicUrl: () => url,
    reconcileWait: options.reconcileWait ?? 100,
    onError: (error, about) => log.error({ err: error, ...about }, 'run'),
  });
  await system.services.baseModels.sync();
  const jobs = createJobs(system, options.pollPattern ?? '* * * * * *');
  const scheduler = createScheduler(watchedJobs(jobs, metrics), (error, job) =>
    log.error({ err: error, job }, 'job'),
  );
  metrics.watch({
    jobs: () => lastTicks(jobs, scheduler.lastRuns()),
    training: createTrainingFigures(db),
  });
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind !== 'dataset') scheduler.kick('advanceRuns');
    if (wakeUp.kind !== 'run') scheduler.kick('scanExamples');
  });
  const { slowReaders, initTimeout, responseCache = verifiedMemory } = options;
  const app = createApp({
    db,
    responseCache: responseCache(db),
    answerByPlan: verifiedByPlan,
    services: system.services,
    authenticate: options.authenticate?.(system.services) ?? byHeaders,
    log,
    metrics,
    metricsToken: options.metricsToken,
    ...(options.origins && { origins: options.origins }),
    limits: { ...DEFAULT_LIMITS, requestsPerMinute: 1_000_000, ...options.limits },
    introspection: options.introspection ?? true,
    graphiql: options.graphiql ?? true,
    storeWorks: createStoreProbe(store),
    ...(slowReaders && { slowReaders }),
    ...(initTimeout !== undefined && { initTimeout }),
  });
  url = await app.listen(0, '127.0.0.1');
  if (options.scheduled !== false) await scheduler.start();

  const asTenant = (tenantId: string) => createClient(url, { [TENANT_HEADER]: tenantId }, tenantId);
  return {
    url,
    db,
    system,
    scheduler,
    sandbox,
    logged,
    metrics,
    asTenant,
    async asNewTenant() {
      const tenantId = randomUUID();
      await ensureTenant(db, tenantId, `test ${tenantId}`);
      return asTenant(tenantId);
    },
    async close() {
      stopListening();
      await scheduler.stop();
      await app.close();
      if (!options.sandbox) await sandbox.close();
      if (!options.db) await db.close();
    },
  };
}

let shared: Promise<TestServer> | undefined;

/** The server that all files of this process share. It lives as long as the process. */
export function sharedServer(): Promise<TestServer> {
  return (shared ??= startTestServer());
}

/** A client as a new tenant on the shared server. */
export async function newTenant(): Promise<TestClient> {
  return (await sharedServer()).asNewTenant();
}

export function sandboxProvider(sandbox: Sandbox, name: 'sandbox' | 'openai' = 'sandbox'): Provider {
  return createOpenAiProvider({
    name,
    description: 'The sandbox, in a test.',
    apiKey: 'sandbox',
    baseURL: sandbox.url,
  });
}

const verifiedMemory = ({ notifications }: Database) =>
  verifiedCache(createMemoryCache({ notifications, ...DEFAULT_CACHE }));

const byHeaders: Authenticate = async ({ headers, socket }) => {
  const viewer: Viewer = {
    tenantId: String(headers[TENANT_HEADER]),
    subject: String(headers[SUBJECT_HEADER] ?? 'tester'),
    role: z.enum(ROLES).parse(headers[ROLE_HEADER] ?? 'ADMIN'),
    ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
  };
  return { viewer, expiresAt: null, keyId: null };
};
