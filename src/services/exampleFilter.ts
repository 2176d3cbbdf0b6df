import { z } from 'zod';
import type { Prisma } from '../generated/prisma/client.ts';
import { parseInput } from './input.ts';
import { PERSONAL_DATA_KINDS, RULES_VERSION } from './personalData/kinds.ts';
import { containing, storableText } from './text.ts';

const filterSchema = z.object({
  validated: z.boolean().nullish(),
  rejected: z.boolean().nullish(),
  minQualityScore: z.number().min(0).max(1).nullish(),
  maxQualityScore: z.number().min(0).max(1).nullish(),
  source: z.enum(['CALL', 'MANUAL', 'IMPORT']).nullish(),
  search: storableText('The text', 1000).nullish(),
  findings: z.boolean().nullish(),
  findingKinds: z.array(z.enum(PERSONAL_DATA_KINDS)).nullish(),
});

/** Keeps the examples for which everything given holds; quality bounds are inclusive, and leave unrated ones out. */
export type ExampleFilter = z.input<typeof filterSchema>;

/** The filter as a condition. `root` is the argument's name, for faults. Throws InvalidInputError. */
export function exampleWhere(filter: ExampleFilter, root = 'filter'): Prisma.ExampleWhereInput {
  const { validated, rejected, minQualityScore, maxQualityScore, source, search, findings, findingKinds } =
    parseInput(filterSchema, filter, root);
  return {
    ...(validated != null && { validated }),
    ...(rejected != null && { rejected }),
    ...((minQualityScore != null || maxQualityScore != null) && {
      qualityScore: {
        ...(minQualityScore != null && { gte: minQualityScore }),
        ...(maxQualityScore != null && { lte: maxQualityScore }),
      },
    }),
    ...(source && { source }),
    ...((findings != null || findingKinds?.length) && {
      scan: {
        rules: RULES_VERSION,
        ...(findings != null && { findingCount: findings ? { gt: 0 } : 0 }),
        ...(findingKinds?.length && { kinds: { hasSome: findingKinds } }),
      },
    }),
    ...(search && { OR: [{ userMessage: containing(search) }, { assistantResponse: containing(search) }] }),
  };
}
