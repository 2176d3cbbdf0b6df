/**
 * A fine-tuning job as OpenAI's API answers it. Jobs are read by the thousand, every few seconds: what a job must say
 * is checked as of every answer, and the rest, which is null when it is odd (openaiAnswers.ts), is read by hand, at a
 * tenth of the memory.
 */
import { z } from 'zod';
import { isRecord } from '../importFormats/types.ts';
import type { JobStatus, ProviderJob } from './port.ts';

/** The metadata key under which a job carries the id of its training run. */
export const RUN_ID_KEY = 'tunesmith_run_id';

/** In seconds; the last moment that a Date can hold. */
const LAST_MOMENT = 8.64e12;

const STATUSES: ReadonlyMap<string, JobStatus> = new Map([
  ['validating_files', 'VALIDATING_FILES'],
  ['queued', 'QUEUED'],
  ['running', 'RUNNING'],
  ['paused', 'PAUSED'],
  ['succeeded', 'SUCCEEDED'],
  ['failed', 'FAILED'],
  ['cancelled', 'CANCELLED'],
]);

/** Read by hand. */
const odd = z.unknown().optional();

/** A fine-tuning job. Its fields are named, each: to keep all that an answer has costs as much as all else of reading it. */
export const jobAnswer = z
  .object({
    id: z.string().min(1),
    status: z.string(),
    created_at: z.number().positive().max(LAST_MOMENT),
    finished_at: odd,
    estimated_finish: odd,
    fine_tuned_model: odd,
    trained_tokens: odd,
    error: odd,
    hyperparameters: odd,
    method: odd,
    metadata: odd,
  })
  .transform((job): ProviderJob => ({
    id: job.id,
    status: STATUSES.get(job.status) ?? 'UNKNOWN',
    rawStatus: job.status,
    createdAt: new Date(job.created_at * 1000),
    finishedAt: timeOf(job.finished_at),
    estimatedFinishAt: timeOf(job.estimated_finish),
    model: nameOf(job.fine_tuned_model),
    trainedTokens: job.trained_tokens === 0 ? 0 : countOf(job.trained_tokens),
    error: errorOf(job.error),
    hyperparameters: hyperparametersOf(job.hyperparameters, job.method),
    runId: nameOf(fieldOf(job.metadata, RUN_ID_KEY)),
  }));

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function nameOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function positiveOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < Infinity ? value : null;
}

function countOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? positiveOf(value) : null;
}

/** 0 stands for "not yet" with some imitations. */
function timeOf(value: unknown): Date | null {
  const seconds = positiveOf(value);
  return seconds === null || seconds > LAST_MOMENT ? null : new Date(seconds * 1000);
}

/** As the database can store it: without NUL characters and halves of surrogate pairs. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll('\u0000', '').toWellFormed() : '';
}

function errorOf(error: unknown): ProviderJob['error'] {
  if (error === null || error === undefined) return null;
  const [code, message] = [textOf(fieldOf(error, 'code')), textOf(fieldOf(error, 'message'))];
  if (code === '' && message === '') return null;
  return { code: code || 'unknown', message: message || `The provider gave no reason but the code ${code}.` };
}

/**
 * The deprecated place is the one that is filled in with what was made of 'auto', which says that the provider has not
 * decided yet.
 */
function hyperparametersOf(decided: unknown, method: unknown): ProviderJob['hyperparameters'] {
  const asked = fieldOf(fieldOf(method, 'supervised'), 'hyperparameters');
  const either = (name: string, read: (value: unknown) => number | null) =>
    read(fieldOf(decided, name)) ?? read(fieldOf(asked, name));
  return {
    nEpochs: either('n_epochs', countOf),
    batchSize: either('batch_size', countOf),
    learningRateMultiplier: either('learning_rate_multiplier', positiveOf),
  };
}
