import type { Dataset } from '../generated/prisma/client.ts';
import { datasetWhere } from '../services/datasetFilter.ts';
import { batched } from './batch.ts';
import { builder } from './builder.ts';
import { exampleListArgs, exampleOrder, exampleWhereOf } from './exampleList.ts';
import { exportListArgs, exportOrder, exportWhere } from './exportList.ts';
import { ownRow, parseId } from './ids.ts';
import { OrderDirection, orderBy } from './order.ts';
import { PersonalDataCountsType, PersonalDataPolicy } from './personalDataTypes.ts';
import { orCursorRow, rowPage } from './page.ts';
import { courseOf } from './untilGone.ts';

const personalDataCounts = batched(({ services, viewer }, ids) =>
  services.exampleScans.countsOf(viewer, ids),
);

export const DatasetNode = builder.prismaNode('Dataset', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name'),
    description: t.exposeString('description', { nullable: true }),
    systemPrompt: t.exposeString('systemPrompt', { nullable: true }),
    exampleCount: t.exposeInt('exampleCount'),
    validatedCount: t.exposeInt('validatedCount'),
    rejectedCount: t.exposeInt('rejectedCount'),
    minReviews: t.exposeInt('minReviews'),
    personalDataPolicy: t.expose('personalDataPolicy', { type: PersonalDataPolicy }),
    personalData: t.field({
      type: PersonalDataCountsType,
      description: 'How many examples were searched for personal data, and what was found in them.',
      select: { id: true },
      resolve: async ({ id }, _args, context) =>
        (await personalDataCounts(context, id)) ?? {
          scanned: 0,
          unscanned: 0,
          examplesWithFindings: 0,
          byKind: [],
        },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    examples: t.relatedConnection('examples', {
      cursor: 'id',
      maxSize: rowPage,
      totalCount: true,
      description: 'The examples of the dataset, in the order of adding unless ordered otherwise.',
      args: exampleListArgs(t),
      query: ({ filter, orderBy: order, ...page }) => ({
        where: orCursorRow(exampleWhereOf(filter), page),
        orderBy: exampleOrder(order),
      }),
    }),
    exports: t.relatedConnection('exports', {
      cursor: 'id',
      maxSize: rowPage,
      totalCount: true,
      description: 'The exports of the dataset, the newest first unless ordered otherwise.',
      args: exportListArgs(t),
      query: ({ filter, orderBy: order, ...page }) => ({
        where: orCursorRow(exportWhere(filter), page),
        orderBy: exportOrder(order),
      }),
    }),
    trainingRuns: t.relatedConnection('trainingRuns', {
      cursor: 'id',
      maxSize: rowPage,
      totalCount: true,
      description: 'The training runs on the dataset, the newest first.',
      query: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] },
    }),
  }),
});

const DatasetFilter = builder.inputType('DatasetFilter', {
  description: 'Keeps the datasets for which everything given holds.',
  fields: (t) => ({
    name: t.string({ description: 'Only the dataset of exactly this name.' }),
    search: t.string({
      description: 'Only datasets whose name or description contains this text, in any case.',
    }),
  }),
});

const DatasetOrder = builder.inputType('DatasetOrder', {
  description: 'The order of a list of datasets.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('DatasetOrderField', {
        description: 'What datasets can be ordered by.',
        values: {
          CREATED_AT: { value: 'createdAt', description: 'When the dataset was created.' },
          UPDATED_AT: { value: 'updatedAt', description: 'When the dataset last changed.' },
          NAME: { value: 'name', description: 'What the dataset is called, in alphabetical order.' },
          EXAMPLE_COUNT: { value: 'exampleCount', description: 'How many examples it holds.' },
        } as const,
      }),
    }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'desc',
      description: 'Which end comes first.',
    }),
  }),
});

builder.queryFields((t) => ({
  dataset: t.prismaField({
    type: DatasetNode,
    nullable: true,
    description: 'One dataset; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the dataset.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.dataset.findFirst({ ...query, where: { id: parseId('Dataset', id), tenantId: viewer.tenantId } }),
  }),
  datasets: t.prismaConnection({
    type: DatasetNode,
    cursor: 'id',
    maxSize: rowPage,
    description: 'Your datasets, the newest first unless ordered otherwise.',
    args: {
      filter: t.arg({ type: DatasetFilter, description: 'Which datasets; all without it.' }),
      orderBy: t.arg({ type: DatasetOrder, description: 'In which order.' }),
    },
    totalCount: (_connection, { filter }, { db, viewer }) =>
      db.dataset.count({ where: { tenantId: viewer.tenantId, ...datasetWhere(filter ?? {}) } }),
    resolve: (query, _root, { filter, orderBy: order, ...page }, { db, viewer }) =>
      db.dataset.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...orCursorRow(datasetWhere(filter ?? {}), page) },
        orderBy: orderBy(order, { field: 'createdAt', direction: 'desc' }),
      }),
  }),
}));

builder.subscriptionField('datasetUpdated', (t) =>
  t.field({
    type: DatasetNode,
    description:
      'The dataset as it is now, and again after every change, such as the progress of a collection. Ends when it is deleted.',
    args: { id: t.arg.id({ required: true, description: 'The id of the dataset.' }) },
    subscribe: (_root, { id }, { services, viewer }) =>
      courseOf<Dataset>(
        (signal, told) => services.changeFeed.followDataset(viewer, parseId('Dataset', id), signal, told),
        (dataset) => dataset,
      ),
    resolve: (dataset) => dataset,
  }),
);
