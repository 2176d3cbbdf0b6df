import {
  ExportTaintedError,
  InvalidInputError,
  NotFoundError,
  NothingToExportError,
  PersonalDataFoundError,
} from '../services/errors.ts';
import { builder } from './builder.ts';
import { ExportNode } from './export.ts';
import { ExportFormat } from './exportList.ts';
import { parseId } from './ids.ts';

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
  }),
});

builder.mutationField('exportDataset', (t) =>
  t.field({
    type: ExportNode,
    description:
      'Step 3: freezes the validated examples of a dataset into a file. A dataset that has not changed since gives the export that is there already.',
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        NothingToExportError,
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
