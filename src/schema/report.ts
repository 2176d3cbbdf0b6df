/** `dataset.report`: how a dataset is, and what to do next. */
import type { StatusCounts, DatasetReport } from '../services/report.ts';
import { BINS, type Bin, type Histogram } from '../services/reportBins.ts';
import type { DuplicateCounts, TopicCounts } from '../services/reportCounts.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleSource } from './exampleList.ts';
import { ExportNode } from './export.ts';
import { PersonalDataCountsType } from './personalDataTypes.ts';
import { NextStepType } from './reportNext.ts';

const StatusCountsType = builder.objectRef<StatusCounts & { source?: string }>('ExampleCounts').implement({
  description: 'How many examples there are, by what reviews made of them.',
  fields: (t) => ({
    total: t.exposeInt('total', { description: 'All of them, whatever their state.' }),
    validated: t.exposeInt('validated', { description: 'Found fit for training: these are exported.' }),
    rejected: t.exposeInt('rejected', { description: 'Turned down: these never are.' }),
    undecided: t.exposeInt('undecided', {
      description: 'Neither of the two, so that a review is still to come.',
    }),
  }),
});

const SourceCountsType = builder
  .objectRef<DatasetReport['bySource'][number]>('ExampleSourceCounts')
  .implement({
    description: 'How many examples came from one kind of source.',
    fields: (t) => ({
      source: t.field({
        type: ExampleSource,
        description: 'Where they came from.',
        resolve: ({ source }) => source,
      }),
      counts: t.field({
        type: StatusCountsType,
        description: 'How many they are, by state.',
        resolve: (counts) => counts,
      }),
    }),
  });

const BinType = builder.objectRef<Bin>('HistogramBin').implement({
  description: 'One bar of a histogram.',
  fields: (t) => ({
    from: t.exposeFloat('from', { description: 'The least value that is counted here.' }),
    to: t.exposeFloat('to', {
      nullable: true,
      description: 'Where the next bin begins; null for the last, which has no end.',
    }),
    count: t.exposeInt('count', {
      description: 'How many examples have a value from `from` up to, and not at, `to`.',
    }),
  }),
});

const HistogramType = builder.objectRef<Histogram>('Histogram').implement({
  description:
    'How the values of the examples that are not rejected spread over bins. The bins are the same for all datasets; those after the largest value are left out.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How many examples have such a value.' }),
    mean: t.exposeFloat('mean', { nullable: true, description: 'The mean of the values; null without any.' }),
    bins: t.field({
      type: [BinType],
      description: 'The bars, the lowest values first.',
      resolve: ({ bins }) => bins,
    }),
  }),
});

const TopicType = builder.objectRef<TopicCounts['top'][number]>('TopicCount').implement({
  description: 'How many examples are from calls about one topic.',
  fields: (t) => ({
    topic: t.exposeString('topic', { description: 'The topic of the calls.' }),
    examples: t.exposeInt('examples', { description: 'How many examples come from them.' }),
  }),
});

const TopicsType = builder.objectRef<TopicCounts>('TopicCounts').implement({
  description: 'What the calls were about that the examples come from, rejected ones left aside.',
  fields: (t) => ({
    top: t.field({
      type: [TopicType],
      description: 'The 20 topics with the most examples, the most frequent first.',
      resolve: ({ top }) => top,
    }),
    otherTopics: t.exposeInt('otherTopics', { description: 'How many more topics there are.' }),
    otherExamples: t.exposeInt('otherExamples', {
      description: 'How many examples come from calls about those.',
    }),
    withoutTopic: t.exposeInt('withoutTopic', {
      description: 'How many examples come from a call without a topic, or from no call.',
    }),
  }),
});

const DuplicateCountsType = builder.objectRef<DuplicateCounts>('DuplicateCounts').implement({
  description: 'What is known of near-duplicates.',
  fields: (t) => ({
    foundAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When `findDuplicates` looked for them last; null when it never has.',
      resolve: ({ foundAt }) => foundAt,
    }),
    threshold: t.exposeFloat('threshold', {
      nullable: true,
      description: 'How similar two examples had to be, 0.5 to 1; null before a search.',
    }),
    compared: t.exposeInt('compared', {
      nullable: true,
      description: 'How many examples were compared; null before a search.',
    }),
    groups: t.exposeInt('groups', { description: 'How many groups of near-duplicates were found.' }),
    examples: t.exposeInt('examples', { description: 'How many examples are in them.' }),
    openGroups: t.exposeInt('openGroups', {
      description: 'In how many groups more than one example is neither rejected nor edited since.',
    }),
    changedSince: t.exposeInt('changedSince', {
      description: 'How many examples were added or edited after the search, and so were not compared.',
    }),
  }),
});

const characters = `Bins begin at ${BINS.characters.join(', ')} characters.`;

export const DatasetReportType = builder.objectRef<DatasetReport>('DatasetReport').implement({
  description: 'How a dataset is: what it holds, how good it is, what is wrong with it, and what to do next.',
  fields: (t) => ({
    counts: t.field({
      type: StatusCountsType,
      description: 'How many examples there are, by state.',
      resolve: ({ counts }) => counts,
    }),
    bySource: t.field({
      type: [SourceCountsType],
      description:
        'The same by where they came from, the largest first; sources without examples are left out.',
      resolve: ({ bySource }) => bySource,
    }),
    tokens: t.field({
      type: HistogramType,
      description: `How many tokens an example holds as a line of a training file, without the dataset’s system prompt. Bins begin at ${BINS.tokens.join(', ')} tokens.`,
      resolve: ({ tokens }) => tokens,
    }),
    totalTokens: t.field({
      type: 'SafeInt',
      description: 'How many tokens the examples that are not rejected hold together.',
      resolve: ({ tokens }) => tokens.total,
    }),
    uncountedTokens: t.int({
      description: 'Of how many of them the tokens are not counted yet.',
      resolve: ({ tokens }) => tokens.uncounted,
    }),
    quality: t.field({
      type: HistogramType,
      description: 'The quality of the examples, 0 to 1, in tenths; the last bin holds 1 too.',
      resolve: ({ quality }) => quality,
    }),
    unrated: t.int({
      description: 'Of how many examples nobody has said how good they are.',
      resolve: ({ quality }) => quality.unrated,
    }),
    messagesPerExample: t.field({
      type: HistogramType,
      description: `How many messages an example has, a system message of its own counted. Bins begin at ${BINS.messages.join(', ')} messages.`,
      resolve: ({ messages }) => messages,
    }),
    questionLength: t.field({
      type: HistogramType,
      description: `How long the last thing is that the user says (\`userMessage\`). ${characters}`,
      resolve: ({ questionLength }) => questionLength,
    }),
    answerLength: t.field({
      type: HistogramType,
      description: `How long the last thing is that the assistant answers (\`assistantResponse\`). ${characters}`,
      resolve: ({ answerLength }) => answerLength,
    }),
    topics: t.field({
      type: TopicsType,
      description: 'What the examples are about, where it is known.',
      resolve: ({ topics }) => topics,
    }),
    duplicates: t.field({
      type: DuplicateCountsType,
      description: 'What the last search for near-duplicates found, and what became of it.',
      resolve: ({ duplicates }) => duplicates,
    }),
    personalData: t.field({
      type: PersonalDataCountsType,
      description: 'What the searches for personal data have found so far, in all examples.',
      resolve: ({ personalData }) => personalData,
    }),
    latestExport: t.prismaField({
      type: ExportNode,
      nullable: true,
      description: 'The newest export; null before the first.',
      resolve: (query, { dataset }, _args, { db }) =>
        db.export.findFirst({
          ...query,
          where: { datasetId: dataset.id, tenantId: dataset.tenantId, state: 'READY' },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        }),
    }),
    latestSplit: t.prismaField({
      type: ExportNode,
      nullable: true,
      description:
        'The newest export that has a `split`, with the counts of both files, even if a later one has none; null before the first.',
      resolve: (query, { dataset }, _args, { db }) =>
        db.export.findFirst({
          ...query,
          where: {
            datasetId: dataset.id,
            tenantId: dataset.tenantId,
            state: 'READY',
            validationShare: { not: null },
          },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        }),
    }),
    next: t.field({
      type: [NextStepType],
      description:
        'What to do next, in this order; empty when the newest export is trained and nothing has changed.',
      resolve: ({ next, dataset, latestExportId }) =>
        next.map((step) => ({ ...step, datasetId: dataset.id, exportId: latestExportId })),
    }),
  }),
});

builder.prismaObjectField(DatasetNode, 'report', (t) =>
  t.field({
    type: DatasetReportType,
    description:
      'How the dataset is now: counts, tokens, quality, topics, near-duplicates, personal data, the latest split, what training would cost, and what to do next. Counted when asked for; of 100,000 examples it takes some tenths of a second.',
    select: { id: true },
    resolve: ({ id }, _args, { services, viewer }) => services.reports.report(viewer, id),
  }),
);
