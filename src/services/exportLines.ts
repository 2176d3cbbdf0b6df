/** An export's lines, read in the wordings that it froze. */
import type { Tx } from '../db/tenancy.ts';
import type { Export } from '../generated/prisma/client.ts';
import { renderChatLine } from './jsonl.ts';

/** How many lines are read at once, and how many bytes of them as PostgreSQL stores them, which may be compressed. */
const PAGE = { lines: 1000, bytes: 4 * 1024 * 1024 };

export interface Member {
  /** Counted from 1. */
  line: number;
  messages: unknown;
  tools: unknown;
  parallelToolCalls: boolean | null;
}

/**
 * The next lines after `after`, in order, in the wording that was frozen: the example's own while it has not been
 * edited since, else the one that the edit kept. At least one line, however long it is.
 *
 * Written so that PostgreSQL can only go by the keys, since the statistics know nothing yet of rows just inserted:
 * LATERAL with LIMIT 1 is looked up row by row, and a tenant that is no constant in an indexable condition does not
 * make an index that begins with the tenant look as good as the key. Either mistake makes page n read n pages.
 */
export function readMembers(tx: Tx, { tenantId, id }: Export, after: number): Promise<Member[]> {
  return tx.$queryRaw<Member[]>`
    SELECT line, messages, tools, parallel_tool_calls AS "parallelToolCalls"
    FROM (
      SELECT *, sum(pg_column_size(messages) + coalesce(pg_column_size(tools), 0))
        OVER (ORDER BY line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM (
        SELECT member.line,
          CASE WHEN now.revision = example_revision THEN now.messages ELSE old.messages END AS messages,
          CASE WHEN now.revision = example_revision THEN now.tools ELSE old.tools END AS tools,
          CASE WHEN now.revision = example_revision THEN now.parallel_tool_calls ELSE old.parallel_tool_calls END
            AS parallel_tool_calls
        FROM (
          SELECT tenant_id, line, example_id, example_revision FROM finetuning_export_examples
          WHERE tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND export_id = ${id}::uuid AND line > ${after}
          ORDER BY line LIMIT ${PAGE.lines}
        ) AS member
        CROSS JOIN LATERAL (
          SELECT revision, messages, tools, parallel_tool_calls FROM finetuning_examples
          WHERE tenant_id = member.tenant_id AND id = member.example_id LIMIT 1
        ) AS now
        LEFT JOIN LATERAL (
          SELECT messages, tools, parallel_tool_calls FROM finetuning_example_revisions
          WHERE tenant_id = member.tenant_id AND example_id = member.example_id
            AND revision = member.example_revision AND now.revision <> member.example_revision LIMIT 1
        ) AS old ON true
      ) AS wording
    ) AS page
    WHERE bytes_before IS NULL OR bytes_before < ${PAGE.bytes}
    ORDER BY line`;
}

/** The member's line with the newline at its end. Throws an Error that names the line and none of its content. */
export function renderMember(of: Export, { line, messages, tools, parallelToolCalls }: Member): string {
  try {
    return `${renderChatLine({ systemPrompt: of.systemPrompt, messages, tools, parallelToolCalls })}\n`;
  } catch (cause) {
    throw new Error(`Line ${line} of export ${of.id} cannot be written`, { cause });
  }
}
