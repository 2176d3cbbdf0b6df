/** How many tokens examples, datasets and exports have. */
import { datasetTokens } from '../services/tokens/datasetTokens.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleNode } from './example.ts';
import { ExportNode } from './export.ts';

builder.prismaObjectField(ExampleNode, 'tokens', (t) =>
  t.exposeInt('tokens', {
    nullable: true,
    description:
      'How many tokens (o200k_base) the example has as a line of a training file, without the dataset’s system prompt; null until they are counted, within minutes for examples from before there was counting.',
  }),
);

builder.prismaObjectField(DatasetNode, 'tokens', (t) =>
  t.field({
    type: 'SafeInt',
    nullable: true,
    description:
      'How many tokens (o200k_base) an export of the validated examples would have now, system prompts included; null while some are still to be counted.',
    select: {
      systemPrompt: true,
      systemPromptTokens: true,
      uncountedCount: true,
      validatedCount: true,
      validatedTokens: true,
      ownSystemPromptCount: true,
    },
    resolve: (dataset) => toNumber(datasetTokens(dataset)),
  }),
);

builder.prismaObjectFields(ExportNode, (t) => ({
  tokens: t.field({
    type: 'SafeInt',
    nullable: true,
    description:
      'How many tokens (o200k_base) the training file has, system prompts included; null for exports from before there was counting.',
    select: { tokens: true },
    resolve: ({ tokens }) => toNumber(tokens),
  }),
  validationTokens: t.field({
    type: 'SafeInt',
    nullable: true,
    description: 'How many tokens the validation file has; null without a split.',
    select: { validationTokens: true },
    resolve: ({ validationTokens }) => toNumber(validationTokens),
  }),
}));

const toNumber = (count: bigint | null) => (count === null ? null : Number(count));
