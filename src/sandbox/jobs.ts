import { z } from 'zod';
import { ApiError } from './http.ts';
import { newId, randomTail } from './ids.ts';
import {
  hyperparametersOf,
  hyperparametersShown,
  jobMethod,
  methodOf,
  type JobMethod,
  type JobParams,
} from './params.ts';
import type { Store } from './store.ts';

const job = z.object({
  object: z.literal('fine_tuning.job'),
  id: z.string(),
  model: z.string(),
  created_at: z.number(),
  finished_at: z.number().nullable(),
  fine_tuned_model: z.string().nullable(),
  organization_id: z.string(),
  result_files: z.array(z.string()),
  status: z.enum(['validating_files', 'queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled']),
  validation_file: z.string().nullable(),
  training_file: z.string(),
  /** Of supervised jobs alone; deprecated. */
  hyperparameters: hyperparametersShown.nullable(),
  trained_tokens: z.number().nullable(),
  // The real API shows {} rather than null while nothing failed.
  error: z.union([
    z.object({ code: z.string(), message: z.string(), param: z.string().nullable() }),
    z.strictObject({}),
  ]),
  user_provided_suffix: z.string().nullable(),
  seed: z.number(),
  estimated_finish: z.number().nullable(),
  integrations: z.array(z.looseObject({})),
  metadata: z.record(z.string(), z.string()).nullable(),
  method: jobMethod,
});

const checkpoint = z.object({
  object: z.literal('fine_tuning.job.checkpoint'),
  id: z.string(),
  created_at: z.number(),
  fine_tuned_model_checkpoint: z.string(),
  fine_tuning_job_id: z.string(),
  step_number: z.number(),
  metrics: z.record(z.string(), z.number()),
});

const jobRecord = z.object({
  /** Rises with every job: creation times in whole seconds do not order them. */
  order: z.number(),
  /** The last part of the names of its models, drawn when the job is made, so that a restart changes none. */
  tag: z.string(),
  /** The id its result file will have, for the same reason. */
  resultFile: z.string(),
  pauses: z.number(),
  /** Counted on validation; null before. */
  count: z.object({ examples: z.number(), tokens: z.number() }).nullable(),
  checkpoints: z.array(checkpoint),
  deletedModels: z.array(z.string()),
  job,
});

const storedEvent = z.object({
  /** Names what is told, so that a job that begins anew tells nothing twice. */
  key: z.string(),
  event: z.object({
    object: z.literal('fine_tuning.job.event'),
    id: z.string(),
    created_at: z.number(),
    level: z.enum(['info', 'warn', 'error']),
    message: z.string(),
    type: z.enum(['message', 'metrics']),
    data: z.record(z.string(), z.number()),
  }),
});

/** A job as the API shows it; times are Unix seconds. */
export type Job = z.infer<typeof job>;
export type JobRecord = z.infer<typeof jobRecord>;
export type JobEvent = z.infer<typeof storedEvent>['event'];

/** What an event says; the book adds id and time. */
export interface Told {
  key: string;
  message: string;
  level?: 'info' | 'error';
  metrics?: Record<string, number>;
}

/**
 * All jobs, on disk before anybody hears of a change: the file is written first, memory follows. Changes to one job
 * go one after the other.
 */
export interface JobBook {
  /** Keeps the files' data under the job's name, tells the first events, and saves the job. */
  create(params: JobParams, data: { train: string; valid: string | undefined }): Promise<JobRecord>;
  /** Throws the provider's 404. */
  get(id: string): JobRecord;
  /** Newest first. */
  all(): JobRecord[];
  /** Replaces a job by what `next` makes of it. A throw in `next` changes nothing. */
  change(id: string, next: (record: JobRecord) => JobRecord): Promise<JobRecord>;
  /** Adds an event, unless its key was told before; an aborted signal throws instead. */
  tell(id: string, told: Told, signal?: AbortSignal): Promise<void>;
  /** Whether an event of this key was told. */
  wasTold(id: string, key: string): boolean;
  /** Oldest first. */
  events(id: string): JobEvent[];
  /** Where the job's own copy of its data is; it outlives the uploaded file. */
  dataPath(id: string, which: 'train' | 'valid'): string;
  dropData(id: string): Promise<void>;
}

/** Opens the book on what the store holds. Events and data of jobs that were never accepted are cleared away. */
export async function openJobs(store: Store, now: () => number): Promise<JobBook> {
  const records = new Map<string, JobRecord>();
  const told = new Map<string, { keys: Set<string>; events: JobEvent[] }>();
  const queues = new Map<string, Promise<unknown>>();

  for (const value of await store.readAllJson('jobs')) {
    const record = jobRecord.parse(value);
    records.set(record.job.id, record);
    const lines = (await store.readLog('jobs', `${record.job.id}.events`)).map((line) =>
      storedEvent.parse(line),
    );
    told.set(record.job.id, {
      keys: new Set(lines.map((line) => line.key)),
      events: lines.map((line) => line.event),
    });
  }
  await store.sweep('jobs', (name) => !name.endsWith('.tmp') && records.has(name.split('.', 1)[0] ?? ''));
  let lastOrder = Math.max(0, ...[...records.values()].map((record) => record.order));

  const seconds = () => Math.floor(now() / 1000);
  const dataPath = (id: string, which: 'train' | 'valid') => store.path('jobs', `${id}.${which}`);

  function get(id: string): JobRecord {
    const record = records.get(id);
    if (record !== undefined) return record;
    throw new ApiError(404, `Could not find fine tune: ${id}`, {
      param: 'fine_tune_id',
      code: 'fine_tune_not_found',
    });
  }

  async function save(record: JobRecord): Promise<JobRecord> {
    await store.writeJson('jobs', `${record.job.id}.json`, record);
    records.set(record.job.id, record);
    return record;
  }

  function inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    const turn = (queues.get(id) ?? Promise.resolve()).then(act);
    queues.set(
      id,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async function tell(id: string, { key, message, level, metrics }: Told): Promise<void> {
    const log = told.get(id) ?? { keys: new Set<string>(), events: [] };
    if (log.keys.has(key)) return;
    const event: JobEvent = {
      object: 'fine_tuning.job.event',
      id: newId('ftevent-'),
      created_at: seconds(),
      level: level ?? 'info',
      message,
      type: metrics === undefined ? 'message' : 'metrics',
      data: metrics ?? {},
    };
    await store.append('jobs', `${id}.events`, { key, event });
    log.keys.add(key);
    log.events.push(event);
    told.set(id, log);
  }

  return {
    get,
    dataPath,
    all: () => [...records.values()].toSorted((a, b) => b.order - a.order),
    async create(params, data) {
      lastOrder += 1;
      const record = newRecord(params, lastOrder, seconds());
      const { id } = record.job;
      await store.keep(data.train, dataPath(id, 'train'));
      if (data.valid !== undefined) await store.keep(data.valid, dataPath(id, 'valid'));
      await tell(id, { key: 'created', message: `Created fine-tuning job: ${id}` });
      const validation = params.validation_file ? ` and validation file: ${params.validation_file}` : '';
      const message = `Validating training file: ${params.training_file}${validation}`;
      await tell(id, { key: 'validating', message });
      return save(record);
    },
    change: (id, next) => inTurn(id, async () => save(next(get(id)))),
    tell: (id, what, signal) =>
      inTurn(id, async () => {
        signal?.throwIfAborted();
        await tell(id, what);
      }),
    wasTold: (id, key) => told.get(id)?.keys.has(key) ?? false,
    events: (id) => told.get(get(id).job.id)?.events ?? [],
    async dropData(id) {
      await store.remove('jobs', `${id}.train`);
      await store.remove('jobs', `${id}.valid`);
    },
  };
}

function newRecord(params: JobParams, order: number, created_at: number): JobRecord {
  return {
    order,
    tag: randomTail(8),
    resultFile: newId('file-'),
    pauses: 0,
    count: null,
    checkpoints: [],
    deletedModels: [],
    job: {
      object: 'fine_tuning.job',
      id: newId('ftjob-'),
      model: params.model,
      created_at,
      finished_at: null,
      fine_tuned_model: null,
      organization_id: 'org-sandbox',
      result_files: [],
      status: 'validating_files',
      validation_file: params.validation_file ?? null,
      training_file: params.training_file,
      trained_tokens: null,
      error: {},
      user_provided_suffix: params.suffix ?? null,
      seed: params.seed ?? Math.floor(Math.random() * 2_147_483_648),
      estimated_finish: null,
      integrations: params.integrations ?? [],
      metadata: params.metadata ?? null,
      ...showing(methodOf(params)),
    },
  };
}

/** A job's method, and its hyperparameters where the API shows them a second time. */
export function showing(method: JobMethod): Pick<Job, 'method' | 'hyperparameters'> {
  return { method, hyperparameters: method.type === 'supervised' ? hyperparametersOf(method) : null };
}
