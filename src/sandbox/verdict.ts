import type { Job, JobBook } from './jobs.ts';
import { LineFault } from './lines.ts';
import { hyperparametersOf, type Hyperparameters, type JobMethod } from './params.ts';
import type { MethodType } from './preferences.ts';
import { countFile, type FileCount } from './training.ts';

/** The provider trains on no fewer. */
const MIN_EXAMPLES = 10;

const BETA = 0.1;

/** Why a job failed, as the API shows it. */
export interface JobError {
  code: string;
  message: string;
  param: string | null;
}

/** Checks and counts a job's files; the training file's count, or why the job fails. */
export async function judge(
  book: Pick<JobBook, 'dataPath'>,
  job: Pick<Job, 'id' | 'method' | 'validation_file'>,
  signal: AbortSignal,
): Promise<{ count: FileCount } | { error: JobError }> {
  const train = await judgeFile(book.dataPath(job.id, 'train'), 'training', job.method.type, signal);
  if ('error' in train) return train;
  if (train.count.examples < MIN_EXAMPLES) {
    const message = `Training file has ${train.count.examples} example(s), but must have at least ${MIN_EXAMPLES} examples`;
    return { error: { code: 'invalid_n_examples', message, param: 'training_file' } };
  }
  if (job.validation_file === null) return train;
  const valid = await judgeFile(book.dataPath(job.id, 'valid'), 'validation', job.method.type, signal);
  return 'error' in valid ? valid : train;
}

async function judgeFile(
  path: string,
  which: 'training' | 'validation',
  method: MethodType,
  signal: AbortSignal,
): Promise<{ count: FileCount } | { error: JobError }> {
  try {
    return { count: await countFile(path, method, signal) };
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
    const message = `The job failed due to an invalid ${which} file. Invalid file format. ${error.message}`;
    return { error: { code: 'invalid_file_format', message, param: `${which}_file` } };
  }
}

/**
 * Numbers for what was left to 'auto'.
 * Epochs: OpenAI's cookbook, "Data preparation and analysis for chat model fine-tuning": 3, brought to where
 * examples × epochs lies in 100..25,000, within 1..25, by whole division.
 * Batch: about 0.2% of the examples, 1..256 (OpenAI's fine-tuning guide of 2023). Multiplier: 1, the sandbox's own.
 * Beta: 0.1, as is common; it changes nothing here.
 */
export function resolveMethod(method: JobMethod, examples: number): JobMethod {
  const hyperparameters = resolveHyperparameters(hyperparametersOf(method), examples);
  if (method.type === 'supervised') return { type: 'supervised', supervised: { hyperparameters } };
  const { beta } = method.dpo.hyperparameters;
  return {
    type: 'dpo',
    dpo: { hyperparameters: { ...hyperparameters, beta: beta === 'auto' ? BETA : beta } },
  };
}

/** As resolveMethod, of the three that every method has. */
export function resolveHyperparameters(
  asked: Hyperparameters,
  examples: number,
): { n_epochs: number; batch_size: number; learning_rate_multiplier: number } {
  let epochs = 3;
  if (examples * epochs < 100) epochs = Math.min(25, Math.floor(100 / examples));
  else if (examples * epochs > 25_000) epochs = Math.max(1, Math.floor(25_000 / examples));
  const batch = Math.min(256, Math.max(1, Math.round(examples * 0.002)));
  return {
    n_epochs: asked.n_epochs === 'auto' ? epochs : asked.n_epochs,
    batch_size: asked.batch_size === 'auto' ? batch : asked.batch_size,
    learning_rate_multiplier: asked.learning_rate_multiplier === 'auto' ? 1 : asked.learning_rate_multiplier,
  };
}
