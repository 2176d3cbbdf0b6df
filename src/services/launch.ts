/** What a launch may ask for, and the checks that need no database. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { splitSchema } from './exportInput.ts';
import { isRecord } from './importFormats/types.ts';
import { storableText } from './text.ts';

const hyperparametersSchema = z.object({
  nEpochs: z.number().int().min(1).max(50).nullish(),
  batchSize: z.number().int().min(1).max(256).nullish(),
  learningRateMultiplier: z.number().positive().max(1000).nullish(),
  beta: z.number().positive().max(2).nullish(),
});

/** A dataset's own examples are always exported as chats. */
export const PAIRS_ALONE =
  'goes with preference pairs: export the dataset with format OPENAI_DPO_JSONL, and launch with that exportId in place of the datasetId';

export const launchSchema = z
  .object({
    datasetId: z.uuid().nullish(),
    exportId: z.uuid().nullish(),
    provider: z.string().nullish(),
    baseModel: z.string().min(1, 'must name a base model; `baseModels` lists them').max(200),
    hyperparameters: hyperparametersSchema.nullish(),
    split: splitSchema.nullish(),
    suffix: storableText('The suffix', 64)
      .refine((text) => /^[\w.-]+$/.test(text), 'may hold letters, digits, . _ and - only, 1 to 64 of them')
      .nullish(),
    seed: z.number().int().min(0).max(2_147_483_647).nullish(),
    requestKey: storableText('The request key', 200)
      .refine((text) => text !== '', 'must not be empty')
      .nullish(),
  })
  .refine(({ datasetId, exportId }) => (datasetId == null) !== (exportId == null), {
    path: ['datasetId'],
    message:
      'give either a datasetId, whose validated examples are exported now, or the exportId of an export made before',
  })
  .refine(({ exportId, split }) => exportId == null || split == null, {
    path: ['split'],
    message: 'goes with a datasetId; an export is split when it is made',
  })
  .refine(({ exportId, hyperparameters }) => exportId != null || hyperparameters?.beta == null, {
    path: ['hyperparameters', 'beta'],
    message: PAIRS_ALONE,
  });

export type LaunchInput = z.input<typeof launchSchema>;
export type LaunchRequest = z.output<typeof launchSchema>;

/** The same for two launches that ask for the same thing. */
export function requestHash({ requestKey: _key, ...asked }: LaunchRequest): Buffer {
  const sorted = JSON.stringify(asked, (_name, value: unknown) =>
    isRecord(value) ? sortedKeys(value) : value,
  );
  return createHash('sha256').update(sorted).digest();
}

function sortedKeys(value: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined && part !== null);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
