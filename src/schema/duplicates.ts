/** Near-duplicates within a dataset. */
import type { DuplicateSearchResult } from '../services/duplicates.ts';
import { InvalidInputError, NotFoundError } from '../services/errors.ts';
import type { KeptBest } from '../services/keepBest.ts';
import { DEFAULT_THRESHOLD } from '../services/nearDuplicates.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleNode } from './example.ts';
import { ownRow, parseId, parseOptionalId } from './ids.ts';
import { OrderDirection } from './order.ts';
import { numberedPage, numbersOf, orCursorRow, rowPage, withoutCursor, type PageArgs } from './page.ts';
import { comesWith, looksAt } from './plan/fieldFacts.ts';

const DuplicateMemberType = builder.prismaObject('DuplicateMember', {
  fields: (t) => ({
    number: t.exposeInt('number'),
    example: t.relation('example', { type: ExampleNode, description: 'The example as it is now.' }),
    similarity: t.exposeFloat('similarity'),
    edited: t.boolean({
      description: 'Whether the example was edited after it was compared, and so may not be alike any more.',
      select: { exampleRevision: true, example: { select: { revision: true } } },
      resolve: ({ exampleRevision, example }) => exampleRevision !== example.revision,
    }),
    kept: t.exposeBoolean('kept'),
  }),
});

const membersAsked = (page: PageArgs) => ({
  where: { number: numbersOf(page) },
  orderBy: { number: 'asc' as const },
});

const DuplicateGroupNode = builder.prismaNode('DuplicateGroup', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    dataset: t.relation('dataset', {
      type: DatasetNode,
      description: 'The dataset that the examples are in.',
    }),
    size: t.exposeInt('size'),
    remaining: t.int({
      description: 'How many of them are not rejected; with more than one there is something to decide.',
      select: { _count: { select: { members: { where: { example: { rejected: false } } } } } },
      resolve: ({ _count }) => _count.members,
    }),
    threshold: t.exposeFloat('threshold'),
    foundAt: t.expose('foundAt', { type: 'DateTime' }),
    settledAt: t.expose('settledAt', { type: 'DateTime', nullable: true }),
    best: t.relation('best', {
      type: ExampleNode,
      description:
        'The one that is proposed to be kept: of the validated ones, else of all, the one of the highest quality, then with the longest answer, then the earliest; as it was when the group was found.',
    }),
    members: t.prismaConnection({
      type: DuplicateMemberType,
      cursor: 'groupId_number',
      maxSize: numberedPage,
      description: 'The examples of the group: the best, then the others, the most similar to it first.',
      totalCount: ({ size }) => size,
      extensions: {
        ...looksAt('DuplicateGroup', 'id', 'tenantId', 'size'),
        ...comesWith('DuplicateGroup', 'members', membersAsked),
      },
      resolve: (page, { id, tenantId }, args, { db }) => {
        const asked = membersAsked(args);
        return db.duplicateMember.findMany({
          ...withoutCursor(page),
          where: { groupId: id, tenantId, ...asked.where },
          orderBy: asked.orderBy,
        });
      },
    }),
  }),
});

builder.prismaObjectField(DuplicateMemberType, 'group', (t) =>
  t.relation('group', {
    type: DuplicateGroupNode,
    description: 'The group, with the one of it that is proposed to be kept.',
  }),
);

const DuplicateGroupFilter = builder.inputType('DuplicateGroupFilter', {
  description: 'Keeps the groups for which everything given holds.',
  fields: (t) => ({
    settled: t.boolean({
      description: 'Only groups of which `keepBestOfDuplicates` has, or has not, kept one.',
    }),
    minSize: t.int({ description: 'Only groups of at least this many examples.' }),
  }),
});

const DuplicateGroupOrder = builder.inputType('DuplicateGroupOrder', {
  description: 'The order of a list of groups.',
  fields: (t) => ({
    field: t.field({
      required: true,
      defaultValue: 'size',
      description: 'What to order by.',
      type: builder.enumType('DuplicateGroupOrderField', {
        description: 'What groups can be ordered by.',
        values: {
          SIZE: { value: 'size', description: 'How many examples the group holds.' },
          SETTLED_AT: {
            value: 'settledAt',
            description: 'When one of it was kept; groups of which none was come last.',
          },
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

type GroupFilter = typeof DuplicateGroupFilter.$inferInput | null | undefined;
type GroupOrder = typeof DuplicateGroupOrder.$inferInput | null | undefined;

function groupWhere(filter: GroupFilter) {
  const { settled, minSize } = filter ?? {};
  return {
    ...(settled != null && { settledAt: settled ? { not: null } : null }),
    ...(minSize != null && { size: { gte: minSize } }),
  };
}

function groupOrder(order: GroupOrder) {
  const { field, direction } = order ?? { field: 'size' as const, direction: 'desc' as const };
  if (field === 'size') return [{ size: direction }, { id: 'asc' as const }];
  return [{ settledAt: { sort: direction, nulls: 'last' as const } }, { id: 'asc' as const }];
}

builder.prismaObjectField(DatasetNode, 'duplicateGroups', (t) =>
  t.relatedConnection('duplicateGroups', {
    cursor: 'id',
    maxSize: rowPage,
    totalCount: true,
    description:
      'The groups of near-duplicates that `findDuplicates` found last, the largest first unless ordered otherwise.',
    args: {
      filter: t.arg({ type: DuplicateGroupFilter, description: 'Which groups; all without it.' }),
      orderBy: t.arg({ type: DuplicateGroupOrder, description: 'In which order.' }),
    },
    query: ({ filter, orderBy, ...page }) => ({
      where: orCursorRow(groupWhere(filter), page),
      orderBy: groupOrder(orderBy),
    }),
  }),
);

builder.prismaObjectField(ExampleNode, 'duplicate', (t) =>
  t.field({
    type: DuplicateMemberType,
    nullable: true,
    description:
      'The example’s place among its near-duplicates, as `findDuplicates` found them last; null when it has none, or none were looked for.',
    select: (_args, _context, nestedSelection) => ({ duplicates: nestedSelection({ take: 1 }) }),
    resolve: ({ duplicates }) => duplicates[0] ?? null,
  }),
);

const FindDuplicatesInput = builder.inputType('FindDuplicatesInput', {
  description: 'Where to look for near-duplicates, and how near they shall be.',
  fields: (t) => ({
    datasetId: t.id({
      required: true,
      description: 'The dataset whose examples are compared with each other.',
    }),
    threshold: t.float({
      required: true,
      defaultValue: DEFAULT_THRESHOLD,
      description:
        'How similar two examples have to be, 0.5 to 1: the share of the runs of three words of both that are in each (the Jaccard similarity of their word shingles). Case, punctuation and the system message do not count.',
    }),
  }),
});

const FindDuplicatesPayload = builder.objectRef<DuplicateSearchResult>('FindDuplicatesPayload').implement({
  description: 'What a search for near-duplicates found.',
  fields: (t) => ({
    dataset: t.field({
      type: DatasetNode,
      description: 'The dataset; its `duplicateGroups` are what was found.',
      resolve: ({ dataset }) => dataset,
    }),
    compared: t.exposeInt('compared', {
      description: 'How many examples were compared: all but the rejected ones.',
    }),
    groups: t.exposeInt('groups', { description: 'How many groups of near-duplicates there are.' }),
    examples: t.exposeInt('examples', { description: 'How many examples are in them.' }),
  }),
});

const KeepBestOfDuplicatesInput = builder.inputType('KeepBestOfDuplicatesInput', {
  description: 'Of which groups of near-duplicates one is kept. Give one of these.',
  fields: (t) => ({
    datasetId: t.id({ description: 'All groups that were found in this dataset.' }),
    groupIds: t.idList({ description: 'These groups, up to 1,000.' }),
    bestExampleId: t.id({
      description:
        'The group that this example is in, of which this one is kept; it must not be rejected. Else the one is kept that is proposed, or the next best where that was rejected or edited since.',
    }),
  }),
});

const KeepBestOfDuplicatesPayload = builder.objectRef<KeptBest>('KeepBestOfDuplicatesPayload').implement({
  description: 'What became of groups of near-duplicates.',
  fields: (t) => ({
    groups: t.exposeInt('groups', {
      description: 'How many groups were settled, also those that were before.',
    }),
    rejected: t.exposeInt('rejected', { description: 'How many examples this rejected.' }),
    edited: t.exposeInt('edited', {
      description:
        'How many examples were left alone, because they were edited after the group was found: look for near-duplicates again.',
    }),
  }),
});

builder.mutationFields((t) => ({
  findDuplicates: t.field({
    type: FindDuplicatesPayload,
    authScopes: { role: 'EDITOR' },
    description:
      'Compares the examples of a dataset with each other, and keeps the groups of those that say nearly the same in place of those found before. Nothing is rejected by it. Of 100,000 examples it takes some tens of seconds. It stops when you no longer wait for it, and leaves the groups as they were.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: FindDuplicatesInput, required: true, description: 'Where, and how near.' }),
    },
    resolve: (_root, { input: { datasetId, threshold } }, { services, viewer, gone }) =>
      services.duplicates.find(
        viewer,
        { datasetId: parseId('Dataset', datasetId, 'input.datasetId'), threshold },
        gone(),
      ),
  }),
  keepBestOfDuplicates: t.field({
    type: KeepBestOfDuplicatesPayload,
    authScopes: { role: 'REVIEWER' },
    description:
      'Keeps the best of each group of near-duplicates and rejects the others, with a reason that names the group. Doing it again changes nothing more.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: KeepBestOfDuplicatesInput, required: true, description: 'Of which groups.' }),
    },
    resolve: (_root, { input: { datasetId, groupIds, bestExampleId } }, { services, viewer }) =>
      services.duplicates.keepBest(viewer, {
        datasetId: parseOptionalId('Dataset', datasetId, 'input.datasetId'),
        groupIds: groupIds?.map((id, index) => parseId('DuplicateGroup', id, `input.groupIds[${index}]`)),
        bestExampleId: parseOptionalId('Example', bestExampleId, 'input.bestExampleId'),
      }),
  }),
}));
