import { setImmediate, setTimeout } from 'node:timers/promises';
import type { FileShelf } from './files.ts';
import { newId } from './ids.ts';
import { showing, type JobBook, type JobRecord } from './jobs.ts';
import { hyperparametersOf } from './params.ts';
import { fit, planOf, type Metrics, type Report } from './training.ts';
import { judge, resolveHyperparameters, resolveMethod, type JobError } from './verdict.ts';

/** How long the stages last at speed 1, in milliseconds, computing apart: a demo to be watched. */
const VALIDATING_MS = 500;
const QUEUED_MS = 500;
const RUNNING_MS = 5_000;

const MAX_CHECKPOINTS = 3;

/** The jobs at work. Whatever a job has told and saved stays when its work is halted. */
export interface JobLives {
  /** Takes a job's work up where its status says it stands. */
  begin(id: string): void;
  /** Stops a job's work and waits until it has stopped; its status stays. */
  halt(id: string): Promise<void>;
  close(): Promise<void>;
}

/** `speed` divides every wait; Infinity leaves none. */
export function openLives(book: JobBook, files: FileShelf, now: () => number, speed: number): JobLives {
  const running = new Map<string, { stop: AbortController; ended: Promise<void> }>();

  /** A timer that an abort clears; below a millisecond no timer at all. */
  async function wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms / speed >= 1) await setTimeout(ms / speed, undefined, { signal });
    else await setImmediate(undefined, { signal });
  }

  async function live(id: string, signal: AbortSignal): Promise<void> {
    const stands = () => book.get(id).job.status;
    if (stands() === 'validating_files') await validate(id, signal);
    if (stands() === 'queued') await start(id, signal);
    if (stands() === 'running') await train(id, signal);
  }

  async function validate(id: string, signal: AbortSignal): Promise<void> {
    await wait(VALIDATING_MS, signal);
    const { job } = book.get(id);
    const verdict = await judge(book, job, signal);
    if ('error' in verdict) {
      await fail(id, verdict.error, signal);
      return;
    }
    await book.tell(id, { key: 'validated', message: 'Files validated, moving job to queued state' }, signal);
    const resolved = resolveMethod(job.method, verdict.count.examples);
    await move(id, signal, (record) => ({
      ...record,
      count: verdict.count,
      job: {
        ...record.job,
        status: 'queued',
        ...showing(resolved),
      },
    }));
  }

  async function start(id: string, signal: AbortSignal): Promise<void> {
    await wait(QUEUED_MS, signal);
    await book.tell(id, { key: 'started', message: 'Fine-tuning job started' }, signal);
    const estimated_finish = Math.ceil((now() + RUNNING_MS / speed) / 1000);
    await move(id, signal, (record) => ({
      ...record,
      job: { ...record.job, status: 'running', estimated_finish },
    }));
  }

  /** Trains from the first step, also when work was interrupted: what was told before passes without a wait. */
  async function train(id: string, signal: AbortSignal): Promise<void> {
    const { job, count } = book.get(id);
    if (count === null) throw new Error(`Job ${id} runs without having been validated.`);
    const { n_epochs, batch_size, learning_rate_multiplier } = resolveHyperparameters(
      hyperparametersOf(job.method),
      count.examples,
    );
    const options = {
      method: job.method.type,
      trainPath: book.dataPath(id, 'train'),
      validPath: job.validation_file === null ? undefined : book.dataPath(id, 'valid'),
      count,
      epochs: n_epochs,
      batchSize: batch_size,
      multiplier: learning_rate_multiplier,
      seed: job.seed,
    };
    const plan = planOf(options);
    for await (const report of fit(options, signal)) {
      const { step } = report.metrics;
      const key = `step ${step}`;
      if (!book.wasTold(id, key)) await wait(RUNNING_MS / plan.reports, signal);
      const metrics = { ...report.metrics, total_steps: plan.steps };
      await book.tell(id, { key, message: stepMessage(report.metrics, plan.steps), metrics }, signal);
      const lastOnes = step > plan.steps - MAX_CHECKPOINTS * plan.perEpoch;
      if (report.epochEnd && lastOnes) await checkpoint(id, report, signal);
    }
    await finish(id, count.tokens * n_epochs, signal);
  }

  async function checkpoint(id: string, { metrics }: Report, signal: AbortSignal): Promise<void> {
    const { step } = metrics;
    await move(id, signal, (record) => {
      if (record.checkpoints.some((made) => made.step_number === step)) return record;
      const made = {
        object: 'fine_tuning.job.checkpoint' as const,
        id: newId('ftckpt_'),
        created_at: Math.floor(now() / 1000),
        fine_tuned_model_checkpoint: `${modelName(record)}:ckpt-step-${step}`,
        fine_tuning_job_id: id,
        step_number: step,
        metrics: { ...metrics },
      };
      return { ...record, checkpoints: [...record.checkpoints, made] };
    });
    await book.tell(id, { key: `checkpoint ${step}`, message: `Checkpoint created at step ${step}` }, signal);
  }

  async function finish(id: string, trained_tokens: number, signal: AbortSignal): Promise<void> {
    const record = book.get(id);
    const csv = resultCsv(book.events(id).flatMap((event) => (event.type === 'metrics' ? [event.data] : [])));
    await files.put(record.resultFile, 'step_metrics.csv', Buffer.from(csv).toString('base64'));
    await book.tell(id, { key: 'model', message: 'New fine-tuned model created' }, signal);
    await book.tell(id, { key: 'succeeded', message: 'The job has successfully completed' }, signal);
    await move(id, signal, (latest) => ({
      ...latest,
      job: {
        ...latest.job,
        status: 'succeeded',
        fine_tuned_model: modelName(latest),
        finished_at: Math.floor(now() / 1000),
        estimated_finish: null,
        result_files: [latest.resultFile],
        trained_tokens,
      },
    }));
  }

  /** A failed job keeps `finished_at` null, as captures of the real API show. */
  async function fail(id: string, error: JobError, signal: AbortSignal): Promise<void> {
    await book.tell(id, { key: 'failed', level: 'error', message: error.message }, signal);
    await move(id, signal, (record) => ({
      ...record,
      job: { ...record.job, status: 'failed', error, estimated_finish: null },
    }));
    await book.dropData(id);
  }

  /** Changes the job unless its work was halted meanwhile. */
  async function move(
    id: string,
    signal: AbortSignal,
    next: (record: JobRecord) => JobRecord,
  ): Promise<void> {
    await book.change(id, (record) => {
      signal.throwIfAborted();
      return next(record);
    });
  }

  async function guarded(id: string, signal: AbortSignal): Promise<void> {
    try {
      await live(id, signal);
    } catch (error) {
      if (signal.aborted) return;
      const message = `The job failed due to an internal error. ${error instanceof Error ? error.message : ''}`;
      await fail(id, { code: 'server_error', message, param: null }, signal).catch(() => undefined);
    }
  }

  return {
    begin(id) {
      const stop = new AbortController();
      const ended = guarded(id, stop.signal).finally(() => {
        if (running.get(id)?.stop === stop) running.delete(id);
      });
      running.set(id, { stop, ended });
    },
    async halt(id) {
      const work = running.get(id);
      work?.stop.abort();
      await work?.ended;
    },
    async close() {
      for (const { stop } of running.values()) stop.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

/** `ft:<base>:sandbox:<suffix or nothing>:<8 characters>`. Signs in a suffix that would read as parts become dashes. */
export function modelName({ job, tag }: JobRecord): string {
  const suffix = (job.user_provided_suffix ?? '').replace(/[^A-Za-z0-9._-]/g, '-');
  return `ft:${job.model}:sandbox:${suffix}:${tag}`;
}

function stepMessage(metrics: Metrics, steps: number): string {
  const told = [`training loss=${metrics.train_loss.toFixed(2)}`];
  if (metrics.valid_loss !== undefined) told.push(`validation loss=${metrics.valid_loss.toFixed(2)}`);
  if (metrics.full_valid_loss !== undefined)
    told.push(`full validation loss=${metrics.full_valid_loss.toFixed(2)}`);
  return `Step ${metrics.step}/${steps}: ${told.join(', ')}`;
}

const CSV_COLUMNS = [
  'step',
  'train_loss',
  'train_mean_token_accuracy',
  'valid_loss',
  'valid_mean_token_accuracy',
];

function resultCsv(rows: readonly Record<string, number>[]): string {
  const lines = rows.map((row) => CSV_COLUMNS.map((column) => String(row[column] ?? '')).join(','));
  return [CSV_COLUMNS.join(','), ...lines, ''].join('\n');
}
