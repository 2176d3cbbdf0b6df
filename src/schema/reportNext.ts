/** What a report advises to do next. */
import type { NextStep } from '../services/reportAdvice.ts';
import { builder } from './builder.ts';
import { operationFor } from './reportOperations.ts';

export const NextStepType = builder
  .objectRef<NextStep & { datasetId: string; exportId: string | null }>('NextStep')
  .implement({
    description: 'Something that makes sense to do now.',
    fields: (t) => ({
      code: t.field({
        type: builder.enumType('NextStepCode', {
          description: 'What can be done next with a dataset.',
          values: {
            COLLECT_EXAMPLES: { description: 'There are too few examples: collect some from calls.' },
            FIND_DUPLICATES: {
              description: 'Near-duplicates were not looked for, or not since examples changed.',
            },
            KEEP_BEST_OF_DUPLICATES: {
              description: 'Near-duplicates were found: keep the best of each group.',
            },
            REVIEW_EXAMPLES: { description: 'Examples are neither validated nor rejected: judge them.' },
            SET_PERSONAL_DATA_POLICY: {
              description: 'Examples hold personal data, and the policy lets it into exports.',
            },
            EXPORT_DATASET: { description: 'What is validated is not in an export yet: export it.' },
            LAUNCH_TRAINING_RUN: { description: 'The newest export has not been trained on: launch a run.' },
          } as const,
        }),
        description: 'What to do, as a word that programs can rely on.',
        resolve: ({ code }) => code,
      }),
      message: t.exposeString('message', { description: 'What to do and why, in a sentence for people.' }),
      operation: t.string({
        description: 'The operation to send for it, with the ids filled in.',
        resolve: async ({ code, ...ids }, _args, { services: { baseModels, providers } }) => {
          const baseModel = await baseModels.firstTrainable(providers.default.name);
          return operationFor(code, { ...ids, baseModel: baseModel?.name ?? null });
        },
      }),
    }),
  });
