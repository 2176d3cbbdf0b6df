import {
  ExportTaintedError,
  FormatCannotHoldError,
  InvalidInputError,
  NotFoundError,
  NothingToExportError,
  NothingToPairError,
  SplitImpossibleError,
  PersonalDataFoundError,
} from '../services/errors.ts';
import { builder } from './builder.ts';
import { ExportNode, SplitGroup } from './export.ts';
import { ExportFormat } from './exportList.ts';
import { parseId } from './ids.ts';

export const SplitInput = builder.inputType('SplitInput', {
  description:
    'Sets a part of the examples aside, to measure on what the model did not learn. No group, no two examples of the same words and no near-duplicates are torn apart.',
  fields: (t) => ({
    validationShare: t.float({
      defaultValue: 0.1,
      description: 'Which share of the examples shall go into the validation file: more than 0, at most 0.5.',
    }),
    seed: t.int({
      defaultValue: 0,
      description:
        'Which of the possible splits to make, 0 to 2147483647. The same seed makes the same split.',
    }),
    groupBy: t.field({
      type: SplitGroup,
      defaultValue: 'CALL',
      description: 'What to keep together on one side.',
    }),
  }),
});

const ExportDatasetInput = builder.inputType('ExportDatasetInput', {
  description: 'What to export, and how.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset whose validated examples are exported.' }),
    format: t.field({
      type: ExportFormat,
      required: true,
      defaultValue: 'OPENAI_CHAT_JSONL',
      description: 'How the file is written.',
    }),
    split: t.field({
      type: SplitInput,
      description:
        'Writes a validation file beside the training file; without it everything is for training.',
    }),
  }),
});

builder.mutationField('exportDataset', (t) =>
  t.field({
    type: ExportNode,
    authScopes: { role: 'EDITOR' },
    description:
      'Step 3: freezes the validated examples of a dataset into a file. A dataset that has not changed since gives the export that is there already.',
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        NothingToExportError,
        NothingToPairError,
        SplitImpossibleError,
        FormatCannotHoldError,
        ExportTaintedError,
        PersonalDataFoundError,
      ],
    },
    args: { input: t.arg({ type: ExportDatasetInput, required: true, description: 'What to export.' }) },
    resolve: (_root, { input: { datasetId, ...input } }, { services, viewer }) =>
      services.exports.exportDataset(viewer, {
        ...input,
        datasetId: parseId('Dataset', datasetId, 'input.datasetId'),
      }),
  }),
);
