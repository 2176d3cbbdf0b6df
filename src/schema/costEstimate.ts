/** What training would cost, what it was expected to cost, and how well that was told. */
import type { CostEstimate } from '../services/costEstimate.ts';
import type { Range } from '../services/epochs.ts';
import { BaseModelUnavailableError, InvalidInputError, NoEstimateError } from '../services/errors.ts';
import type { EstimateAccuracy } from '../services/estimate.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExportNode } from './export.ts';
import { DatasetReportType } from './report.ts';
import { TrainingRunNode } from './trainingRun.ts';

const bounds = {
  lower: { description: 'The least that can be.' },
  expected: { description: 'What is to be expected.' },
  upper: { description: 'The most that can be.' },
};

const EpochRange = builder.objectRef<Range>('EpochRange').implement({
  description: 'How often the whole file is learned.',
  fields: (t) => ({
    lower: t.exposeInt('lower', bounds.lower),
    expected: t.exposeInt('expected', bounds.expected),
    upper: t.exposeInt('upper', bounds.upper),
  }),
});

const TokenRange = builder.objectRef<Range>('TokenRange').implement({
  description: 'A number of tokens.',
  fields: (t) => ({
    lower: t.field({ type: 'SafeInt', ...bounds.lower, resolve: ({ lower }) => lower }),
    expected: t.field({ type: 'SafeInt', ...bounds.expected, resolve: ({ expected }) => expected }),
    upper: t.field({ type: 'SafeInt', ...bounds.upper, resolve: ({ upper }) => upper }),
  }),
});

const UsdRange = builder.objectRef<Range>('UsdRange').implement({
  description: 'An amount in USD.',
  fields: (t) => ({
    lower: t.exposeFloat('lower', bounds.lower),
    expected: t.exposeFloat('expected', bounds.expected),
    upper: t.exposeFloat('upper', bounds.upper),
  }),
});

const CostEstimateType = builder.objectRef<CostEstimate>('CostEstimate').implement({
  description:
    'What training would cost: the tokens of one epoch, times the epochs, times the price. The sandbox charges nothing: there it is what the same would cost elsewhere.',
  fields: (t) => ({
    provider: t.string({ description: 'Who would train.', resolve: ({ model }) => model.provider }),
    baseModel: t.string({
      description: 'The model that would be tuned, by its dated name.',
      resolve: ({ model }) => model.name,
    }),
    examples: t.exposeInt('examples', { description: 'How many examples would be learned.' }),
    tokens: t.field({
      type: 'SafeInt',
      description: 'How many tokens one epoch has; of an example past the model’s limit only those up to it.',
      resolve: ({ tokens }) => Number(tokens),
    }),
    cutExamples: t.int({
      description: 'How many examples are longer than the model learns: their ends are cut off.',
      resolve: ({ cut }) => cut.count,
    }),
    cutTokens: t.field({
      type: 'SafeInt',
      description: 'How many tokens are cut off, and neither learned nor paid.',
      resolve: ({ cut }) => Number(cut.cutTokens),
    }),
    epochs: t.field({
      type: EpochRange,
      description: 'How often the file is learned.',
      resolve: ({ epochs }) => epochs,
    }),
    trainedTokens: t.field({
      type: TokenRange,
      description: 'How many tokens are trained on over all epochs.',
      resolve: ({ trainedTokens }) => inNumbers(trainedTokens),
    }),
    costUsd: t.field({
      type: UsdRange,
      description: 'What the training costs.',
      resolve: ({ costUsd }) => inNumbers(costUsd),
    }),
    usdPerMTokens: t.float({
      description: 'The price of training, in USD per million tokens.',
      resolve: ({ price }) => price.trainingUsdPerMTokens.toNumber(),
    }),
    priceValidFrom: t.field({
      type: 'Date',
      description: 'The first day on which the price holds.',
      resolve: ({ price }) => price.validFrom,
    }),
    priceAsOf: t.field({
      type: 'Date',
      description: 'The day on which the price was found so.',
      resolve: ({ price }) => price.asOf,
    }),
    priceSource: t.string({
      description: 'Where the price was found.',
      resolve: ({ price }) => price.source,
    }),
    reasons: t.exposeStringList('reasons', {
      description: 'Why the bounds lie where they do, and what they cannot hold, in sentences.',
    }),
  }),
});

type Amount = bigint | { toNumber(): number };

function inNumbers({ lower, expected, upper }: Record<keyof Range, Amount>): Range {
  return { lower: toNumber(lower), expected: toNumber(expected), upper: toNumber(upper) };
}

const toNumber = (amount: Amount) => (typeof amount === 'bigint' ? Number(amount) : amount.toNumber());

const about = {
  baseModel: 'The model to tune; `baseModels` lists them. An undated name means the latest dated one.',
  nEpochs: 'How often the whole file is to be learned, 1 to 50; left to the provider without it.',
  provider: 'Who would train; without it the server’s default, or else whoever has the base model.',
};
const types = [InvalidInputError, BaseModelUnavailableError, NoEstimateError];

builder.prismaObjectField(DatasetNode, 'costEstimate', (t) =>
  t.field({
    type: CostEstimateType,
    description: 'What it would cost to train on what the dataset would export now.',
    errors: { types, union: { name: 'DatasetCostEstimateResult' } },
    args: {
      baseModel: t.arg.string({ required: true, description: about.baseModel }),
      nEpochs: t.arg.int({ description: about.nEpochs }),
      provider: t.arg.string({ description: about.provider }),
    },
    select: { id: true },
    resolve: ({ id }, args, { services, viewer }) => services.estimates.ofDataset(viewer, id, args),
  }),
);

builder.objectField(DatasetReportType, 'estimate', (t) =>
  t.field({
    type: CostEstimateType,
    description: 'The `costEstimate` of the dataset, for a base model that need not be named.',
    errors: { types, union: { name: 'ReportEstimateResult' } },
    args: {
      baseModel: t.arg.string({
        description:
          'The model to tune; without it the first by name that the provider trains today, as in `next`.',
      }),
      nEpochs: t.arg.int({ description: about.nEpochs }),
      provider: t.arg.string({ description: about.provider }),
    },
    resolve: ({ dataset }, args, { services, viewer }) =>
      services.estimates.ofDataset(viewer, dataset.id, args),
  }),
);

builder.prismaObjectField(ExportNode, 'costEstimate', (t) =>
  t.field({
    type: CostEstimateType,
    description: 'What it would cost to train on the training file.',
    errors: { types, union: { name: 'ExportCostEstimateResult' } },
    args: {
      baseModel: t.arg.string({ required: true, description: about.baseModel }),
      nEpochs: t.arg.int({ description: about.nEpochs }),
      provider: t.arg.string({ description: about.provider }),
    },
    select: { id: true },
    resolve: ({ id }, args, { services, viewer }) => services.estimates.ofExport(viewer, id, args),
  }),
);

builder.prismaObjectFields(TrainingRunNode, (t) => ({
  estimatedCostUsd: t.field({
    type: UsdRange,
    nullable: true,
    description:
      'What the training was expected to cost when it was launched; null when that could not be told. Beside it stands `trainingCostUsd`.',
    select: { estimatedLowerUsd: true, estimatedCostUsd: true, estimatedUpperUsd: true },
    resolve: ({ estimatedLowerUsd: lower, estimatedCostUsd: expected, estimatedUpperUsd: upper }) =>
      lower && expected && upper ? inNumbers({ lower, expected, upper }) : null,
  }),
  estimateError: t.float({
    nullable: true,
    description:
      'How far the expected cost was off: actual / expected − 1, so 0.1 when it cost a tenth more; null until there are both.',
    select: { estimatedCostUsd: true, trainingCostUsd: true },
    resolve: ({ estimatedCostUsd: expected, trainingCostUsd: actual }) =>
      actual && expected?.isPositive() && !expected.isZero() ? actual.div(expected).sub(1).toNumber() : null,
  }),
}));

const EstimateAccuracyType = builder.objectRef<EstimateAccuracy>('EstimateAccuracy').implement({
  description:
    'How well costs were estimated, over your runs that succeeded with an estimate and a cost. Errors are shares of the estimate: 0.1 is a tenth.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How many runs it is told from.' }),
    meanAbsoluteError: t.exposeFloat('meanAbsoluteError', {
      nullable: true,
      description: 'How far off estimates were on average, whichever way; null without runs.',
    }),
    medianAbsoluteError: t.exposeFloat('medianAbsoluteError', {
      nullable: true,
      description: 'How far off half of the estimates were at the most; null without runs.',
    }),
    bias: t.exposeFloat('bias', {
      nullable: true,
      description:
        'The average error with its sign: above 0 when runs cost more than estimated; null without runs.',
    }),
  }),
});

builder.queryField('estimateAccuracy', (t) =>
  t.field({
    type: EstimateAccuracyType,
    description: 'The error of all cost estimates so far.',
    resolve: (_root, _args, { services, viewer }) => services.estimates.accuracy(viewer),
  }),
);
