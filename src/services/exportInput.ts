/** What an export may ask for. */
import { z } from 'zod';
import type { ExportFormat, SplitGroup } from '../generated/prisma/client.ts';

export const splitSchema = z.object({
  validationShare: z
    .number()
    .gt(0, 'must be more than 0 and at most 0.5')
    .max(0.5, 'must be more than 0 and at most 0.5')
    .nullish()
    .transform((share) => share ?? 0.1),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .nullish()
    .transform((seed) => seed ?? 0),
  groupBy: z
    .enum(['CALL', 'PHONE_NUMBER'])
    .nullish()
    .transform((groupBy) => groupBy ?? 'CALL'),
});

/** A part of the examples set aside, to measure on what was not learned. What is left out gets its default. */
export type SplitInput = z.input<typeof splitSchema>;

export interface Split {
  /** More than 0, up to 0.5. */
  validationShare: number;
  /** Which of the possible splits is made. */
  seed: number;
  /** What is kept together. */
  groupBy: SplitGroup;
}

export interface ExportDatasetInput {
  datasetId: string;
  format: ExportFormat;
  /** Without it everything goes into the training file. */
  split?: SplitInput | null | undefined;
}

export interface ExportRequest {
  datasetId: string;
  format: ExportFormat;
  split: Split | null;
}
