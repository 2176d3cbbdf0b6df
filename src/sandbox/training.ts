import { readLines, type Line } from './lines.ts';
import { NgramModel, type Score } from './ngram.ts';
import { readTrainingLine, type MethodType } from './preferences.ts';
import { slices } from './slices.ts';
import { answerIds, turnCue, turnsOf } from './turns.ts';

/** Steps a job reports; steps between two reports are reported together. */
const MAX_REPORTS = 100;
/** Answers are learned in runs of this many tokens, between which the event loop may turn. */
const RUN = 2_000;
/** Work bounds. Beyond them a regular sample is taken, so that 100,000 examples train in well under a minute. */
const MAX_LEARNED_TOKENS = 1_000_000;
const MAX_SCORED_TOKENS = 5_000;
const MAX_VALIDATION_TOKENS = 20_000;
const VALIDATION_SAMPLE_TOKENS = 1_000;

/** What a file holds, counted line by line. */
export interface FileCount {
  examples: number;
  /** Tokens of all lines, each capped at 65,536: what one epoch is billed as. */
  tokens: number;
}

/** Metrics as the provider names them; losses in nats a token, accuracies 0..1. */
export interface Metrics {
  step: number;
  train_loss: number;
  train_mean_token_accuracy: number;
  valid_loss?: number;
  valid_mean_token_accuracy?: number;
  full_valid_loss?: number;
  full_valid_mean_token_accuracy?: number;
}

/** What training tells: a step's metrics, and with `epochEnd` that a checkpoint is due. */
export interface Report {
  metrics: Metrics;
  epochEnd: boolean;
}

export interface Fit {
  method: MethodType;
  trainPath: string;
  validPath: string | undefined;
  count: FileCount;
  epochs: number;
  batchSize: number;
  multiplier: number;
  /** Says where the regular sample of a large file begins; smaller files are learned whole. */
  seed: number;
}

/** Checks every line of a file as the provider does and counts. Throws LineFault at the first bad line. */
export async function countFile(path: string, method: MethodType, signal: AbortSignal): Promise<FileCount> {
  const breathe = slices(signal);
  const count = { examples: 0, tokens: 0 };
  for await (const line of readLines(path)) {
    count.examples += 1;
    count.tokens += readTrainingLine(line, method).tokens;
    await breathe();
  }
  return count;
}

/** The steps of a job and which of them are reported. */
export interface Plan {
  steps: number;
  /** Steps of one epoch; its last batch may be smaller. */
  perEpoch: number;
  /** How many steps are reported: at most about 100, evenly spread, every epoch's end among them. */
  reports: number;
  reported(step: number): boolean;
}

export function planOf({ count, epochs, batchSize }: Pick<Fit, 'count' | 'epochs' | 'batchSize'>): Plan {
  const perEpoch = Math.ceil(count.examples / batchSize);
  const every = Math.ceil((perEpoch * epochs) / (MAX_REPORTS - epochs));
  const reported = (step: number) => step % every === 0 || step % perEpoch === 0;
  let reports = 0;
  for (let step = 1; step <= perEpoch * epochs; step += 1) if (reported(step)) reports += 1;
  return { steps: perEpoch * epochs, perEpoch, reports, reported };
}

/**
 * Fits an n-gram model to the answers of a file, step by step, and reports what it measured: the loss and accuracy
 * on the answers of each batch before the model learned them. Deterministic, so that a job begun anew reports
 * the same again. Bounds: an epoch learns at most about 1,000,000 tokens' worth of lines (every k-th line of a larger
 * file); a report scores at most 5,000 tokens of the batches it stands for; of the validation file the first
 * 20,000 answer tokens count, all of them at an epoch's end and a rolling 1,000 at other reports.
 */
export async function* fit(options: Fit, signal: AbortSignal): AsyncGenerator<Report> {
  const model = new NgramModel(options.multiplier);
  const validation = await readValidation(model, options);
  const breathe = slices(signal);
  const plan = planOf(options);
  const stride = Math.ceil(options.count.tokens / MAX_LEARNED_TOKENS);

  let step = 0;
  let sum: Score = { nll: 0, hits: 0, tokens: 0 };
  let last = { train_loss: 0, train_mean_token_accuracy: 0 };
  let reports = 0;
  let batch: Answer[] = [];

  async function takeStep(): Promise<Report | undefined> {
    step += 1;
    for (const answer of batch) {
      for (let at = 0; at < answer.ids.length && sum.tokens < MAX_SCORED_TOKENS; at += RUN) {
        add(sum, model.score(answer.cue, answer.ids, at, Math.min(at + RUN, answer.ids.length)));
        await breathe();
      }
    }
    for (const answer of batch) {
      for (let at = 0; at < answer.ids.length; at += RUN) {
        model.learn(answer.cue, answer.ids, at, Math.min(at + RUN, answer.ids.length));
        await breathe();
      }
    }
    batch = [];
    if (!plan.reported(step)) return undefined;
    // Lines left out of a sample may leave a report without a token: it then repeats what was last measured.
    if (sum.tokens > 0) last = { train_loss: loss(sum), train_mean_token_accuracy: accuracy(sum) };
    sum = { nll: 0, hits: 0, tokens: 0 };
    const epochEnd = step % plan.perEpoch === 0;
    const validated = await validate(model, validation, reports, epochEnd, breathe);
    reports += 1;
    return { metrics: { step, ...last, ...validated }, epochEnd };
  }

  for (let epoch = 0; epoch < options.epochs; epoch += 1) {
    for await (const line of readLines(options.trainPath)) {
      if ((line.number + options.seed) % stride === 0) batch.push(...answersOf(model, line, options.method));
      const batchFull = line.number % options.batchSize === 0 || line.number === options.count.examples;
      const report = batchFull ? await takeStep() : undefined;
      if (report !== undefined) yield report;
      await breathe();
    }
  }
}

interface Answer {
  cue: number;
  ids: number[];
}

function answersOf(model: NgramModel, line: Line, method: MethodType): Answer[] {
  const { learned } = readTrainingLine(line, method);
  return turnsOf(learned).map((turn) => ({ cue: turnCue(turn), ids: answerIds(model, learned, turn) }));
}

async function readValidation(
  model: NgramModel,
  { validPath: path, method }: Pick<Fit, 'validPath' | 'method'>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  if (path === undefined) return answers;
  let tokens = 0;
  for await (const line of readLines(path)) {
    for (const answer of answersOf(model, line, method)) {
      answers.push(answer);
      tokens += answer.ids.length;
      if (tokens >= MAX_VALIDATION_TOKENS) return answers;
    }
  }
  return answers;
}

async function validate(
  model: NgramModel,
  answers: readonly Answer[],
  report: number,
  whole: boolean,
  breathe: () => Promise<void>,
): Promise<Partial<Metrics>> {
  if (answers.length === 0) return {};
  const sample: Score = { nll: 0, hits: 0, tokens: 0 };
  const full: Score = { nll: 0, hits: 0, tokens: 0 };
  const start = (report * 7) % answers.length;
  for (let offset = 0; offset < answers.length; offset += 1) {
    if (!whole && sample.tokens >= VALIDATION_SAMPLE_TOKENS) break;
    const answer = answers[(start + offset) % answers.length];
    if (answer === undefined) break;
    const score = model.score(answer.cue, answer.ids);
    if (sample.tokens < VALIDATION_SAMPLE_TOKENS) add(sample, score);
    add(full, score);
    await breathe();
  }
  const metrics = { valid_loss: loss(sample), valid_mean_token_accuracy: accuracy(sample) };
  if (!whole) return metrics;
  return { ...metrics, full_valid_loss: loss(full), full_valid_mean_token_accuracy: accuracy(full) };
}

function add(sum: Score, score: Score): void {
  sum.nll += score.nll;
  sum.hits += score.hits;
  sum.tokens += score.tokens;
}

function loss(score: Score): number {
  return round(score.nll / score.tokens);
}

function accuracy(score: Score): number {
  return round(score.hits / score.tokens);
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
