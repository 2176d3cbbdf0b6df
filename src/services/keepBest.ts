/** What becomes of near-duplicates: one of each group is kept, the others are rejected. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import { InvalidInputError, NotFoundError } from './errors.ts';
import { parseInput } from './input.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

const MAX_GROUPS = 1000;

/** The best of a group comes first: validated, then of higher quality, then with the longer answer, then the earlier one. */
export const BEST_FIRST = Prisma.sql`
  example.validated DESC, example.quality_score DESC NULLS LAST, char_length(example.assistant_response) DESC,
  example.position`;

const inputSchema = z
  .object({
    datasetId: z.uuid().nullish(),
    groupIds: z
      .array(z.uuid())
      .min(1, 'must name at least one group')
      .max(MAX_GROUPS, `may name at most ${MAX_GROUPS} groups`)
      .nullish(),
    bestExampleId: z.uuid().nullish(),
  })
  .refine((input) => Object.values(input).filter((given) => given != null).length === 1, {
    message: 'give one of `datasetId`, `groupIds` and `bestExampleId`',
  });

export type KeepBestInput = z.input<typeof inputSchema>;

export interface KeptBest {
  /** How many groups were looked at. */
  groups: number;
  /** How many examples this rejected. */
  rejected: number;
  /** How many were left alone, because they were edited after the group was found. */
  edited: number;
}

export function createKeepBest({ db }: { db: Pick<Database, 'withTenant'> }) {
  /**
   * Keeps the best of each group and rejects the others, in the viewer's name and with a reason that names the group.
   * The best is the one that was proposed; where that was rejected or edited since, the next best by the same rule; and
   * `bestExampleId` in the group that it is in. Members that were edited since are left alone: they may not be alike any more. Twice
   * changes nothing more. Throws InvalidInputError, NotFoundError.
   */
  return async (viewer: Viewer, input: KeepBestInput): Promise<KeptBest> => {
    const { datasetId, groupIds, bestExampleId } = parseInput(inputSchema, input);
    const { tenantId } = viewer;
    return db.withTenant(tenantId, async (tx) => {
      if (datasetId != null) await lockDataset(tx, viewer, datasetId);
      const ids = bestExampleId == null ? [...new Set(groupIds)] : [await groupOf(tx, viewer, bestExampleId)];
      await lockDatasetsOf(tx, viewer, ids);
      const wanted = bestExampleId ?? null;
      const which =
        datasetId == null
          ? Prisma.sql`groups.id = ANY(${ids}::uuid[])`
          : Prisma.sql`groups.dataset_id = ${datasetId}::uuid`;
      const [kept] = await tx.$queryRaw<KeptBest[]>`
        WITH member AS (
          SELECT groups.id AS group_id, example.id, example.position, example.rejected,
            example.revision <> member.example_revision AND example.id IS DISTINCT FROM ${wanted}::uuid AS edited,
            row_number() OVER (
              PARTITION BY groups.id
              ORDER BY example.id IS DISTINCT FROM ${wanted}::uuid, example.rejected,
                example.revision <> member.example_revision, member.number <> 1, ${BEST_FIRST}
            ) AS rank
          FROM finetuning_duplicate_groups AS groups
          JOIN finetuning_duplicate_members AS member ON member.group_id = groups.id
          JOIN finetuning_examples AS example ON example.id = member.example_id
          WHERE groups.tenant_id = ${tenantId}::uuid AND ${which}
        ), best AS (
          SELECT * FROM member WHERE rank = 1 AND NOT rejected
        ), rejected AS (
          UPDATE finetuning_examples AS example
          SET rejected = true, rejected_by = ${viewer.subject}, rejected_at = now(), updated_at = now(),
            rejection_reason = format('Near-duplicate of the example at position %s, which was kept; group %s',
              best.position, best.group_id),
            validated = false, validated_by = NULL, validated_at = NULL, decided_by_reviews = false
          FROM member JOIN best USING (group_id)
          WHERE example.id = member.id AND member.rank > 1 AND NOT member.edited AND NOT example.rejected
          RETURNING example.id
        ), marked AS (
          UPDATE finetuning_duplicate_members AS row SET kept = best.id = row.example_id
          FROM best WHERE row.group_id = best.group_id AND row.kept <> (best.id = row.example_id)
        ), settled AS (
          UPDATE finetuning_duplicate_groups AS groups SET settled_at = now()
          FROM member WHERE groups.id = member.group_id AND groups.settled_at IS NULL
        )
        SELECT (SELECT count(DISTINCT group_id)::int FROM member) AS groups, (SELECT count(*)::int FROM rejected) AS rejected,
          (SELECT count(*)::int FROM member WHERE edited AND rank > 1) AS edited`;
      if (!kept || kept.rejected === 0) return kept ?? { groups: 0, rejected: 0, edited: 0 };
      await recordAudit(tx, viewer, {
        action: 'KEEP_BEST_OF_DUPLICATES',
        ...(datasetId == null
          ? { subjectType: 'DuplicateGroup', subjectId: ids[0] ?? '' }
          : { subjectType: 'Dataset', subjectId: datasetId }),
        detail: { groups: kept.groups, rejected: kept.rejected },
      });
      return kept;
    });
  };
}

/** Locks the datasets of the groups, in one order for everybody. Throws NotFoundError for a group that is not there. */
async function lockDatasetsOf(tx: Tx, viewer: Viewer, groupIds: string[]): Promise<void> {
  if (groupIds.length === 0) return;
  const query = {
    where: { tenantId: viewer.tenantId, id: { in: groupIds } },
    select: { id: true, datasetId: true },
  };
  const before = await tx.duplicateGroup.findMany(query);
  for (const datasetId of [...new Set(before.map((group) => group.datasetId))].toSorted()) {
    await lockDataset(tx, viewer, datasetId);
  }
  // A search may have replaced them until they were locked.
  const found = new Set((await tx.duplicateGroup.findMany(query)).map(({ id }) => id));
  const missing = groupIds.find((id) => !found.has(id));
  if (missing !== undefined) throw new NotFoundError('group of near-duplicates', missing);
}

/** The group of an example that is to be kept. Throws NotFoundError, InvalidInputError. */
async function groupOf(tx: Tx, viewer: Viewer, id: string): Promise<string> {
  const where = { id, tenantId: viewer.tenantId };
  const before = await tx.example.findFirst({ where, select: { datasetId: true } });
  if (!before) throw new NotFoundError('example', id);
  await lockDataset(tx, viewer, before.datasetId);
  const example = await tx.example.findFirst({ where, include: { duplicates: { take: 1 } } });
  if (!example) throw new NotFoundError('example', id);
  const [member] = example.duplicates;
  if (member && !example.rejected) return member.groupId;
  const message = member
    ? 'must be an example that is not rejected; validate it first'
    : 'must be an example of a group that findDuplicates found';
  throw new InvalidInputError([{ field: 'input.bestExampleId', message }]);
}
