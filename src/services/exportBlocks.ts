/**
 * Which wording of which example is which line of an export, kept in blocks of lines that follow each other in one file:
 * how lines and examples are found in them. Whoever freezes (exportFreeze.ts) or splits (exportSplit.ts) writes them.
 */
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Export } from '../generated/prisma/client.ts';

/** How many lines a block has at most. */
export const BLOCK_LINES = 250;

/** The condition on `firstLine` of blocks which hold lines `from` to `until`; a block next to them may meet it too. */
export function blocksOfLines(from: number, until: number): { gt: number; lte: number } {
  return { gt: from - BLOCK_LINES, lte: until };
}

/**
 * An INSERT of the blocks for `lists`: a SELECT of one row a `part`, with how many lines come `before` it and its members
 * in order, as the arrays `example_ids`, `revisions` and `positions`.
 */
export function insertBlocks(
  { tenantId, id }: Pick<Export, 'tenantId' | 'id'>,
  lists: Prisma.Sql,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO finetuning_export_blocks (tenant_id, export_id, part, first_line, example_ids, revisions, positions)
    SELECT ${tenantId}::uuid, ${id}::uuid, part, before + nth, ${ofBlock('example_ids')}, ${ofBlock('revisions')},
      ${ofBlock('positions')}
    FROM (${lists}) AS lists CROSS JOIN generate_series(1, cardinality(example_ids), ${BLOCK_LINES}::int) AS nth`;
}

const ofBlock = (list: string) => Prisma.raw(`${list}[nth:nth + ${BLOCK_LINES - 1}]`);

/** The example of each of an export's lines, null where it was erased; lines that the export does not have are left out. */
export async function examplesOfLines(
  tx: Tx,
  { tenantId, id }: Pick<Export, 'tenantId' | 'id'>,
  lines: readonly number[],
): Promise<Map<number, string | null>> {
  const found = await tx.$queryRaw<{ line: number; exampleId: string | null }[]>`
    SELECT line, example_ids[line - first_line + 1] AS "exampleId"
    FROM unnest(${lines}::int[]) AS line
    CROSS JOIN LATERAL (
      SELECT first_line, example_ids FROM finetuning_export_blocks
      WHERE tenant_id = ${tenantId}::uuid AND export_id = ${id}::uuid AND first_line <= line
      ORDER BY first_line DESC LIMIT 1
    ) AS block
    WHERE line < first_line + cardinality(example_ids)`;
  return new Map(found.map(({ line, exampleId }) => [line, exampleId]));
}

/**
 * Where exports hold an example, of a table that is called so in the FROM: `export_id`, `part`, `first_line` of the block and
 * `nth` in it, from 1. By keys all the way, however many exports there are and however large.
 */
export const LINES_OF_EXAMPLE = Prisma.sql`finetuning_export_lines(
  example.tenant_id, example.dataset_id, example.id, example.position)`;

/** Takes the examples, which are to be deleted, from their lines. */
export async function emptyLines(tx: Tx, tenantId: string, exampleIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE finetuning_export_blocks AS block SET example_ids = (
      SELECT array_agg(CASE WHEN nth <> ALL(emptied.nths) THEN example_id END ORDER BY nth)
      FROM unnest(block.example_ids) WITH ORDINALITY AS member (example_id, nth)
    )
    FROM (
      SELECT held.export_id, held.first_line, array_agg(held.nth) AS nths
      FROM finetuning_examples AS example CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
      WHERE example.tenant_id = ${tenantId}::uuid AND example.id = ANY(${exampleIds}::uuid[])
      GROUP BY 1, 2
    ) AS emptied
    WHERE block.tenant_id = ${tenantId}::uuid AND block.export_id = emptied.export_id
      AND block.first_line = emptied.first_line`;
}
