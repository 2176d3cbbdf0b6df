/** Near-duplicates within a dataset: looking for them. What becomes of them is in keepBest.ts. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Dataset } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import { InvalidInputError, NotFoundError } from './errors.ts';
import { parseInput } from './input.ts';
import { BEST_FIRST, createKeepBest } from './keepBest.ts';
import { DEFAULT_THRESHOLD, MAX_TEXTS, MIN_THRESHOLD } from './nearDuplicates.ts';
import { withNearDuplicateSearch, type NearDuplicateSearch } from './nearDuplicateSearch.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

const inputSchema = z.object({
  datasetId: z.uuid(),
  threshold: z.number().min(MIN_THRESHOLD).max(1).default(DEFAULT_THRESHOLD),
});

export type FindDuplicatesInput = z.input<typeof inputSchema>;

export interface DuplicateSearchResult {
  dataset: Dataset;
  /** How many examples were compared. */
  compared: number;
  groups: number;
  /** How many examples are in them. */
  examples: number;
}

/** How many examples are read at once, and how many bytes of them as PostgreSQL stores them, which may be compressed. */
const PAGE = { examples: 500, bytes: 2 * 1024 * 1024 };
/** About how many members one statement writes. */
const WRITTEN_AT_ONCE = 10_000;

/** What was compared, in the order of reading: the wording that each number of the search stands for. */
interface Compared {
  ids: string[];
  revisions: number[];
  /** Where the last of them stands in the dataset. */
  lastPosition: number;
}

export type DuplicateService = ReturnType<typeof createDuplicateService>;

export function createDuplicateService({ db }: { db: Pick<Database, 'withTenant' | 'grew'> }) {
  const inTurn = createTurns();

  /**
   * Compares all examples of a dataset but the rejected ones, and stores the groups of those that say nearly the same
   * in place of the ones found before. The dataset is locked only while they are written: examples that were edited,
   * rejected or deleted meanwhile are left out of them. One search at a time; the next waits. An abort leaves the
   * groups as they were. Throws InvalidInputError, NotFoundError, and the signal's reason.
   */
  async function find(
    viewer: Viewer,
    input: FindDuplicatesInput,
    signal?: AbortSignal,
  ): Promise<DuplicateSearchResult> {
    const { datasetId, threshold } = parseInput(inputSchema, input);
    const { tenantId } = viewer;
    return inTurn(() =>
      withNearDuplicateSearch(async (search) => {
        const foundAt = await begin(viewer, datasetId);
        const compared = await readInto(search, viewer, datasetId);
        const groups = await search.groups(threshold);
        const result = await db.withTenant(tenantId, async (tx) => {
          signal?.throwIfAborted();
          await lockDataset(tx, viewer, datasetId);
          await tx.duplicateGroup.deleteMany({ where: { tenantId, datasetId } });
          let written = { groups: 0, examples: 0 };
          for (const some of batchesOf(groups)) {
            const more = await write(tx, search, compared, some, { tenantId, datasetId, threshold, foundAt });
            written = { groups: written.groups + more.groups, examples: written.examples + more.examples };
          }
          const [dataset] = await tx.dataset.updateManyAndReturn({
            where: { id: datasetId, tenantId },
            data: {
              duplicatesFoundAt: foundAt,
              duplicatesThreshold: threshold,
              duplicatesCompared: compared.ids.length,
              duplicatesLastPosition: compared.lastPosition,
            },
          });
          if (!dataset) throw new NotFoundError('dataset', datasetId);
          await recordAudit(tx, viewer, {
            action: 'FIND_DUPLICATES',
            subjectType: 'Dataset',
            subjectId: datasetId,
            detail: { threshold, groups: written.groups },
          });
          return { dataset, compared: compared.ids.length, ...written };
        });
        db.grew('finetuning_duplicate_members', result.examples);
        return result;
      }, signal),
    );
  }

  /** The time at which the search begins, by the database's clock. Throws NotFoundError, InvalidInputError. */
  async function begin({ tenantId }: Viewer, datasetId: string): Promise<Date> {
    const [row] = await db.withTenant(
      tenantId,
      (tx) => tx.$queryRaw<{ now: Date; examples: number }[]>`
        SELECT now() AS now, example_count - rejected_count AS examples FROM finetuning_datasets
        WHERE id = ${datasetId}::uuid AND tenant_id = ${tenantId}::uuid`,
    );
    if (!row) throw new NotFoundError('dataset', datasetId);
    if (row.examples <= MAX_TEXTS) return row.now;
    const message = `must be a dataset of at most ${MAX_TEXTS} examples that are not rejected, not ${row.examples}`;
    throw new InvalidInputError([{ field: 'input.datasetId', message }]);
  }

  /** Hands the examples to the search page by page, each in a transaction of its own. */
  async function readInto(
    search: NearDuplicateSearch,
    { tenantId }: Viewer,
    datasetId: string,
  ): Promise<Compared> {
    const compared: Compared = { ids: [], revisions: [], lastPosition: 0 };
    for (;;) {
      const page = await db.withTenant(tenantId, (tx) =>
        nextPage(tx, tenantId, datasetId, compared.lastPosition),
      );
      const last = page.at(-1);
      if (last === undefined || compared.ids.length + page.length > MAX_TEXTS) return compared;
      await search.add(page.map(({ messages }) => messages));
      for (const { id, revision } of page) {
        compared.ids.push(id);
        compared.revisions.push(revision);
      }
      compared.lastPosition = last.position;
    }
  }

  return { find, keepBest: createKeepBest({ db }) };
}

interface ExampleRow {
  id: string;
  position: number;
  revision: number;
  /** As JSON text: it is read where there is time. */
  messages: string;
}

/** The next examples after a position. At least one, however long it is. */
function nextPage(tx: Tx, tenantId: string, datasetId: string, after: number): Promise<ExampleRow[]> {
  return tx.$queryRaw<ExampleRow[]>`
    SELECT id, position, revision, messages::text AS messages
    FROM (
      SELECT *, sum(pg_column_size(messages))
        OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM (
        SELECT id, position, revision, messages FROM finetuning_examples
        WHERE tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND dataset_id = ${datasetId}::uuid
          AND position > ${after} AND NOT rejected
        ORDER BY position LIMIT ${PAGE.examples}
      ) AS next
    ) AS page
    WHERE bytes_before IS NULL OR bytes_before < ${PAGE.bytes}
    ORDER BY position`;
}

/** Groups of some ten thousand examples together, or a single larger one. */
function* batchesOf(groups: readonly number[][]): Generator<number[][]> {
  let batch: number[][] = [];
  let size = 0;
  for (const group of groups) {
    if (size > 0 && size + group.length > WRITTEN_AT_ONCE) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(group);
    size += group.length;
  }
  if (size > 0) yield batch;
}

/** Writes some groups, and returns how many, and of how many examples: what changed meanwhile is left out. */
async function write(
  tx: Tx,
  search: NearDuplicateSearch,
  { ids, revisions }: Compared,
  groups: readonly number[][],
  row: { tenantId: string; datasetId: string; threshold: number; foundAt: Date },
): Promise<{ groups: number; examples: number }> {
  const { tenantId, datasetId, threshold, foundAt } = row;
  const members = groups.flat();
  // As texts: Prisma takes long over lists of as many parameters.
  const given = Prisma.sql`
    SELECT * FROM unnest(
      string_to_array(${members.join()}, ',')::int[],
      string_to_array(${members.map((number) => ids[number]).join()}, ',')::uuid[],
      string_to_array(${members.map((number) => revisions[number]).join()}, ',')::int[],
      string_to_array(${groups.flatMap((group, place) => group.map(() => place)).join()}, ',')::int[]
    ) AS given (number, id, revision, place)`;
  const unchanged = Prisma.sql`
    example.id = given.id AND example.revision = given.revision AND NOT example.rejected
      AND example.tenant_id = ${tenantId}::uuid AND example.dataset_id = ${datasetId}::uuid`;
  const [ranked] = await tx.$queryRaw<{ bests: number[] | null }[]>`
    SELECT array_agg(number ORDER BY place) AS bests FROM (
      SELECT given.place, (array_agg(given.number ORDER BY ${BEST_FIRST}))[1] AS number
      FROM (${given}) AS given JOIN finetuning_examples AS example ON ${unchanged}
      GROUP BY given.place HAVING count(*) > 1
    ) AS best`;
  const bests = new Set(ranked?.bests);
  const pairs = groups.flatMap((group): [number, number][] => {
    const best = group.find((number) => bests.has(number));
    return group.map((number) => [best ?? number, number]);
  });
  const similarities = await search.similarities(pairs);
  const [written] = await tx.$queryRaw<{ groups: number; examples: number }[]>`
    WITH member AS (
      SELECT given.place, given.id, given.revision, measured.best = given.number AS best, measured.similarity,
        row_number() OVER (
          PARTITION BY given.place ORDER BY measured.best = given.number DESC, measured.similarity DESC, given.number
        ) AS number,
        count(*) OVER (PARTITION BY given.place) AS size
      FROM (${given}) AS given
      JOIN unnest(
        string_to_array(${members.join()}, ',')::int[],
        string_to_array(${pairs.map(([best]) => best).join()}, ',')::int[],
        string_to_array(${similarities.join()}, ',')::float8[]
      ) AS measured (number, best, similarity) USING (number)
      JOIN finetuning_examples AS example ON ${unchanged}
    ), made AS (
      INSERT INTO finetuning_duplicate_groups (tenant_id, dataset_id, best_example_id, size, threshold, found_at)
      SELECT ${tenantId}::uuid, ${datasetId}::uuid, id, size, ${threshold}::float8, ${foundAt}::timestamptz
      FROM member
      WHERE best AND size > 1
      RETURNING id, best_example_id
    ), added AS (
      INSERT INTO finetuning_duplicate_members (tenant_id, group_id, example_id, number, example_revision, similarity)
      SELECT ${tenantId}::uuid, made.id, member.id, member.number, member.revision, member.similarity
      FROM made
      JOIN member AS best ON best.id = made.best_example_id
      JOIN member ON member.place = best.place
      RETURNING group_id
    )
    SELECT count(DISTINCT group_id)::int AS groups, count(*)::int AS examples FROM added`;
  return written ?? { groups: 0, examples: 0 };
}

/** Runs what it is given one after the other, so that however many ask, no more than one search takes memory and time. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
