/** Gives the members of a frozen export their parts. */
import type { Database } from '../db/database.ts';
import type { Export } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import { SplitImpossibleError, type GroupInTheWay } from './errors.ts';
import { membersOf } from './exportLines.ts';
import { workOf, type LineStage } from './exportStage.ts';
import { DEFAULT_THRESHOLD } from './nearDuplicates.ts';
import { withNearDuplicateSearch, type NearDuplicateSearch } from './nearDuplicateSearch.ts';
import { NAMED_EXAMPLES, type TiedGroup } from './split.ts';
import { createTies } from './splitTies.ts';

/** How many members one transaction gives their parts and lines. */
const PLACED_AT_ONCE = 5000;

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

async function placeMembers(
  db: Pick<Database, 'withTenant'>,
  frozen: Export,
  validation: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Export> {
  const { id, tenantId } = frozen;
  const size = validation.length;
  const validationExampleCount = validation.reduce((sum, one) => sum + one, 0);
  const exampleCount = size - validationExampleCount;
  let [training, validated] = [0, exampleCount];
  for (let from = 0; from < size; from += PLACED_AT_ONCE) {
    signal?.throwIfAborted();
    const lines = [...validation.subarray(from, from + PLACED_AT_ONCE)].map((one) =>
      one === 1 ? (validated += 1) : (training += 1),
    );
    await db.withTenant(
      tenantId,
      (tx) => tx.$executeRaw`
        UPDATE finetuning_export_examples AS member SET line = placed.line,
          part = CASE WHEN placed.line > ${exampleCount} THEN 'VALIDATION' ELSE 'TRAINING' END::export_part
        FROM unnest(${lines}::int[]) WITH ORDINALITY AS placed (line, nth)
        WHERE member.tenant_id = ${tenantId}::uuid AND member.export_id = ${id}::uuid
          AND member.line = ${size + from} + placed.nth`,
    );
  }
  const data = { exampleCount, validationExampleCount };
  const [placed] = await db.withTenant(tenantId, (tx) =>
    tx.export.updateManyAndReturn({ where: { id, tenantId, state: 'WRITING' }, data }),
  );
  if (!placed) throw new Error(`Export ${id} was deleted while it was split`);
  return placed;
}

/** Tells people which examples are meant. */
async function namesOf(
  db: Pick<Database, 'withTenant'>,
  { id, tenantId, exampleCount }: Export,
  groups: readonly TiedGroup[],
): Promise<GroupInTheWay[]> {
  const named = groups.map(({ members }) => members.slice(0, NAMED_EXAMPLES));
  const lines = named.flat().map((index) => exampleCount + index + 1);
  const found = await db.withTenant(tenantId, (tx) =>
    tx.exportExample.findMany({ where: { exportId: id, tenantId, line: { in: lines } } }),
  );
  const idOf = new Map(found.map(({ line, exampleId }) => [line - exampleCount - 1, exampleId]));
  return groups.map(({ members, ties }, number) => ({
    exampleCount: members.length,
    ties,
    exampleIds: (named[number] ?? []).flatMap((index) => idOf.get(index) ?? []),
  }));
}
