/** The lines that an export of a dataset would have now. */
import type { Database } from '../../db/database.ts';
import type { Tx } from '../../db/tenancy.ts';
import type { Dataset } from '../../generated/prisma/client.ts';
import { renderChatLine } from '../jsonl.ts';
import type { RawLine } from './checkLines.ts';

/**
 * How many positions are looked at at once, and how many bytes of examples as PostgreSQL stores them, which may be
 * compressed. The embedded database holds up the event loop for as long as it reads a page.
 */
const PAGE = { positions: 250, bytes: 256 * 1024 };

interface Row {
  id: string;
  position: number;
  messages: unknown;
  tools: unknown;
  parallelToolCalls: boolean | null;
  tokens: number | null;
  ownSystemPrompt: boolean;
}

/** The validated examples in their order, each as its line; no transaction lasts longer than a page. */
export async function* datasetLines(
  db: Pick<Database, 'withTenant'>,
  dataset: Dataset,
): AsyncGenerator<RawLine> {
  const { tenantId, systemPrompt, systemPromptTokens } = dataset;
  let after = 0;
  for (;;) {
    const from = after;
    const page = await db.withTenant(tenantId, (tx) => readPage(tx, dataset, from));
    for (const { id, position, tokens, ownSystemPrompt, ...example } of page) {
      after = position;
      yield {
        bytes: Buffer.from(renderChatLine({ ...example, systemPrompt })),
        exampleId: id,
        tokens: tokens === null ? null : tokens + (ownSystemPrompt ? 0 : systemPromptTokens),
      };
    }
    if (page.length > 0) continue;
    const next = await db.withTenant(tenantId, (tx) => nextPosition(tx, dataset, from));
    if (next === null) return;
    after = next - 1;
  }
}

/**
 * The validated examples at the next positions, at least the first of them, however long it is. The positions are a range,
 * not a LIMIT: without statistics PostgreSQL would read and sort all that is left for each page.
 */
function readPage(tx: Tx, { tenantId, id }: Dataset, after: number): Promise<Row[]> {
  return tx.$queryRaw<Row[]>`
    SELECT id, position, messages, tools, "parallelToolCalls", tokens, "ownSystemPrompt"
    FROM (
      SELECT *, sum(pg_column_size(messages) + coalesce(pg_column_size(tools), 0))
        OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM (
        SELECT id, position, messages, tools, parallel_tool_calls AS "parallelToolCalls", tokens,
          own_system_prompt AS "ownSystemPrompt"
        FROM finetuning_examples
        WHERE tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND dataset_id = ${id}::uuid AND validated
          AND position > ${after} AND position <= ${after + PAGE.positions}
      ) AS next
    ) AS page
    WHERE bytes_before IS NULL OR bytes_before < ${PAGE.bytes}
    ORDER BY position`;
}

/** Where the next validated example is: positions may skip numbers, and other examples lie between. */
async function nextPosition(tx: Tx, { tenantId, id }: Dataset, after: number): Promise<number | null> {
  const [found] = await tx.$queryRaw<{ position: number | null }[]>`
    SELECT min(position) AS position FROM finetuning_examples
    WHERE tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND dataset_id = ${id}::uuid AND validated
      AND position > ${after}`;
  return found?.position ?? null;
}
