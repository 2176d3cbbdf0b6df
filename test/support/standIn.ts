/** A provider in memory, for the faults that the sandbox does not have. Each function may be replaced. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { ProviderError } from '../../src/services/errors.ts';
import type {
  JobEvent,
  JobStatus,
  NewJob,
  Provider,
  ProviderFile,
  ProviderJob,
} from '../../src/services/providers/port.ts';

export interface StandIn extends Provider {
  jobs: ProviderJob[];
  files: (ProviderFile & { content: string })[];
  events: Map<string, JobEvent[]>;
  /** How often each function was called. */
  calls: Map<string, number>;
  /** Makes a job and hides nothing. */
  add(job: NewJob): ProviderJob;
  /** Changes the job made last. */
  set(patch: Partial<ProviderJob>): void;
}

export const lost = () => new ProviderError('PROVIDER_UNREACHABLE', 'The answer was lost.', true);
export const gone = () => new ProviderError('PROVIDER_NOT_FOUND', 'There is no such job.', false);

/** A stand-in whose jobs stay QUEUED until `set` moves them. */
export function standIn(
  replaced: (it: StandIn) => Partial<Provider> = () => ({}),
  name = 'sandbox',
): StandIn {
  const calls = new Map<string, number>();
  const find = (id: string) => {
    const job = it.jobs.find((one) => one.id === id);
    if (!job) throw gone();
    return job;
  };
  const it: StandIn = {
    name,
    description: 'A stand-in.',
    jobs: [],
    files: [],
    events: new Map(),
    calls,
    add(job) {
      const made: ProviderJob = {
        id: `job-${randomUUID()}`,
        status: 'QUEUED',
        rawStatus: 'queued',
        createdAt: new Date(),
        finishedAt: null,
        estimatedFinishAt: null,
        model: null,
        trainedTokens: null,
        error: null,
        hyperparameters: job.hyperparameters,
        runId: job.runId,
      };
      it.jobs.unshift(made);
      return made;
    },
    set(patch) {
      const [latest, ...older] = it.jobs;
      if (!latest) throw new Error('There is no job yet');
      it.jobs = [{ ...latest, ...patch }, ...older];
    },
    async uploadFile({ name: fileName, bytes, open }) {
      const file = { id: `file-${randomUUID()}`, name: fileName, bytes, content: await text(open()) };
      it.files.unshift(file);
      return file;
    },
    findFiles: async (wanted) => it.files.filter((file) => file.name === wanted),
    async deleteFile(id) {
      it.files = it.files.filter((file) => file.id !== id);
    },
    createJob: async (job) => it.add(job),
    findJobs: async (runId) => it.jobs.filter((job) => job.runId === runId),
    async listJobs({ after, limit }) {
      const start = after === null ? 0 : it.jobs.findIndex(({ id }) => id === after) + 1;
      return { jobs: it.jobs.slice(start, start + limit), hasMore: start + limit < it.jobs.length };
    },
    getJob: async (id) => find(id),
    async cancelJob(id) {
      const job = find(id);
      it.jobs = it.jobs.map((one) => (one === job ? { ...job, status: 'CANCELLED' as const } : one));
      return find(id);
    },
    async listEvents(jobId, after) {
      const events = it.events.get(jobId) ?? [];
      return events.slice(events.findIndex(({ id }) => id === after) + 1);
    },
    listCheckpoints: async () => [],
    chat: async ({ model }) => ({ content: 'Hello.', model, promptTokens: null, completionTokens: null }),
  };
  Object.assign(it, replaced(it));
  const counted: StandIn = new Proxy(it, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value === 'function') calls.set(String(key), (calls.get(String(key)) ?? 0) + 1);
      return value;
    },
  });
  return counted;
}

export const RAW: Record<JobStatus, string> = {
  VALIDATING_FILES: 'validating_files',
  QUEUED: 'queued',
  RUNNING: 'running',
  PAUSED: 'paused',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  UNKNOWN: 'hibernating',
};

export function message(id: string, words = id): JobEvent {
  return { id, createdAt: new Date(), level: 'INFO', message: words, kind: 'MESSAGE', metrics: null };
}

/** Something to wait at until it is opened. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
