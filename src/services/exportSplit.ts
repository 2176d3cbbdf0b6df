/** Gives the members of a frozen export their parts. */
import type { Database } from '../db/database.ts';
import { Prisma, type Export } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import { lockDataset } from './dataset.ts';
import { SplitImpossibleError, type GroupInTheWay } from './errors.ts';
import { examplesOfLines, insertBlocks } from './exportBlocks.ts';
import { membersOf } from './exportLines.ts';
import { workOf, type LineStage } from './exportStage.ts';
import { DEFAULT_THRESHOLD } from './nearDuplicates.ts';
import { withNearDuplicateSearch, type NearDuplicateSearch } from './nearDuplicateSearch.ts';
import { NAMED_EXAMPLES, type TiedGroup } from './split.ts';
import { createTies } from './splitTies.ts';

interface Deps {
  db: Pick<Database, 'withTenant'>;
  stages: readonly LineStage[];
}

/**
 * Divides the members, numbers the training file's lines from 1 and the validation file's after them, and returns the
 * export with their numbers. What is compared is what will be written: the frozen wordings, reworded. Only ids and hashes
 * are held. Throws SplitImpossibleError, and the signal's reason.
 */
export async function assignParts(
  { db, stages }: Deps,
  frozen: Export,
  signal: AbortSignal | undefined,
): Promise<Export> {
  const size = frozen.exampleCount;
  const ties = createTies(size, { seed: frozen.splitSeed ?? 0, groupBy: frozen.splitGroup ?? 'CALL' });
  const { reword } = workOf(stages, frozen);

  async function compare(search: NearDuplicateSearch): Promise<void> {
    for await (const page of membersOf(
      db,
      frozen,
      { after: size, until: 2 * size, withCalls: true },
      signal,
    )) {
      const texts = await inTurns(page, async (member) => {
        const { messages } = (await reword(member)).wording;
        ties.add({ ...member, messages });
        return JSON.stringify(messages);
      });
      await search.add(texts);
    }
    ties.joinNearDuplicates(await search.groups(DEFAULT_THRESHOLD));
  }

  await withNearDuplicateSearch(compare, signal);
  const division = ties.divide(frozen.validationShare ?? 0);
  if ('inTheWay' in division) {
    throw new SplitImpossibleError(size, await namesOf(db, frozen, division.inTheWay));
  }
  return placeMembers(db, frozen, division.validation, signal);
}

/** Makes the blocks anew, those of the one part and those of the other. */
async function placeMembers(
  db: Pick<Database, 'withTenant'>,
  frozen: Export,
  validation: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Export> {
  const { id, tenantId, datasetId } = frozen;
  const size = validation.length;
  const validationExampleCount = validation.reduce((sum, one) => sum + one, 0);
  const exampleCount = size - validationExampleCount;
  const lists = Prisma.sql`
    SELECT CASE validates WHEN 1 THEN 'VALIDATION' ELSE 'TRAINING' END::export_part AS part,
      validates * ${exampleCount}::int AS before, array_agg(example_id ORDER BY line) AS example_ids,
      array_agg(revision ORDER BY line) AS revisions, array_agg(position ORDER BY line) AS positions
    FROM (
      SELECT *, get_byte(${Buffer.from(validation)}::bytea, (line - ${size + 1}::int)::int) AS validates
      FROM (
        SELECT member.*, first_line + nth - 1 AS line FROM numbered
        CROSS JOIN LATERAL unnest(example_ids, revisions, positions) WITH ORDINALITY
          AS member (example_id, revision, position, nth)
      ) AS member
    ) AS member
    GROUP BY validates`;
  signal?.throwIfAborted();
  const [placed] = await db.withTenant(tenantId, async (tx) => {
    // An erasure takes examples from blocks: it waits, or is over.
    await lockDataset(tx, frozen, datasetId);
    await tx.$executeRaw`
      WITH numbered AS (
        DELETE FROM finetuning_export_blocks WHERE tenant_id = ${tenantId}::uuid AND export_id = ${id}::uuid
        RETURNING first_line, example_ids, revisions, positions
      ) ${insertBlocks(frozen, lists)}`;
    return tx.export.updateManyAndReturn({
      where: { id, tenantId, state: 'WRITING' },
      data: { exampleCount, validationExampleCount },
    });
  });
  if (!placed) throw new Error(`Export ${id} was deleted while it was split`);
  return placed;
}

/** Tells people which examples are meant. */
async function namesOf(
  db: Pick<Database, 'withTenant'>,
  frozen: Export,
  groups: readonly TiedGroup[],
): Promise<GroupInTheWay[]> {
  const { exampleCount } = frozen;
  const named = groups.map(({ members }) => members.slice(0, NAMED_EXAMPLES));
  const lineOf = (index: number) => exampleCount + index + 1;
  const lines = named.flat().map(lineOf);
  const idOf = await db.withTenant(frozen.tenantId, (tx) => examplesOfLines(tx, frozen, lines));
  return groups.map(({ members, ties }, number) => ({
    exampleCount: members.length,
    ties,
    exampleIds: (named[number] ?? []).flatMap((index) => idOf.get(lineOf(index)) ?? []),
  }));
}
