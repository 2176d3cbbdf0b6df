import type { Dataset } from '../generated/prisma/client.ts';
import { agreementOf, type Agreement } from '../services/agreement.ts';
import type { ReviewerWork, ReviewProgress } from '../services/reviewStatus.ts';
import { batched } from './batch.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';

const progress = batched(({ services, viewer }, ids) => services.reviewStatus.progress(viewer, ids));
const agreement = batched(({ services, viewer }, ids) => services.reviewStatus.agreement(viewer, ids));
const reviewers = batched(({ services, viewer }, ids) => services.reviewStatus.reviewers(viewer, ids));

const ReviewAgreement = builder.objectRef<Agreement>('ReviewAgreement').implement({
  description:
    'How far reviewers agree on what two or more of them have judged; what they said of earlier wordings counts too.',
  fields: (t) => ({
    examples: t.exposeInt('units', { description: 'How many wordings two or more reviewers have judged.' }),
    percent: t.exposeFloat('percent', {
      nullable: true,
      description:
        'Of all pairs of verdicts on one wording, how many agree, 0 to 100; null without such pairs.',
    }),
    alpha: t.exposeFloat('alpha', {
      nullable: true,
      description:
        'Krippendorff’s alpha: 1 when all agree, 0 when they agree as often as by chance, less when less. 0.8 and more counts as reliable, less than 0.667 as not. null while all verdicts are the same.',
    }),
  }),
});

const ReviewerStatus = builder.objectRef<ReviewerWork>('ReviewerStatus').implement({
  description: 'What one reviewer has done in a dataset. Undone reviews do not count.',
  fields: (t) => ({
    reviewer: t.exposeString('reviewer', { description: 'Who it is.' }),
    accepted: t.exposeInt('accepted', { description: 'How many examples they accepted.' }),
    rejected: t.exposeInt('rejected', { description: 'How many examples they rejected.' }),
    edited: t.exposeInt('edited', { description: 'How often they gave an example a new wording.' }),
    medianSeconds: t.exposeFloat('medianSeconds', {
      nullable: true,
      description:
        'The median time from being handed an example to the verdict, in seconds; null when none came from the queue.',
    }),
    perHour: t.exposeFloat('perHour', {
      nullable: true,
      description:
        'How many verdicts they give in an hour with an example in hand, breaks left out; null when none came from the queue.',
    }),
    lastAt: t.field({
      type: 'DateTime',
      description: 'When they last judged or edited an example.',
      resolve: ({ lastAt }) => lastAt,
    }),
    agreementWithOthers: t.exposeFloat('agreementWithOthers', {
      nullable: true,
      description:
        'Of others’ verdicts on what they judged too, how many are the same as theirs, 0 to 100; null when there are none.',
    }),
  }),
});

const ReviewStatus = builder.objectRef<Dataset & ReviewProgress>('ReviewStatus').implement({
  description: 'How the review of a dataset stands.',
  fields: (t) => ({
    undecided: t.int({
      description: 'How many examples have no verdict yet: neither validated nor rejected.',
      resolve: ({ exampleCount, validatedCount, rejectedCount }) =>
        exampleCount - validatedCount - rejectedCount,
    }),
    inReview: t.exposeInt('inReview', {
      description: 'How many of them somebody has reviewed, and others still have to.',
    }),
    reviewed: t.exposeInt('reviewed', {
      description: 'How many examples got their verdict from reviews; the others from a direct decision.',
    }),
    leased: t.exposeInt('leased', { description: 'How many undecided examples reviewers have in hand.' }),
    agreement: t.field({
      type: ReviewAgreement,
      description: 'How far the reviewers agree.',
      resolve: async ({ id }, _args, context) => (await agreement(context, id)) ?? agreementOf([]),
    }),
    reviewers: t.field({
      type: [ReviewerStatus],
      description: 'Who has reviewed or edited, the busiest first.',
      resolve: async ({ id }, _args, context) => (await reviewers(context, id)) ?? [],
    }),
  }),
});

builder.prismaObjectField(DatasetNode, 'reviewStatus', (t) =>
  t.field({
    type: ReviewStatus,
    description: 'How its review stands: what is left, how far reviewers agree, and who did how much.',
    resolve: async (dataset, _args, context) => ({
      inReview: 0,
      reviewed: 0,
      leased: 0,
      ...(await progress(context, dataset.id)),
      ...dataset,
    }),
  }),
);
