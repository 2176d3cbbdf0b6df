import {
  ExportTaintedError,
  InvalidInputError,
  NotFoundError,
  NothingToExportError,
} from '../services/errors.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleNode } from './example.ts';
import { parseId, parseOptionalId } from './ids.ts';
import { numberedPage, numberedRange, rowPage } from './page.ts';

export const ExportFormat = builder.enumType('ExportFormat', {
  description: 'How an export is written.',
  values: {
    OPENAI_CHAT_JSONL: {
      description:
        'A JSON object a line, as OpenAI, Azure, Together, Fireworks and the open trainers read it.',
    },
  } as const,
});

export const ExportExampleType = builder.prismaObject('ExportExample', {
  fields: (t) => ({
    line: t.exposeInt('line'),
    exampleRevision: t.exposeInt('exampleRevision'),
    example: t.relation('example', {
      type: ExampleNode,
      nullable: true,
      description:
        'The example as it is now; `exampleRevision` tells whether that is what was exported. null once it was erased.',
    }),
  }),
});

export const ExportNode = builder.prismaNode('Export', {
  id: { field: 'id' },
  nullable: true,
  fields: (t) => ({
    dataset: t.relation('dataset', { type: DatasetNode, description: 'The dataset that was exported.' }),
    format: t.expose('format', { type: ExportFormat }),
    systemPrompt: t.exposeString('systemPrompt', { nullable: true }),
    exampleCount: t.exposeInt('exampleCount'),
    bytes: t.field({
      type: 'SafeInt',
      description: 'The file’s size in bytes.',
      select: { bytes: true },
      resolve: ({ bytes }) => Number(bytes ?? 0),
    }),
    sha256: t.string({
      description: 'SHA-256 of the file, 64 hexadecimal digits.',
      select: { sha256: true },
      resolve: ({ sha256 }) => sha256 ?? '',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    downloadUrl: t.string({
      description:
        'Where the file can be downloaded by whoever has this link, for 15 minutes. Ask again for a new one.',
      select: { id: true, tenantId: true },
      resolve: ({ id, tenantId }, _args, { services }) => services.downloadLinks.sign(tenantId, id),
    }),
    examples: t.prismaConnection({
      type: ExportExampleType,
      cursor: 'exportId_line',
      maxSize: numberedPage,
      description: 'Which wording of which example is which line, in the order of the file.',
      totalCount: ({ exampleCount }) => exampleCount,
      resolve: (page, { id, tenantId }, args, { db }) => {
        const { query, range } = numberedRange(page, args);
        return db.exportExample.findMany({
          ...query,
          where: { exportId: id, tenantId, line: range },
          orderBy: { line: 'asc' },
        });
      },
    }),
    trainingRuns: t.relatedConnection('trainingRuns', {
      cursor: 'id',
      maxSize: rowPage,
      totalCount: true,
      description: 'The training runs on this export, the newest first.',
      query: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] },
    }),
  }),
});

builder.queryFields((t) => ({
  export: t.prismaField({
    type: ExportNode,
    nullable: true,
    description: 'One export; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the export.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.export.findFirst({
        ...query,
        where: { id: parseId('Export', id), tenantId: viewer.tenantId, state: 'READY' },
      }),
  }),
  exports: t.prismaConnection({
    type: ExportNode,
    cursor: 'id',
    maxSize: rowPage,
    description: 'Your exports, of one dataset or of all, the newest first.',
    args: { datasetId: t.arg.id({ description: 'Only exports of this dataset.' }) },
    totalCount: (_connection, { datasetId }, { db, viewer }) =>
      db.export.count({ where: { tenantId: viewer.tenantId, state: 'READY', ...ofDataset(datasetId) } }),
    resolve: (query, _root, { datasetId }, { db, viewer }) =>
      db.export.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, state: 'READY', ...ofDataset(datasetId) },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }),
  }),
}));

function ofDataset(globalId: string | null | undefined) {
  const datasetId = parseOptionalId('Dataset', globalId, 'datasetId');
  return datasetId === null ? {} : { datasetId };
}

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
    errors: { types: [InvalidInputError, NotFoundError, NothingToExportError, ExportTaintedError] },
    args: { input: t.arg({ type: ExportDatasetInput, required: true, description: 'What to export.' }) },
    resolve: (_root, { input: { datasetId, format } }, { services, viewer }) =>
      services.exports.exportDataset(viewer, {
        datasetId: parseId('Dataset', datasetId, 'input.datasetId'),
        format,
      }),
  }),
);
