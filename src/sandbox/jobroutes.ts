import type { FileShelf } from './files.ts';
import { ApiError, ok, page, readJson, type Call, type Reply } from './http.ts';
import type { JobLives } from './joblife.ts';
import type { Job, JobBook } from './jobs.ts';
import type { LedgerKeeper } from './ledger.ts';
import { baseModel } from './models.ts';
import { readJobParams } from './params.ts';

const OVER = new Set<Job['status']>(['succeeded', 'failed', 'cancelled']);

/** The endpoints under `/fine_tuning/jobs`. */
export interface JobRoutes {
  create: (call: Call) => Promise<Reply>;
  list: (call: Call) => Reply;
  get: (call: Call) => Reply;
  cancel: (call: Call) => Promise<Reply>;
  pause: (call: Call) => Promise<Reply>;
  resume: (call: Call) => Promise<Reply>;
  events: (call: Call) => Reply;
  checkpoints: (call: Call) => Reply;
}

export function jobRoutes(book: JobBook, lives: JobLives, files: FileShelf, ledger: LedgerKeeper): JobRoutes {
  /** The data behind a file id; the provider refuses ids it does not know in these words, without a code. */
  function dataOf(param: 'training_file' | 'validation_file', id: string): string {
    const file = files.find(id);
    if (file?.purpose !== 'fine-tune') throw new ApiError(400, `invalid ${param}: ${id}`, { param });
    return files.pathOf(id);
  }

  return {
    async create({ request }) {
      const params = readJobParams(await readJson(request));
      if (baseModel(params.model) === undefined) {
        throw new ApiError(400, `Model ${params.model} is not available for fine-tuning or does not exist.`, {
          param: 'model',
          code: 'model_not_available',
        });
      }
      const train = dataOf('training_file', params.training_file);
      const valid = params.validation_file ? dataOf('validation_file', params.validation_file) : undefined;
      const { job } = await book.create(params, { train, valid });
      ledger.made(job);
      lives.begin(job.id);
      return ok(job);
    },

    list({ query }) {
      const wanted = metadataFilter(query);
      const jobs = book.all().map((record) => record.job);
      return page(jobs.filter(wanted), query, { byDefault: 20, max: 100 });
    },

    get: ({ id }) => ok(book.get(id).job),

    async cancel({ id }) {
      refuseIfOver(book.get(id).job);
      await lives.halt(id);
      const { job, checkpoints } = await book.change(id, (record) => {
        refuseIfOver(record.job);
        const finished_at = null;
        return {
          ...record,
          job: { ...record.job, status: 'cancelled', estimated_finish: null, finished_at },
        };
      });
      ledger.cancelled(id);
      await book.tell(id, { key: 'cancelled', message: 'Fine-tuning job cancelled' });
      if (checkpoints.length === 0) await book.dropData(id);
      return ok(job);
    },

    async pause({ id }) {
      refusePause(book.get(id).job);
      await lives.halt(id);
      const { job, pauses } = await book.change(id, (record) => {
        refusePause(record.job);
        const paused: Job = { ...record.job, status: 'paused', estimated_finish: null };
        return { ...record, pauses: record.pauses + 1, job: paused };
      });
      await book.tell(id, { key: `paused ${pauses}`, message: 'Fine-tuning job paused' });
      return ok(job);
    },

    async resume({ id }) {
      const { job, pauses } = await book.change(id, (record) => {
        if (record.job.status !== 'paused') throw wrongState(record.job, 'resumed');
        return { ...record, job: { ...record.job, status: 'queued' } };
      });
      await book.tell(id, { key: `resumed ${pauses}`, message: 'Fine-tuning job resumed' });
      lives.begin(id);
      return ok(job);
    },

    events: ({ id, query }) => page(book.events(id).toReversed(), query, { byDefault: 20, max: 100 }),

    checkpoints: ({ id, query }) =>
      page(book.get(id).checkpoints.toReversed(), query, { byDefault: 10, max: 100 }),
  };
}

function refuseIfOver(job: Job): void {
  if (OVER.has(job.status)) throw new ApiError(400, `Job has already completed: ${job.id}`);
}

function refusePause(job: Job): void {
  if (job.status !== 'queued' && job.status !== 'running') throw wrongState(job, 'paused');
}

function wrongState(job: Job, done: string): ApiError {
  return new ApiError(400, `Job ${job.id} cannot be ${done} while its status is '${job.status}'.`);
}

/** `metadata[k]=v`, any number of them, all to hold; `metadata=null` for jobs that have none. */
function metadataFilter(query: URLSearchParams): (job: Job) => boolean {
  const pairs: [string, string][] = [];
  for (const [name, value] of query) {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    if (key !== undefined) pairs.push([key, value]);
  }
  // Documented as `metadata=null`; the official SDK writes a null as nothing after the sign.
  const none = query.get('metadata') === 'null' || query.get('metadata') === '';
  return ({ metadata }) =>
    none ? metadata === null : pairs.every(([key, value]) => metadata?.[key] === value);
}
