import {
  ExampleHeldError,
  InvalidInputError,
  NotFoundError,
  ReviewRefusedError,
} from '../services/errors.ts';
import type { HeldExample } from '../services/reviewQueue.ts';
import { messagesOf } from '../services/storedJson.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ChatMessageType, ExampleNode } from './example.ts';
import { ownRow, parseId } from './ids.ts';
import { numberedPage, numbersOf, rowPage, withoutCursor, type PageArgs } from './page.ts';
import { comesWith, looksAt } from './plan/fieldFacts.ts';

const ReviewVerdict = builder.enumType('ReviewVerdict', {
  description: 'What a reviewer says of an example.',
  values: {
    ACCEPT: { description: 'The model shall learn it.' },
    REJECT: { description: 'The model shall not learn it.' },
  } as const,
});

export const ReviewNode = builder.prismaNode('Review', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    example: t.relation('example', {
      type: ExampleNode,
      description: 'The example as it is now; `exampleRevision` tells whether that is what was judged.',
    }),
    exampleRevision: t.exposeInt('exampleRevision'),
    reviewer: t.exposeString('reviewer'),
    verdict: t.expose('verdict', { type: ReviewVerdict }),
    rating: t.exposeInt('rating', { nullable: true }),
    reason: t.exposeString('reason', { nullable: true }),
    seconds: t.exposeFloat('seconds', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    undoneAt: t.expose('undoneAt', { type: 'DateTime', nullable: true }),
  }),
});

const ExampleRevisionType = builder.prismaObject('ExampleRevision', {
  fields: (t) => ({
    revision: t.exposeInt('revision', {
      description: 'The number of the wording: 1 as the example was added, one more with every edit.',
    }),
    messages: t.field({
      type: [ChatMessageType],
      description: 'The conversation as it was then.',
      select: { messages: true },
      resolve: ({ messages }) => messagesOf(messages),
    }),
    replacedBy: t.exposeString('replacedBy', { description: 'Who gave the example its next wording.' }),
    replacedAt: t.expose('replacedAt', {
      type: 'DateTime',
      description: 'When the next wording took its place.',
    }),
  }),
});

const revisionsAsked = (page: PageArgs) => ({
  where: { revision: numbersOf(page) },
  orderBy: { revision: 'asc' as const },
});

builder.prismaObjectFields(ExampleNode, (t) => ({
  reviews: t.relatedConnection('reviews', {
    cursor: 'id',
    maxSize: rowPage,
    totalCount: true,
    description:
      'What reviewers said of the example, the newest first. Those of the present `revision` that were not undone count.',
    query: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] },
  }),
  averageRating: t.float({
    nullable: true,
    description: 'The mean of the ratings that count, 1 to 5; null when nobody rated the present wording.',
    select: {
      revision: true,
      reviews: {
        where: { undoneAt: null, rating: { not: null } },
        select: { rating: true, exampleRevision: true },
      },
    },
    resolve: ({ revision, reviews }) =>
      meanOf(reviews.flatMap((one) => (one.exampleRevision === revision ? (one.rating ?? []) : []))),
  }),
  revisions: t.prismaConnection({
    type: ExampleRevisionType,
    cursor: 'exampleId_revision',
    maxSize: numberedPage,
    description: 'The earlier wordings of the example, the first one first; 1 is the original.',
    totalCount: ({ revision }) => revision - 1,
    extensions: {
      ...looksAt('Example', 'id', 'tenantId', 'revision'),
      ...comesWith('Example', 'revisions', revisionsAsked),
    },
    resolve: (page, { id, tenantId }, args, { db }) => {
      const asked = revisionsAsked(args);
      return db.exampleRevision.findMany({
        ...withoutCursor(page),
        where: { exampleId: id, tenantId, ...asked.where },
        orderBy: asked.orderBy,
      });
    },
  }),
}));

function meanOf(ratings: number[]): number | null {
  return ratings.length === 0 ? null : ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
}

interface Taken {
  datasetId: string;
  held: HeldExample | null;
}

const TakeExamplePayload = builder.objectRef<Taken>('TakeExamplePayload').implement({
  description: 'The example that is held for you, or why there is none.',
  fields: (t) => ({
    example: t.field({
      type: ExampleNode,
      nullable: true,
      description: 'The example to review; null when there is none for you now.',
      resolve: ({ held }) => held?.example ?? null,
    }),
    takenAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is held for you.',
      resolve: ({ held }) => held?.takenAt ?? null,
    }),
    heldUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is held for you; asking again before that gives you the full time anew.',
      resolve: ({ held }) => held?.heldUntil ?? null,
    }),
    heldByOthers: t.int({
      description: 'How many undecided examples others have in hand. They come back when their time is up.',
      resolve: async ({ datasetId }, _args, { services, viewer }) =>
        (await services.reviewQueue.counts(viewer, datasetId)).heldByOthers,
    }),
    waitingForOthers: t.int({
      description: 'How many undecided examples you have reviewed, and others still have to.',
      resolve: async ({ datasetId }, _args, { services, viewer }) =>
        (await services.reviewQueue.counts(viewer, datasetId)).waitingForOthers,
    }),
    dataset: t.prismaField({
      type: DatasetNode,
      description: 'The dataset, with its counts as they are now.',
      resolve: (query, { datasetId }, _args, { db, viewer }) =>
        db.dataset.findFirstOrThrow({ ...query, where: { id: datasetId, tenantId: viewer.tenantId } }),
    }),
  }),
});

const TakeExampleToReviewInput = builder.inputType('TakeExampleToReviewInput', {
  description: 'Where to take the next example from.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset to review.' }),
    skip: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether to put off the example that you hold and take another: others may have it, and for you it comes last.',
    }),
  }),
});

const ReviewExampleInput = builder.inputType('ReviewExampleInput', {
  description: 'What you say of an example.',
  fields: (t) => ({
    exampleId: t.id({ required: true, description: 'The example that you have read.' }),
    exampleRevision: t.int({
      description:
        'The `revision` that you have read; the review is refused if the example was edited since. Left out: whatever it is now.',
    }),
    verdict: t.field({
      type: ReviewVerdict,
      required: true,
      description: 'Whether the model shall learn it.',
    }),
    rating: t.int({ description: 'How good it is, 1 to 5; it decides nothing.' }),
    reason: t.string({
      description: 'Why; at most 1,000 characters. What rejects the example becomes its `rejectionReason`.',
    }),
  }),
});

builder.mutationFields((t) => ({
  takeExampleToReview: t.field({
    type: TakeExamplePayload,
    authScopes: { role: 'REVIEWER' },
    description:
      'Hands you the example that is most worth a look, and holds it for you alone. Asking again while you hold one gives the same one, for the full time anew. Never one that you have reviewed, nor one that another holds.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: TakeExampleToReviewInput, required: true, description: 'From where, and how.' }),
    },
    resolve: async (_root, { input }, { services, viewer }) => {
      const datasetId = parseId('Dataset', input.datasetId, 'input.datasetId');
      return { datasetId, held: await services.reviewQueue.take(viewer, datasetId, { skip: input.skip }) };
    },
  }),
  releaseExample: t.field({
    type: ExampleNode,
    authScopes: { role: 'REVIEWER' },
    description:
      'Gives an example back to the queue without a verdict. Harmless when you no longer hold it. A time that runs out does the same.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { id: t.arg.id({ required: true, description: 'The example that you hold.' }) },
    resolve: (_root, { id }, { services, viewer }) =>
      services.reviewQueue.release(viewer, parseId('Example', id)),
  }),
  reviewExample: t.field({
    type: ReviewNode,
    authScopes: { role: 'REVIEWER' },
    description:
      'Accepts or rejects an example, and gives it back. Once as many reviewers as the dataset’s `minReviews` have judged it, the majority decides; a tie waits for one more. You need not hold it, as long as nobody else does. The same again is harmless.',
    errors: { types: [InvalidInputError, NotFoundError, ExampleHeldError, ReviewRefusedError] },
    args: { input: t.arg({ type: ReviewExampleInput, required: true, description: 'What you say of it.' }) },
    resolve: (_root, { input: { exampleId, ...say } }, { services, viewer }) =>
      services.reviews.judge(viewer, parseId('Example', exampleId, 'input.exampleId'), say),
  }),
  undoReview: t.field({
    type: ReviewNode,
    authScopes: { role: 'REVIEWER' },
    description:
      'Takes back a review of yours, at any time as long as the example has not been edited since. The example is what the other reviews say, or goes back to the queue. A direct decision and files exported meanwhile stay as they are.',
    errors: { types: [InvalidInputError, NotFoundError, ReviewRefusedError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the review.' }) },
    resolve: (_root, { id }, { services, viewer }) => services.reviews.undo(viewer, parseId('Review', id)),
  }),
}));
