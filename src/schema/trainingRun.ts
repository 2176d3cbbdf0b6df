import type { Prisma, TrainingRun } from '../generated/prisma/client.ts';
import { parseInput } from '../services/input.ts';
import { warningsOf, type StoredWarning } from '../services/storedJson.ts';
import { storableText } from '../services/text.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExportNode } from './export.ts';
import { ownRow, parseId, parseOptionalId } from './ids.ts';
import { OrderDirection, orderBy } from './order.ts';
import { numberedPage, numbersOf, orCursorRow, rowPage, withoutCursor, type PageArgs } from './page.ts';
import { comesWith, looksAt, numberOf } from './plan/fieldFacts.ts';
import { RunEventType, RunMetricType, metricsFrom } from './runEvent.ts';

export const TrainingRunStatus = builder.enumType('TrainingRunStatus', {
  description: 'Where a training run stands.',
  values: {
    PREPARING: { description: 'Accepted; examples are exported and uploaded.' },
    VALIDATING_FILES: { description: 'The provider checks the file.' },
    QUEUED: { description: 'The provider will train when there is room.' },
    RUNNING: { description: 'The model is being trained.' },
    PAUSED: { description: 'Someone paused the job at the provider.' },
    SUCCEEDED: { description: 'Final: there is a tuned model.' },
    FAILED: { description: 'Final: `errorCode` and `errorMessage` say why.' },
    CANCELLED: { description: 'Final: someone cancelled it.' },
    NEEDS_REVIEW: {
      description: 'It cannot be settled whether the provider has the job; a person has to look.',
    },
  } as const,
});

const Hyperparameters = builder.objectRef<TrainingRun>('Hyperparameters').implement({
  description:
    'How the model is trained. null is left to the provider; what it made of that is filled in when it says.',
  fields: (t) => ({
    nEpochs: t.exposeInt('nEpochs', {
      nullable: true,
      description: 'How often the whole file is learned, 1 to 50.',
    }),
    batchSize: t.exposeInt('batchSize', {
      nullable: true,
      description: 'How many examples make one training step, 1 to 256.',
    }),
    learningRateMultiplier: t.exposeFloat('learningRateMultiplier', {
      nullable: true,
      description: 'Scales the provider’s learning rate, more than 0.',
    }),
    beta: t.exposeFloat('beta', {
      nullable: true,
      description: 'For preference pairs: how strongly the model is held to what it was.',
    }),
  }),
});

const LaunchWarning = builder.objectRef<StoredWarning>('LaunchWarning').implement({
  description: 'What was worth knowing before the launch, though it did not stop it.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'What it is about, as a word that programs can rely on.' }),
    message: t.exposeString('message', { description: 'What it is about, in a sentence.' }),
  }),
});

builder.prismaObject('Checkpoint', {
  fields: (t) => ({
    providerCheckpointId: t.exposeString('providerCheckpointId'),
    modelId: t.exposeString('modelId'),
    step: t.exposeInt('step'),
    metrics: t.field({
      type: RunMetricType,
      description: 'What was measured at that step.',
      select: { metrics: true, step: true, createdAt: true },
      resolve: ({ metrics, createdAt, step }) => ({ ...metricsFrom(metrics, createdAt), step }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

function eventsAsked({ afterSeq, ...page }: PageArgs & { afterSeq?: number | null | undefined }) {
  const numbers = numbersOf(page);
  const seq = { ...numbers, gt: Math.max(numbers.gt ?? 0, afterSeq ?? 0) };
  return { where: { seq }, orderBy: { seq: 'asc' as const } };
}

export const TrainingRunNode = builder.prismaNode('TrainingRun', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    dataset: t.relation('dataset', {
      type: DatasetNode,
      description: 'The dataset that the run learns from.',
    }),
    export: t.relation('export', {
      type: ExportNode,
      nullable: true,
      description:
        'The exact file that the run learns from, and through it the examples; null until it is exported.',
    }),
    provider: t.exposeString('provider'),
    baseModel: t.exposeString('baseModel'),
    status: t.expose('status', { type: TrainingRunStatus }),
    hyperparameters: t.field({
      type: Hyperparameters,
      description: 'How the model is trained.',
      extensions: looksAt('TrainingRun', 'nEpochs', 'batchSize', 'learningRateMultiplier', 'beta'),
      resolve: (run) => run,
    }),
    suffix: t.exposeString('suffix', { nullable: true }),
    seed: t.exposeInt('seed', { nullable: true }),
    requestKey: t.exposeString('requestKey', {
      nullable: true,
      description: 'The key that the launch was asked for with; the same one gives the same run.',
    }),
    warnings: t.field({
      type: [LaunchWarning],
      description: 'What was worth knowing before the launch.',
      extensions: looksAt('TrainingRun', 'warnings'),
      resolve: ({ warnings }) => warningsOf(warnings),
    }),
    providerJobId: t.exposeString('providerJobId', { nullable: true }),
    resultModelId: t.exposeString('resultModelId', { nullable: true }),
    trainedTokens: t.field({
      type: 'SafeInt',
      nullable: true,
      description: 'How many tokens were trained on, over all epochs, as the provider counted them.',
      extensions: numberOf('TrainingRun', 'trainedTokens'),
      resolve: ({ trainedTokens }) => (trainedTokens === null ? null : Number(trainedTokens)),
    }),
    trainingCostUsd: t.float({
      nullable: true,
      description:
        'What the training cost in USD: trained tokens times the price that `price` tells; null until the tokens are known. The sandbox charges nothing: there it is what the same would cost elsewhere.',
      extensions: numberOf('TrainingRun', 'trainingCostUsd'),
      resolve: ({ trainingCostUsd }) => trainingCostUsd?.toNumber() ?? null,
    }),
    price: t.relation('price', {
      nullable: true,
      description: 'The dated price that the cost is computed with: the one of the day of the launch.',
    }),
    errorCode: t.exposeString('errorCode', { nullable: true }),
    errorMessage: t.exposeString('errorMessage', { nullable: true }),
    estimatedCompletionAt: t.expose('estimatedCompletionAt', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true }),
    cancelRequestedAt: t.expose('cancelRequestedAt', { type: 'DateTime', nullable: true }),
    lastPolledAt: t.expose('lastPolledAt', { type: 'DateTime', nullable: true }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    lastSeq: t.exposeInt('lastSeq'),
    events: t.prismaConnection({
      type: RunEventType,
      cursor: 'runId_seq',
      maxSize: numberedPage,
      description: 'What happened to the run, the first event first.',
      extensions: {
        ...looksAt('TrainingRun', 'id', 'tenantId'),
        ...comesWith('TrainingRun', 'events', eventsAsked),
      },
      args: { afterSeq: t.arg.int({ description: 'Only events with a greater number.' }) },
      totalCount: ({ id, tenantId }, { afterSeq }, { db }) =>
        db.runEvent.count({ where: { runId: id, tenantId, seq: { gt: afterSeq ?? 0 } } }),
      resolve: (page, { id, tenantId }, args, { db }) => {
        const asked = eventsAsked(args);
        return db.runEvent.findMany({
          ...withoutCursor(page),
          where: { runId: id, tenantId, ...asked.where },
          orderBy: asked.orderBy,
        });
      },
    }),
    metrics: t.field({
      type: [RunMetricType],
      description: 'The curve of the training: what the provider measured, step by step.',
      extensions: looksAt('TrainingRun', 'id', 'tenantId'),
      resolve: async ({ id, tenantId }, _args, { db }) => {
        const events = await db.runEvent.findMany({
          where: { runId: id, tenantId, type: 'METRICS' },
          orderBy: { seq: 'asc' },
        });
        return events
          .map(({ data, createdAt }) => metricsFrom(data, createdAt))
          .toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0));
      },
    }),
    checkpoints: t.relation('checkpoints', {
      description: 'Usable states of the model from the middle of its training, the first one first.',
      query: { orderBy: { step: 'asc' } },
    }),
  }),
});

const TrainingRunFilter = builder.inputType('TrainingRunFilter', {
  description: 'Keeps the runs for which everything given holds.',
  fields: (t) => ({
    status: t.field({ type: [TrainingRunStatus], description: 'Only runs with one of these statuses.' }),
    datasetId: t.id({ description: 'Only runs on this dataset.' }),
    exportId: t.id({ description: 'Only runs on this export.' }),
    provider: t.string({ description: 'Only runs at this provider.' }),
    baseModel: t.string({ description: 'Only runs on exactly this base model.' }),
  }),
});

const TrainingRunOrder = builder.inputType('TrainingRunOrder', {
  description: 'The order of a list of runs.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('TrainingRunOrderField', {
        description: 'What runs can be ordered by.',
        values: {
          CREATED_AT: { value: 'createdAt', description: 'When the run was asked for.' },
          UPDATED_AT: { value: 'updatedAt', description: 'When the run last changed.' },
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

function runWhere(
  filter: typeof TrainingRunFilter.$inferInput | null | undefined,
): Prisma.TrainingRunWhereInput {
  const datasetId = parseOptionalId('Dataset', filter?.datasetId, 'filter.datasetId');
  const exportId = parseOptionalId('Export', filter?.exportId, 'filter.exportId');
  return {
    ...(filter?.status && { status: { in: filter.status } }),
    ...(datasetId !== null && { datasetId }),
    ...(exportId !== null && { exportId }),
    ...(filter?.provider != null && { provider: storable(filter.provider, 'filter.provider') }),
    ...(filter?.baseModel != null && { baseModel: storable(filter.baseModel, 'filter.baseModel') }),
  };
}

const storable = (text: string, field: string) => parseInput(storableText('The name', 1000), text, field);

builder.queryFields((t) => ({
  trainingRun: t.prismaField({
    type: TrainingRunNode,
    nullable: true,
    description: 'One training run; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the run.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.trainingRun.findFirst({
        ...query,
        where: { id: parseId('TrainingRun', id), tenantId: viewer.tenantId },
      }),
  }),
  trainingRuns: t.prismaConnection({
    type: TrainingRunNode,
    cursor: 'id',
    maxSize: rowPage,
    description: 'Your training runs, the newest first unless ordered otherwise.',
    args: {
      filter: t.arg({ type: TrainingRunFilter, description: 'Which runs; all without it.' }),
      orderBy: t.arg({ type: TrainingRunOrder, description: 'In which order.' }),
    },
    totalCount: (_connection, { filter }, { db, viewer }) =>
      db.trainingRun.count({ where: { tenantId: viewer.tenantId, ...runWhere(filter) } }),
    resolve: (query, _root, { filter, orderBy: order, ...page }, { db, viewer }) =>
      db.trainingRun.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...orCursorRow(runWhere(filter), page) },
        orderBy: orderBy(order, { field: 'createdAt', direction: 'desc' }),
      }),
  }),
}));
