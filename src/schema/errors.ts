/** The expected failures as GraphQL types. */
import * as errors from '../services/errors.ts';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { builder } from './builder.ts';
import { RoleType } from './role.ts';

const SplitTie = builder.enumType('SplitTie', {
  description: 'Why examples belong together.',
  values: {
    CALL: { description: 'They come from one call.' },
    PHONE_NUMBER: { description: 'They come from calls with one number.' },
    SAME_TEXT: { description: 'They say the same, but for case and white space.' },
    NEAR_DUPLICATE: { description: 'They say nearly the same.' },
  } as const,
});

export const ErrorInterface = builder.interfaceRef<errors.ExpectedError>('Error').implement({
  description: 'Something went wrong that can be expected, and acted on.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'What went wrong, as a word that programs can rely on.' }),
    message: t.exposeString('message', {
      description: 'What went wrong and what to do about it, in a sentence for people.',
    }),
  }),
});

const FieldFault = builder.objectRef<errors.FieldFault>('FieldFault').implement({
  description: 'What is wrong with one argument.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description: 'The argument, as a path such as `input.examples[3].messages`.',
    }),
    message: t.exposeString('message', { description: 'What is allowed, and what came.' }),
  }),
});

builder.objectType(errors.InvalidInputError, {
  name: 'InvalidInputError',
  description: 'Arguments are missing, too long, out of range or do not fit together. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    faults: t.field({
      type: [FieldFault],
      description: 'Every fault that was found.',
      resolve: ({ faults }) => faults,
    }),
  }),
});

builder.objectType(errors.ForbiddenError, {
  name: 'ForbiddenError',
  description: 'Your role does not include this. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    role: t.expose('role', { type: RoleType, description: 'Yours.' }),
    needed: t.expose('needed', { type: RoleType, description: 'The least that may do this.' }),
  }),
});

builder.objectType(errors.NotFoundError, {
  name: 'NotFoundError',
  description: 'There is nothing with this id among what you may see.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.DatasetNameTakenError, {
  name: 'DatasetNameTakenError',
  description: 'Another of your datasets has this name.',
  interfaces: [ErrorInterface],
  fields: (t) => ({ datasetName: t.exposeString('datasetName', { description: 'The name that is taken.' }) }),
});

builder.objectType(errors.DatasetInUseError, {
  name: 'DatasetInUseError',
  description: 'The dataset has exports or training runs and so must stay.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.DuplicateExampleError, {
  name: 'DuplicateExampleError',
  description: 'The dataset holds an example with these messages already.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.ExampleHeldError, {
  name: 'ExampleHeldError',
  description: 'Another reviewer has the example in hand.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    heldBy: t.exposeString('heldBy', { description: 'Who has it.' }),
    heldUntil: t.expose('heldUntil', {
      type: 'DateTime',
      description: 'Until when, unless they ask for more time or give it back sooner.',
    }),
  }),
});

builder.objectType(errors.ReviewRefusedError, {
  name: 'ReviewRefusedError',
  description:
    'The review does not fit how things stand. Codes: ALREADY_DECIDED, ALREADY_REVIEWED, EXAMPLE_CHANGED, NOT_YOUR_REVIEW.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.NothingToExportError, {
  name: 'NothingToExportError',
  description: 'The dataset has no validated examples.',
  interfaces: [ErrorInterface],
});

const GroupInTheWay = builder.objectRef<errors.GroupInTheWay>('GroupInTheWay').implement({
  description: 'Examples that a split may not tear apart.',
  fields: (t) => ({
    exampleCount: t.exposeInt('exampleCount', { description: 'How many examples belong together.' }),
    ties: t.field({
      type: [SplitTie],
      description: 'Why: they are linked by these, one example to the next.',
      resolve: ({ ties }) => ties,
    }),
    exampleIds: t.field({
      type: ['ID'],
      description: 'The ids of the first of them, up to 5.',
      resolve: ({ exampleIds }) => exampleIds.map((id) => encodeGlobalID('Example', id)),
    }),
  }),
});

builder.objectType(errors.SplitImpossibleError, {
  name: 'SplitImpossibleError',
  description:
    'The examples cannot be split: too few would be left for training, or what belongs together is too large.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    groups: t.field({
      type: [GroupInTheWay],
      description:
        'What belongs together, the largest group first, up to 10; those of one example are left out.',
      resolve: ({ groups }) => groups,
    }),
  }),
});

builder.objectType(errors.NothingToPairError, {
  name: 'NothingToPairError',
  description: 'No validated example has an answer that was repaired.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.FormatCannotHoldError, {
  name: 'FormatCannotHoldError',
  description: 'An example says something that the format has no place for. Nothing was exported.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    exampleId: t.id({
      description: 'Which example it is that does not fit.',
      resolve: ({ exampleId }) => encodeGlobalID('Example', exampleId),
    }),
    line: t.exposeInt('line', {
      description:
        'The line that it would be, counted from 1: those of the training file, then those of the validation file.',
    }),
  }),
});

builder.objectType(errors.ExportTaintedError, {
  name: 'ExportTaintedError',
  description: 'The export holds the words of a caller who was erased; nothing is made of it any more.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.CallerNotErasedError, {
  name: 'CallerNotErasedError',
  description: 'No caller with this number is erased.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.InsufficientExamplesError, {
  name: 'InsufficientExamplesError',
  description: 'There are fewer validated examples than the provider accepts.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    have: t.exposeInt('have', { description: 'How many validated examples there are.' }),
    need: t.exposeInt('need', { description: 'How many the provider needs.' }),
  }),
});

builder.objectType(errors.BaseModelUnavailableError, {
  name: 'BaseModelUnavailableError',
  description: 'The base model is unknown, shut down, or no longer trained.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.NoEstimateError, {
  name: 'NoEstimateError',
  description:
    'What training would cost cannot be told: NOTHING_TO_ESTIMATE, TOKENS_NOT_COUNTED or NO_PRICE_KNOWN.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.BudgetExceededError, {
  name: 'BudgetExceededError',
  description: 'The run could pass the month’s budget. Nothing was launched.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    monthlyUsd: t.float({
      description: 'The budget of a calendar month, in USD.',
      resolve: ({ figures }) => figures.monthlyUsd,
    }),
    spentUsd: t.float({
      description: 'What runs cost that ended in this month (UTC), in USD.',
      resolve: ({ figures }) => figures.spentUsd,
    }),
    committedUsd: t.float({
      description: 'What runs still under way may cost at the most, in USD.',
      resolve: ({ figures }) => figures.committedUsd,
    }),
    runUpperUsd: t.float({
      nullable: true,
      description: 'What this run may cost at the most, in USD; null when that cannot be estimated.',
      resolve: ({ figures }) => figures.runUpperUsd,
    }),
  }),
});

builder.objectType(errors.RequestKeyReusedError, {
  name: 'RequestKeyReusedError',
  description: 'The request key belongs to a launch with other arguments.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.RunNotCancellableError, {
  name: 'RunNotCancellableError',
  description: 'The run has ended already.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.RunNotInReviewError, {
  name: 'RunNotInReviewError',
  description: 'Nothing about the run has to be settled by a person.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.ModelNotReadyError, {
  name: 'ModelNotReadyError',
  description: 'The run has not succeeded, so there is no model to ask.',
  interfaces: [ErrorInterface],
});

builder.objectType(errors.ProviderError, {
  name: 'ProviderError',
  description: 'The provider refused, or could not be reached.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryable: t.exposeBoolean('retryable', { description: 'Whether asking again later may help.' }),
    retryAfterSeconds: t.exposeFloat('retryAfterSeconds', {
      nullable: true,
      description: 'How long the provider asks to be left alone, in seconds; null when it did not say.',
    }),
  }),
});
