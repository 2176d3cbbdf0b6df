/**
 * What Prometheus reads. No label holds what a client or a tenant chose: routes, operation types, jobs, providers and
 * codes are few and known. docs/operating.md tells what each metric means, and a test keeps the two equal.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type OperationType = 'query' | 'mutation' | 'subscription' | 'unknown';
export type Outcome = 'ok' | 'error';

/** What is looked up when somebody asks. */
export interface Watched {
  /** The jobs by name, with when each last ended; null before it first did. */
  jobs: () => ReadonlyMap<string, Date | null>;
  /** What all tenants' training comes to; rejects when the database does not answer. */
  training: () => Promise<TrainingFigures>;
}

export interface TrainingFigures {
  runs: { status: string; count: number }[];
  /** Over all runs that there ever were. */
  trained: { provider: string; tokens: number; costUsd: number }[];
}

export interface Metrics {
  requestEnded(request: { route: string; method: string; status: number; seconds: number | null }): void;
  operationEnded(type: OperationType, outcome: Outcome, seconds: number): void;
  /** An answer was told that had been kept. */
  answerFound(): void;
  /** An answer was worked out that could be kept. */
  answerMade(): void;
  socketOpened(): void;
  socketClosed(): void;
  /** Returns what to call when it is over. */
  subscriptionStarted(): () => void;
  providerAnswered(call: { provider: string; operation: string; outcome: string; seconds: number }): void;
  jobEnded(job: string, outcome: Outcome): void;
  /** A fault of ours, which was given an id. */
  faultLogged(): void;
  watch(watched: Watched): void;
  /** In Prometheus' text format. */
  render(): Promise<{ contentType: string; text: string }>;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
/** Methods as labels; whatever else a client makes up is one more. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);

/** Of the process as a whole: event loop, memory, CPU, garbage collection. Begun once, however many servers there are. */
let processRegistry: Registry | undefined;

function ofProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

export function createMetrics(now: () => number = Date.now): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const started = now();
  let watched: Watched | undefined;

  const requests = new Counter({
    name: 'tunesmith_http_requests_total',
    help: 'HTTP requests answered, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const latency = new Histogram({
    name: 'tunesmith_http_request_duration_seconds',
    help: 'How long HTTP requests took until their answer was sent; event streams are left out.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  const operations = new Counter({
    name: 'tunesmith_graphql_operations_total',
    help: 'GraphQL operations over all transports, by type and outcome (ok, error).',
    labelNames: ['type', 'outcome'],
    registers,
  });
  const operationTime = new Histogram({
    name: 'tunesmith_graphql_operation_duration_seconds',
    help: 'How long GraphQL operations took to execute; of subscriptions, to begin.',
    labelNames: ['type'],
    buckets: SECONDS,
    registers,
  });
  const lookUps = new Counter({
    name: 'tunesmith_response_cache_lookups_total',
    help: 'Queries over HTTP whose answers can be kept, by outcome: hit, or miss where the answer had to be worked out.',
    labelNames: ['outcome'],
    registers,
  });
  const sockets = new Gauge({
    name: 'tunesmith_websockets',
    help: 'WebSockets that are open.',
    registers,
  });
  const subscriptions = new Gauge({
    name: 'tunesmith_subscriptions',
    help: 'Subscriptions that are being followed, over WebSocket and event stream.',
    registers,
  });
  const faults = new Counter({
    name: 'tunesmith_faults_total',
    help: 'Unexpected errors, each logged under an id that the client was told.',
    registers,
  });
  const providerCalls = new Counter({
    name: 'tunesmith_provider_calls_total',
    help: 'Calls to providers, by operation and outcome: ok, or the code of the failure.',
    labelNames: ['provider', 'operation', 'outcome'],
    registers,
  });
  const providerTime = new Histogram({
    name: 'tunesmith_provider_call_duration_seconds',
    help: 'How long calls to providers took.',
    labelNames: ['provider', 'operation'],
    buckets: SECONDS,
    registers,
  });
  const jobRuns = new Counter({
    name: 'tunesmith_job_runs_total',
    help: 'Runs of the scheduled jobs that ended, by outcome (ok, error).',
    labelNames: ['job', 'outcome'],
    registers,
  });
  const jobAge = new Gauge({
    name: 'tunesmith_job_last_tick_age_seconds',
    help: 'How long ago each scheduled job last ended; since the start, where it has not yet.',
    labelNames: ['job'],
    registers,
    collect() {
      for (const [job, ended] of watched?.jobs() ?? [])
        this.set({ job }, (now() - (ended?.getTime() ?? started)) / 1000);
    },
  });
  const up = new Gauge({
    name: 'tunesmith_database_up',
    help: '1 when the database answered the last look, else 0.',
    registers,
  });
  const runs = new Gauge({
    name: 'tunesmith_training_runs',
    help: 'Training runs of all tenants, by status.',
    labelNames: ['status'],
    registers,
  });
  const tokens = new Gauge({
    name: 'tunesmith_trained_tokens',
    help: 'Tokens trained on by all runs there ever were, as the providers counted them.',
    labelNames: ['provider'],
    registers,
  });
  const cost = new Gauge({
    name: 'tunesmith_training_cost_usd',
    help: 'What all runs there ever were cost, in US dollars.',
    labelNames: ['provider'],
    registers,
  });

  async function look(): Promise<void> {
    if (watched === undefined) return;
    for (const figure of [runs, tokens, cost]) figure.reset();
    try {
      const found = await watched.training();
      for (const { status, count } of found.runs) runs.set({ status }, count);
      for (const one of found.trained) {
        tokens.set({ provider: one.provider }, one.tokens);
        cost.set({ provider: one.provider }, one.costUsd);
      }
      up.set(1);
    } catch {
      up.set(0); // Who reads the metrics is to learn it from them; the rest is told all the same.
    }
  }

  return {
    requestEnded({ route, method, status, seconds }) {
      requests.inc({ route, method: METHODS.has(method) ? method : 'other', status });
      if (seconds !== null) latency.observe({ route }, seconds);
    },
    answerFound: () => lookUps.inc({ outcome: 'hit' }),
    answerMade: () => lookUps.inc({ outcome: 'miss' }),
    operationEnded(type, outcome, seconds) {
      operations.inc({ type, outcome });
      operationTime.observe({ type }, seconds);
    },
    socketOpened: () => sockets.inc(),
    socketClosed: () => sockets.dec(),
    subscriptionStarted: () => counted(subscriptions),
    providerAnswered({ provider, operation, outcome, seconds }) {
      providerCalls.inc({ provider, operation, outcome });
      providerTime.observe({ provider, operation }, seconds);
    },
    jobEnded: (job, outcome) => jobRuns.inc({ job, outcome }),
    faultLogged: () => faults.inc(),
    watch(what) {
      watched = what;
      jobAge.reset();
    },
    async render() {
      await look();
      const parts = await Promise.all([registry.metrics(), ofProcess().metrics()]);
      return { contentType: registry.contentType, text: parts.join('\n') };
    },
  };
}

function counted(gauge: Gauge): () => void {
  gauge.inc();
  let open = true;
  return () => {
    if (open) gauge.dec();
    open = false;
  };
}
