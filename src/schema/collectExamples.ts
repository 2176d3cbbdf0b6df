import type { Collection } from '../services/collect.ts';
import { InvalidInputError, NotFoundError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { CallDirection } from './callTranscription.ts';
import { DatasetNode } from './dataset.ts';
import { parseId } from './ids.ts';

const CollectStrategy = builder.enumType('CollectStrategy', {
  description: 'How a call becomes examples.',
  values: {
    PAIR: { description: 'Each thing the caller said, directly followed by an answer, is one example.' },
    CONVERSATION: {
      description: 'The whole call, from the caller’s first to the agent’s last words, is one example.',
    },
  } as const,
});

const CollectExamplesInput = builder.inputType('CollectExamplesInput', {
  description: 'Which calls to take examples from, and how.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset that the examples are added to.' }),
    minConfidence: t.float({
      required: true,
      defaultValue: 0.8,
      description:
        'Only calls whose transcriber was at least this sure, 0 to 1. What the agent said in turns with a lower confidence of their own is not learned: a PAIR with it is left out, in a CONVERSATION it stays with weight 0.',
    }),
    maxExamples: t.int({
      required: true,
      defaultValue: 100,
      description:
        'Add at most this many examples, 1 to 1,000,000; those that are there already do not count.',
    }),
    minMessageLength: t.int({
      required: true,
      defaultValue: 20,
      description: 'Both messages of a pair must be longer than this many characters.',
    }),
    strategy: t.field({
      type: CollectStrategy,
      required: true,
      defaultValue: 'PAIR',
      description: 'How a call becomes examples.',
    }),
    autoValidate: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether the examples count as validated by this rule, without a review.',
    }),
    from: t.field({ type: 'DateTime', description: 'Only calls that began at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Only calls that began before this time.' }),
    direction: t.field({ type: CallDirection, description: 'Only calls of this direction.' }),
    topic: t.string({ description: 'Only calls about exactly this topic.' }),
  }),
});

const SkipReason = builder.enumType('SkipReason', {
  description:
    'Why something was not collected. The first three count all calls that `from`, `to`, `direction` and `topic` select; the others only what was read before `maxExamples` was reached.',
  values: {
    NOT_COMPLETED: { description: 'Calls that did not end as `completed`, of all that were selected.' },
    NO_CONFIDENCE: { description: 'Completed calls without a confidence, of all that were selected.' },
    LOW_CONFIDENCE: { description: 'Completed calls below `minConfidence`, of all that were selected.' },
    ONE_SIDED: {
      description:
        'Calls in which only one side, or nobody, is known to have spoken, of those that were read before `maxExamples` was reached.',
    },
    TOO_SHORT: {
      description:
        'Examples (not calls) with a message that is not longer than `minMessageLength`, of the calls that were read before `maxExamples` was reached.',
    },
    LOW_TURN_CONFIDENCE: {
      description:
        'Examples (not calls) of which no answer can be learned, since a turn in each has a confidence below `minConfidence`, of the calls that were read before `maxExamples` was reached.',
    },
  } as const,
});

const Skipped = builder.objectRef<Collection['skipped'][number]>('CollectExamplesSkipped').implement({
  description: 'How much was left out for one reason.',
  fields: (t) => ({
    reason: t.field({
      type: SkipReason,
      description: 'The reason. A call is counted under its first.',
      resolve: ({ reason }) => reason,
    }),
    count: t.exposeInt('count', {
      description: 'How many calls; for TOO_SHORT and LOW_TURN_CONFIDENCE, how many examples.',
    }),
  }),
});

const CollectExamplesPayload = builder.objectRef<Collection>('CollectExamplesPayload').implement({
  description: 'What a collection found.',
  fields: (t) => ({
    dataset: t.field({
      type: DatasetNode,
      description: 'The dataset, with its counts after the collection.',
      resolve: ({ dataset }) => dataset,
    }),
    added: t.exposeInt('added', { description: 'How many examples were added.' }),
    alreadyThere: t.exposeInt('alreadyThere', {
      description:
        'How many were not, because the dataset holds the same messages, or the collection had added them before.',
    }),
    considered: t.exposeInt('considered', {
      description:
        'How many calls counted: completed, sure enough, with both sides, and read before `maxExamples` was reached.',
    }),
    skipped: t.field({
      type: [Skipped],
      description: 'What was left out, by reason.',
      resolve: ({ skipped }) => skipped,
    }),
  }),
});

builder.mutationFields((t) => ({
  collectExamples: t.field({
    type: CollectExamplesPayload,
    authScopes: { role: 'EDITOR' },
    description:
      'Step 2: adds examples from your calls, the surest first. Messages that the dataset holds already are not added again. Each batch counts at once: a collection that is stopped keeps what it has, and the same one again goes on.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: CollectExamplesInput, required: true, description: 'Which calls, and how.' }),
    },
    resolve: (_root, { input }, { services, viewer }) =>
      services.collect.collect(viewer, {
        ...input,
        datasetId: parseId('Dataset', input.datasetId, 'input.datasetId'),
      }),
  }),
}));
