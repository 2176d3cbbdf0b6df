import { z } from 'zod';
import type { Prisma } from '../generated/prisma/client.ts';
import { parseInput } from './input.ts';
import { storableText } from './text.ts';

const confidence = z.number().min(0).max(1).nullish();

const filterSchema = z.object({
  minConfidence: confidence,
  maxConfidence: confidence,
  direction: z.enum(['INBOUND', 'OUTBOUND']).nullish(),
  status: storableText('The status', 1000).nullish(),
  topic: storableText('The topic', 1000).nullish(),
  phoneNumber: storableText('The number', 1000).nullish(),
  from: z.date().nullish(),
  to: z.date().nullish(),
});

/** Keeps the calls for which everything given holds; confidence bounds are inclusive, and leave out calls without one. */
export type CallFilter = z.input<typeof filterSchema>;

/** The filter as a condition. Throws InvalidInputError. */
export function callWhere(filter: CallFilter): Prisma.CallTranscriptionWhereInput {
  const { minConfidence, maxConfidence, direction, status, topic, phoneNumber, from, to } = parseInput(
    filterSchema,
    filter,
    'filter',
  );
  return {
    ...((minConfidence != null || maxConfidence != null) && {
      transcriptConfidence: {
        ...(minConfidence != null && { gte: minConfidence }),
        ...(maxConfidence != null && { lte: maxConfidence }),
      },
    }),
    ...((from || to) && { createdAt: { ...(from && { gte: from }), ...(to && { lt: to }) } }),
    ...(direction && { direction }),
    ...(status != null && { status }),
    ...(topic != null && { topic }),
    ...(phoneNumber != null && { phoneNumber }),
  };
}
