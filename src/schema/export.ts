import { blocksOfLines } from '../services/exportBlocks.ts';
import { reportOf } from '../services/exportPersonalData.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleNode } from './example.ts';
import { ExportFormat, exportListArgs, exportOrder, exportWhere } from './exportList.ts';
import { ownRow, parseId, parseOptionalId } from './ids.ts';
import { PersonalDataPolicy, PersonalDataReportType } from './personalDataTypes.ts';
import { numberedPage, numbersOf, orCursorRow, rowPage, withoutCursor } from './page.ts';

const ExportPart = builder.enumType('ExportPart', {
  description: 'Which of an export’s files.',
  values: {
    TRAINING: { description: 'What the model learns.' },
    VALIDATION: { description: 'What it is measured on while it learns, and does not learn.' },
  } as const,
});

export const SplitGroup = builder.enumType('SplitGroup', {
  description: 'What a split never tears apart.',
  values: {
    CALL: { description: 'The examples of one call.' },
    PHONE_NUMBER: {
      description: 'The examples of all calls with one number; of calls without a number those of one call.',
    },
  } as const,
});

const SplitType = builder.objectRef<{
  validationShare: number;
  seed: number;
  groupBy: 'CALL' | 'PHONE_NUMBER';
}>('Split');
SplitType.implement({
  description: 'How examples were divided between the training and the validation file.',
  fields: (t) => ({
    validationShare: t.exposeFloat('validationShare', {
      description:
        'Which share of the examples was to go into the validation file, more than 0 and up to 0.5.',
    }),
    seed: t.exposeInt('seed', { description: 'Which of the possible splits was made, 0 to 2147483647.' }),
    groupBy: t.expose('groupBy', { type: SplitGroup, description: 'What was kept together.' }),
  }),
});

export const ExportExampleType = builder.prismaObject('ExportExample', {
  fields: (t) => ({
    part: t.expose('part', { type: ExportPart }),
    line: t.int({
      description: 'The line in that file, counted from 1; of a CSV the record after the header.',
      select: { line: true, part: true, export: { select: { exampleCount: true } } },
      resolve: ({ line, part, export: { exampleCount } }) =>
        part === 'TRAINING' ? line : line - exampleCount,
    }),
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
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    dataset: t.relation('dataset', { type: DatasetNode, description: 'The dataset that was exported.' }),
    format: t.expose('format', { type: ExportFormat }),
    systemPrompt: t.exposeString('systemPrompt', { nullable: true }),
    personalDataPolicy: t.expose('personalDataPolicy', { type: PersonalDataPolicy }),
    personalDataReport: t.field({
      type: PersonalDataReportType,
      nullable: true,
      description:
        'What was found and done when the files were written; under ALLOW, what was known of the examples by then. null for what earlier versions exported under ALLOW. It is no promise that the files tell of nobody: rules miss some.',
      select: { personalDataReport: true },
      resolve: ({ personalDataReport }) => reportOf(personalDataReport),
    }),
    exampleCount: t.exposeInt('exampleCount'),
    bytes: t.field({
      type: 'SafeInt',
      description: 'The training file’s size in bytes.',
      select: { bytes: true },
      resolve: ({ bytes }) => Number(bytes ?? 0),
    }),
    sha256: t.string({
      description: 'SHA-256 of the training file, 64 hexadecimal digits.',
      select: { sha256: true },
      resolve: ({ sha256 }) => sha256 ?? '',
    }),
    split: t.field({
      type: SplitType,
      nullable: true,
      description:
        'How the examples were divided between the two files; null when all are in the training file.',
      select: { validationShare: true, splitSeed: true, splitGroup: true },
      resolve: ({ validationShare, splitSeed, splitGroup }) =>
        validationShare === null || splitSeed === null || splitGroup === null
          ? null
          : { validationShare, seed: splitSeed, groupBy: splitGroup },
    }),
    validationExampleCount: t.exposeInt('validationExampleCount'),
    validationBytes: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'The validation file’s size in bytes; null without a split.',
      select: { validationBytes: true },
      resolve: ({ validationBytes }) => (validationBytes === null ? null : Number(validationBytes)),
    }),
    validationSha256: t.exposeString('validationSha256', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    downloadUrl: t.string({
      description:
        'Where the training file can be downloaded by whoever has this link, for 15 minutes. Ask again for a new one.',
      select: { id: true, tenantId: true },
      resolve: ({ id, tenantId }, _args, { services }) =>
        services.downloadLinks.sign(tenantId, id, 'TRAINING'),
    }),
    validationDownloadUrl: t.string({
      nullable: true,
      description: 'The same for the validation file; null without a split.',
      select: { id: true, tenantId: true, validationSha256: true },
      resolve: ({ id, tenantId, validationSha256 }, _args, { services }) =>
        validationSha256 === null ? null : services.downloadLinks.sign(tenantId, id, 'VALIDATION'),
    }),
    examples: t.prismaConnection({
      type: ExportExampleType,
      cursor: 'exportId_line',
      maxSize: numberedPage,
      description:
        'Which wording of which example is which line: those of the training file in its order, then those of the validation file.',
      totalCount: ({ exampleCount, validationExampleCount }) => exampleCount + validationExampleCount,
      resolve: (page, { id, tenantId, exampleCount, validationExampleCount }, args, { db }) => {
        const line = numbersOf(args);
        const firstLine = blocksOfPage(line, exampleCount + validationExampleCount, page.take);
        return db.exportExample.findMany({
          ...withoutCursor(page),
          where: { exportId: id, tenantId, firstLine, line },
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
    description: 'Your exports, of one dataset or of all, the newest first unless ordered otherwise.',
    args: {
      datasetId: t.arg.id({ description: 'Only exports of this dataset.' }),
      ...exportListArgs(t),
    },
    totalCount: (_connection, { datasetId, filter }, { db, viewer }) =>
      db.export.count({
        where: { tenantId: viewer.tenantId, ...ofDataset(datasetId), ...exportWhere(filter) },
      }),
    resolve: (query, _root, { datasetId, filter, orderBy: order, ...page }, { db, viewer }) =>
      db.export.findMany({
        ...query,
        where: {
          tenantId: viewer.tenantId,
          ...orCursorRow({ ...ofDataset(datasetId), ...exportWhere(filter) }, page),
        },
        orderBy: exportOrder(order),
      }),
  }),
}));

/** Lines have no gaps, so it is known which are on a page: `take` of them from the beginning, or from the end if negative. */
function blocksOfPage({ gt = 0, lt }: { gt?: number; lt?: number }, lines: number, take: number) {
  const end = lt ?? lines + 1;
  return take < 0
    ? blocksOfLines(Math.max(gt + 1, end + take), end - 1)
    : blocksOfLines(gt + 1, Math.min(gt + take, end - 1));
}

function ofDataset(globalId: string | null | undefined) {
  const datasetId = parseOptionalId('Dataset', globalId, 'datasetId');
  return datasetId === null ? {} : { datasetId };
}
