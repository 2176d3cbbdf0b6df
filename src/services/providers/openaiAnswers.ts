/**
 * What OpenAI's API answers, read into the port's words. Its own documents, its SDK's types and what it really sends
 * differ (an `error` of `{}` while nothing failed, statuses its enum lacks, two spellings of one metric), and others
 * imitate it more or less well; so only what we cannot do without is required, and the rest is null when it is odd.
 */
import { z } from 'zod';
import type { ChatAnswer, JobCheckpoint, JobEvent, JobMetrics, ProviderFile } from './port.ts';

/** A field that may be missing, null or not as documented: then it is null. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema
    .nullish()
    .transform((value) => value ?? null)
    .catch(null);

/** A text as the database can store it: without NUL characters and halves of surrogate pairs. */
const text = z.string().transform((value) => value.replaceAll('\u0000', '').toWellFormed());
const id = z.string().min(1);
/** Unix seconds, up to the last moment a Date can hold; 0 stands for "not yet" with some imitations. */
const time = z
  .number()
  .positive()
  .max(8.64e12)
  .transform((seconds) => new Date(seconds * 1000));
const count = z.number().int().nonnegative();

const loss = optional(z.number());
const accuracy = optional(z.number().min(0).max(1));

const metrics = z.object({
  step: optional(count),
  total_steps: optional(count),
  train_loss: loss,
  train_mean_token_accuracy: accuracy,
  train_accuracy: accuracy,
  valid_loss: loss,
  valid_mean_token_accuracy: accuracy,
  validation_mean_token_accuracy: accuracy,
  valid_accuracy: accuracy,
  full_valid_loss: loss,
  full_valid_mean_token_accuracy: accuracy,
});

/**
 * During training validation is measured on one batch, now and then also on the whole file. A curve wants the former
 * throughout; checkpoints are compared by the latter. Either stands in for the other where only one is there.
 */
function readMetrics(data: z.output<typeof metrics>, validation: 'batch' | 'whole'): JobMetrics {
  const batch = {
    loss: data.valid_loss,
    accuracy: data.valid_mean_token_accuracy ?? data.validation_mean_token_accuracy ?? data.valid_accuracy,
  };
  const whole = { loss: data.full_valid_loss, accuracy: data.full_valid_mean_token_accuracy };
  const [first, second] = validation === 'batch' ? [batch, whole] : [whole, batch];
  return {
    step: data.step,
    totalSteps: data.total_steps,
    trainLoss: data.train_loss,
    trainAccuracy: data.train_mean_token_accuracy ?? data.train_accuracy,
    validLoss: first.loss ?? second.loss,
    validAccuracy: first.accuracy ?? second.accuracy,
  };
}

const LEVELS: ReadonlyMap<string | null, JobEvent['level']> = new Map([
  ['warn', 'WARN'],
  ['warning', 'WARN'],
  ['error', 'ERROR'],
]);

/** What happened to a job. Types that we do not know are messages. */
export const eventAnswer = z
  .object({
    id,
    created_at: time,
    level: optional(z.string()),
    message: optional(text),
    type: optional(z.string()),
    data: z.unknown().optional(),
  })
  .transform((event): JobEvent => {
    const measured = event.type === 'metrics' ? metrics.safeParse(event.data).data : undefined;
    return {
      id: event.id,
      createdAt: event.created_at,
      level: LEVELS.get(event.level) ?? 'INFO',
      message: event.message ?? '',
      kind: measured ? 'METRICS' : 'MESSAGE',
      metrics: measured ? readMetrics(measured, 'batch') : null,
    };
  });

const NO_METRICS = metrics.parse({});

/** A usable state from the middle of a training. */
export const checkpointAnswer = z
  .object({
    id,
    created_at: time,
    fine_tuned_model_checkpoint: z.string().min(1),
    step_number: count,
    metrics: optional(metrics),
  })
  .transform((checkpoint): JobCheckpoint => ({
    id: checkpoint.id,
    createdAt: checkpoint.created_at,
    model: checkpoint.fine_tuned_model_checkpoint,
    step: checkpoint.step_number,
    metrics: { ...readMetrics(checkpoint.metrics ?? NO_METRICS, 'whole'), step: checkpoint.step_number },
  }));

/** A file that the provider holds; `purpose` and `createdAt` serve to pick the right one of several. */
export const fileAnswer = z
  .object({
    id,
    filename: z.string(),
    bytes: count,
    purpose: optional(z.string()),
    created_at: optional(time),
  })
  .transform((file): ProviderFile & { purpose: string | null; createdAt: Date | null } => ({
    id: file.id,
    name: file.filename,
    bytes: file.bytes,
    purpose: file.purpose,
    createdAt: file.created_at,
  }));

/** A model's answer in a chat. An answer of tool calls alone has an empty content. */
export const chatAnswer = z
  .object({
    model: z.string(),
    choices: z
      .array(z.object({ message: z.object({ content: optional(text), refusal: optional(text) }) }))
      .min(1),
    usage: optional(z.object({ prompt_tokens: optional(count), completion_tokens: optional(count) })),
  })
  .transform(({ model, choices, usage }): ChatAnswer => ({
    content: choices[0]?.message.content ?? choices[0]?.message.refusal ?? '',
    model,
    promptTokens: usage?.prompt_tokens ?? null,
    completionTokens: usage?.completion_tokens ?? null,
  }));

/** One page of a list. `data` is required: an answer without it is no empty list, but not a list at all. */
export function listAnswer<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), has_more: optional(z.boolean()) });
}

export type ListAnswer<Item> = z.ZodType<{ data: Item[]; has_more: boolean | null }>;
