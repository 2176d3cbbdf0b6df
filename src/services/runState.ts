import { z } from 'zod';
import { Prisma, type RunEvent, type TrainingRun } from '../generated/prisma/client.ts';

const date = z.iso
  .datetime()
  .transform((text) => new Date(text))
  .nullable();

/** What runChange.ts keeps with an event. */
const stateSchema = z.object({
  status: z.enum([
    'PREPARING',
    'VALIDATING_FILES',
    'QUEUED',
    'RUNNING',
    'PAUSED',
    'SUCCEEDED',
    'FAILED',
    'CANCELLED',
    'NEEDS_REVIEW',
  ]),
  exportId: z.string().nullable(),
  providerJobId: z.string().nullable(),
  resultModelId: z.string().nullable(),
  trainedTokens: z.string().transform(BigInt).nullable(),
  trainingCostUsd: z
    .string()
    .transform((text) => new Prisma.Decimal(text))
    .nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  estimatedCompletionAt: date,
  startedAt: date,
  completedAt: date,
  cancelRequestedAt: date,
});

/** Of each event that is followed: all its followers are told the same, which is read once. */
const states = new WeakMap<RunEvent, TrainingRun>();

/** The run as it was right after an event that changed it; null for an event that did not. */
export function runAsOf(run: TrainingRun, event: RunEvent): TrainingRun | null {
  if (event.state === null) return null;
  const state = states.get(event) ?? { ...run, ...stateSchema.parse(event.state), lastSeq: event.seq };
  states.set(event, state);
  return state;
}
