/** What the database keeps as JSON, back in its shape. What is not in it was written by something else: an error. */
import { z } from 'zod';
import type { Turn } from './turns.ts';

const turnsSchema = z.array(
  z.object({
    speaker: z.enum(['caller', 'agent']),
    text: z.string(),
    startMs: z.number().exactOptional(),
    confidence: z.number().exactOptional(),
  }),
);

const messagesSchema = z.array(
  z.object({
    role: z.enum(['system', 'user', 'assistant', 'tool']),
    content: z.string().nullish(),
    name: z.string().nullish(),
    weight: z.number().nullish(),
    tool_calls: z
      .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
      .nullish(),
    tool_call_id: z.string().nullish(),
  }),
);

const measured = z.number().nullish().default(null);
const metricsSchema = z.object({
  step: measured,
  totalSteps: measured,
  trainLoss: measured,
  trainAccuracy: measured,
  validLoss: measured,
  validAccuracy: measured,
});

const warningsSchema = z.array(z.object({ code: z.string(), message: z.string() }));

export type StoredMessage = z.output<typeof messagesSchema>[number];
export type StoredToolCall = NonNullable<StoredMessage['tool_calls']>[number];
export type StoredMetrics = z.output<typeof metricsSchema>;
export type StoredWarning = z.output<typeof warningsSchema>[number];

export function turnsOf(json: unknown): Turn[] {
  return turnsSchema.parse(json);
}

export function messagesOf(json: unknown): StoredMessage[] {
  return messagesSchema.parse(json);
}

export function metricsOf(json: unknown): StoredMetrics {
  return metricsSchema.parse(json);
}

export function warningsOf(json: unknown): StoredWarning[] {
  return warningsSchema.parse(json);
}
