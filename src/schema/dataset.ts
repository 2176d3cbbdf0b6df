import type { Collection } from '../services/collect.ts';
import { DatasetInUseError, DatasetNameTakenError, InvalidInputError, NotFoundError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { CallDirection } from './callTranscription.ts';
import { exampleListArgs, exampleOrder, exampleWhereOf } from './exampleList.ts';
import { parseId } from './ids.ts';
import { OrderDirection, orderBy } from './order.ts';
import { untilGone } from './untilGone.ts';

export const DatasetNode = builder.prismaNode('Dataset', {
  id: { field: 'id' },
  fields: (t) => ({
    name: t.exposeString('name'),
    description: t.exposeString('description', { nullable: true }),
    systemPrompt: t.exposeString('systemPrompt', { nullable: true }),
    exampleCount: t.exposeInt('exampleCount'),
    validatedCount: t.exposeInt('validatedCount'),
    rejectedCount: t.exposeInt('rejectedCount'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    examples: t.relatedConnection('examples', {
      cursor: 'id',
      totalCount: true,
      description: 'The examples of the dataset, in the order of adding unless ordered otherwise.',
      args: exampleListArgs(t),
      query: ({ filter, orderBy: order }) => ({ where: exampleWhereOf(filter), orderBy: exampleOrder(order) }),
    }),
    exports: t.relatedConnection('exports', {
      cursor: 'id',
      totalCount: true,
      description: 'The exports of the dataset, the newest first.',
      query: { where: { state: 'READY' }, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] },
    }),
    trainingRuns: t.relatedConnection('trainingRuns', {
      cursor: 'id',
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
    search: t.string({ description: 'Only datasets whose name or description contains this text, in any case.' }),
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
          NAME: { value: 'name', description: 'The name.' },
          EXAMPLE_COUNT: { value: 'exampleCount', description: 'How many examples it holds.' },
        } as const,
      }),
    }),
    direction: t.field({ type: OrderDirection, required: true, defaultValue: 'desc', description: 'Which end comes first.' }),
  }),
});

function datasetWhere(filter: typeof DatasetFilter.$inferInput | null | undefined) {
  return {
    ...(filter?.name != null && { name: filter.name }),
    ...(filter?.search && {
      OR: [
        { name: { contains: filter.search, mode: 'insensitive' as const } },
        { description: { contains: filter.search, mode: 'insensitive' as const } },
      ],
    }),
  };
}

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
    description: 'Your datasets, the newest first unless ordered otherwise.',
    args: {
      filter: t.arg({ type: DatasetFilter, description: 'Which datasets; all without it.' }),
      orderBy: t.arg({ type: DatasetOrder, description: 'In which order.' }),
    },
    totalCount: (_connection, { filter }, { db, viewer }) =>
      db.dataset.count({ where: { tenantId: viewer.tenantId, ...datasetWhere(filter) } }),
    resolve: (query, _root, { filter, orderBy: order }, { db, viewer }) =>
      db.dataset.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...datasetWhere(filter) },
        orderBy: orderBy(order, { field: 'createdAt', direction: 'desc' }),
      }),
  }),
}));

const CreateDatasetInput = builder.inputType('CreateDatasetInput', {
  description: 'A dataset to create.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it, 1 to 200 characters; no two of your datasets have the same name.' }),
    description: t.string({ description: 'What it is for; at most 10,000 characters.' }),
    systemPrompt: t.string({ description: 'The instruction that every exported example begins with; at most 100,000 characters.' }),
  }),
});

const UpdateDatasetInput = builder.inputType('UpdateDatasetInput', {
  description: 'What to change about a dataset: what is left out stays, null or an empty text clears.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the dataset.' }),
    name: t.string({ description: 'The new name, 1 to 200 characters.' }),
    description: t.string({ description: 'What it is for; at most 10,000 characters.' }),
    systemPrompt: t.string({ description: 'The instruction that every exported example begins with; at most 100,000 characters. Exports made before keep theirs.' }),
  }),
});

const CollectStrategy = builder.enumType('CollectStrategy', {
  description: 'How a call becomes examples.',
  values: {
    PAIR: { description: 'Each thing the caller said, directly followed by an answer, is one example.' },
    CONVERSATION: { description: 'The whole call, from the caller’s first to the agent’s last words, is one example.' },
  } as const,
});

const CollectExamplesInput = builder.inputType('CollectExamplesInput', {
  description: 'Which calls to take examples from, and how.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset that the examples are added to.' }),
    minConfidence: t.float({ required: true, defaultValue: 0.8, description: 'Only calls whose transcriber was at least this sure, 0 to 1.' }),
    maxExamples: t.int({ required: true, defaultValue: 100, description: 'Add at most this many examples, 1 to 1,000,000; those that are there already do not count.' }),
    minMessageLength: t.int({ required: true, defaultValue: 20, description: 'Both messages of a pair must be longer than this many characters.' }),
    strategy: t.field({ type: CollectStrategy, required: true, defaultValue: 'PAIR', description: 'How a call becomes examples.' }),
    autoValidate: t.boolean({ required: true, defaultValue: true, description: 'Whether the examples count as validated by this rule, without a review.' }),
    from: t.field({ type: 'DateTime', description: 'Only calls that began at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Only calls that began before this time.' }),
    direction: t.field({ type: CallDirection, description: 'Only calls of this direction.' }),
    topic: t.string({ description: 'Only calls about exactly this topic.' }),
  }),
});

const SkipReason = builder.enumType('SkipReason', {
  description: 'Why something was not collected.',
  values: {
    NOT_COMPLETED: { description: 'Calls that did not end as `completed`.' },
    NO_CONFIDENCE: { description: 'Completed calls without a confidence.' },
    LOW_CONFIDENCE: { description: 'Completed calls below `minConfidence`.' },
    ONE_SIDED: { description: 'Calls in which only one side, or nobody, is known to have spoken.' },
    TOO_SHORT: { description: 'Examples (not calls) with a message that is not longer than `minMessageLength`.' },
  } as const,
});

const Skipped = builder.objectRef<Collection['skipped'][number]>('CollectExamplesSkipped').implement({
  description: 'How much was left out for one reason.',
  fields: (t) => ({
    reason: t.field({ type: SkipReason, description: 'The reason. A call is counted under its first.', resolve: ({ reason }) => reason }),
    count: t.exposeInt('count', { description: 'How many calls; for TOO_SHORT, how many examples.' }),
  }),
});

const CollectExamplesPayload = builder.objectRef<Collection>('CollectExamplesPayload').implement({
  description: 'What a collection found.',
  fields: (t) => ({
    dataset: t.field({ type: DatasetNode, description: 'The dataset, with its counts after the collection.', resolve: ({ dataset }) => dataset }),
    added: t.exposeInt('added', { description: 'How many examples were added.' }),
    alreadyThere: t.exposeInt('alreadyThere', { description: 'How many were not, because the dataset holds the same messages, or the collection had added them before.' }),
    considered: t.exposeInt('considered', { description: 'How many calls counted: completed, sure enough, with both sides, and read before `maxExamples` was reached.' }),
    skipped: t.field({ type: [Skipped], description: 'What was left out, by reason.', resolve: ({ skipped }) => skipped }),
  }),
});

builder.mutationFields((t) => ({
  createDataset: t.field({
    type: DatasetNode,
    description: 'Step 1: creates an empty dataset.',
    errors: { types: [InvalidInputError, DatasetNameTakenError] },
    args: { input: t.arg({ type: CreateDatasetInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, { services, viewer }) => services.datasets.create(viewer, input),
  }),
  updateDataset: t.field({
    type: DatasetNode,
    description: 'Changes a dataset’s name, description or system prompt.',
    errors: { types: [InvalidInputError, NotFoundError, DatasetNameTakenError] },
    args: { input: t.arg({ type: UpdateDatasetInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input: { id, name, ...rest } }, { services, viewer }) =>
      services.datasets.update(viewer, parseId('Dataset', id, 'input.id'), { name: name ?? undefined, ...rest }),
  }),
  deleteDataset: t.field({
    type: DatasetNode,
    description: 'Deletes a dataset and its examples for good, as long as nothing was exported or trained from it.',
    errors: { types: [InvalidInputError, NotFoundError, DatasetInUseError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the dataset.' }) },
    resolve: (_root, { id }, { services, viewer }) => services.datasets.remove(viewer, parseId('Dataset', id)),
  }),
  collectExamples: t.field({
    type: CollectExamplesPayload,
    description:
      'Step 2: adds examples from your calls, the surest first. Messages that the dataset holds already are not added again. Each batch counts at once: a collection that is stopped keeps what it has, and the same one again goes on.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: CollectExamplesInput, required: true, description: 'Which calls, and how.' }) },
    resolve: (_root, { input }, { services, viewer }) =>
      services.collect.collect(viewer, { ...input, datasetId: parseId('Dataset', input.datasetId, 'input.datasetId') }),
  }),
}));

builder.subscriptionField('datasetUpdated', (t) =>
  t.field({
    type: DatasetNode,
    description: 'The dataset as it is now, and again after every change, such as the progress of a collection.',
    args: { id: t.arg.id({ required: true, description: 'The id of the dataset.' }) },
    subscribe: (_root, { id }, { services, viewer }) =>
      untilGone((signal) => services.changeFeed.followDataset(viewer, parseId('Dataset', id), signal)),
    resolve: (dataset) => dataset,
  }),
);
