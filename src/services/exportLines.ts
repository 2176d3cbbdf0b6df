/** An export's lines, read in the wordings that it froze. */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Export } from '../generated/prisma/client.ts';
import { blocksOfLines } from './exportBlocks.ts';
import { formatOf, type ExportLine } from './exportFormats/index.ts';

/** How many lines are read at once, and how many bytes of them as PostgreSQL stores them, which may be compressed. */
const PAGE = { lines: 1000, bytes: 4 * 1024 * 1024 };

/** A line, and what a split keeps together: null where it was not asked for, or there is none. */
export interface Member extends ExportLine {
  callId: string | null;
  callerNumber: string | null;
}

/**
 * All lines after `after`, in order, page by page: memory does not grow with the export, no transaction lasts longer than
 * a page. `withCalls` also reads which call each line comes from. Throws when the export is deleted meanwhile.
 */
export async function* membersOf(
  db: Pick<Database, 'withTenant'>,
  of: Export,
  { after, until, withCalls }: { after: number; until: number; withCalls: boolean },
  signal: AbortSignal | undefined,
): AsyncGenerator<Member[]> {
  let last = after;
  while (last < until) {
    signal?.throwIfAborted();
    const from = last;
    const page = await db.withTenant(of.tenantId, (tx) => readMembers(tx, of, from, withCalls));
    if (page.length === 0) throw new Error(`Export ${of.id} was deleted while it was written`);
    yield page;
    last += page.length;
  }
}

interface Row {
  part: ExportLine['part'];
  line: number;
  exampleId: string;
  exampleRevision: number;
  messages: unknown;
  tools: unknown;
  parallelToolCalls: boolean | null;
  source: ExportLine['source'];
  firstMessages?: unknown;
  firstTools?: unknown;
  firstParallelToolCalls?: boolean | null;
  callId?: string | null;
  callSid?: string | null;
  callerNumber?: string | null;
}

/** Up to so many lines after `after`. */
function membersAfter({ tenantId, id }: Export, after: number, lines: number): Prisma.Sql {
  const { gt, lte } = blocksOfLines(after + 1, after + lines);
  return Prisma.sql`(
    SELECT tenant_id, part, line, example_id, example_revision FROM finetuning_export_examples
    WHERE tenant_id = ${tenantId}::uuid AND export_id = ${id}::uuid AND first_line > ${gt} AND first_line <= ${lte}
      AND line > ${after} AND line <= ${after + lines}
    ORDER BY line
  ) AS member`;
}

/** To each member the example as it is now. */
const PRESENT = Prisma.sql`
  CROSS JOIN LATERAL (
    SELECT tenant_id, id, revision, messages, tools, parallel_tool_calls, source, call_transcription_id, tokens
    FROM finetuning_examples WHERE tenant_id = member.tenant_id AND id = member.example_id LIMIT 1
  ) AS now`;

/** And the wording that was frozen where that is another. */
const WORDINGS = Prisma.sql`
  ${PRESENT}
  LEFT JOIN LATERAL (
    SELECT messages, tools, parallel_tool_calls FROM finetuning_example_revisions
    WHERE tenant_id = member.tenant_id AND example_id = member.example_id
      AND revision = member.example_revision AND now.revision <> member.example_revision LIMIT 1
  ) AS old ON true`;

const frozen = (column: string) =>
  Prisma.raw(`CASE WHEN now.revision = example_revision THEN now.${column} ELSE old.${column} END`);
const FROZEN = {
  messages: frozen('messages'),
  tools: frozen('tools'),
  parallelToolCalls: frozen('parallel_tool_calls'),
};

/** The next lines after `after`, in order and up to so many, as COPY sends them (exportCopy.ts). */
export function linesAfter(of: Export, after: number, lines: number): Prisma.Sql {
  return Prisma.sql`
    SELECT part, line, now.id, example_revision, source,
      CASE WHEN now.revision = example_revision THEN now.tokens END,
      ${frozenOrKept('parallel_tool_calls')}, ${frozenOrKept('tools')}, ${frozenOrKept('messages')}
    FROM ${membersAfter(of, after, lines)}
    ${PRESENT}
    ORDER BY line`;
}

/** Of the wording that was frozen, looked up where it is not the present one. */
const frozenOrKept = (column: string) =>
  Prisma.raw(`CASE WHEN now.revision = example_revision THEN now.${column} ELSE (
    SELECT kept.${column} FROM finetuning_example_revisions AS kept
    WHERE kept.tenant_id = now.tenant_id AND kept.example_id = now.id AND kept.revision = example_revision
  ) END`);

const BYTES_BEFORE = Prisma.sql`sum(pg_column_size(messages) + coalesce(pg_column_size(tools), 0))
  OVER (ORDER BY line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;

/**
 * The next lines after `after`, in order, in the wording that was frozen: the example's own while it has not been
 * edited since, else the one that the edit kept. At least one line, however long it is.
 *
 * Written so that PostgreSQL can only go by the keys, since the statistics know nothing yet of rows just inserted:
 * LATERAL with LIMIT 1 is looked up row by row, and a tenant that is no constant in an indexable condition does not
 * make an index that begins with the tenant look as good as the key. Either mistake makes page n read n pages.
 */
async function readMembers(tx: Tx, of: Export, after: number, withCalls: boolean): Promise<Member[]> {
  const { pairs = false, callSid = false } = formatOf(of.format);
  const first = pairs ? FIRST : { columns: Prisma.empty, join: Prisma.empty };
  const call = withCalls || callSid ? CALL : { columns: Prisma.empty, join: Prisma.empty };
  const rows = await tx.$queryRaw<Row[]>`
    SELECT *
    FROM (
      SELECT *, ${BYTES_BEFORE} AS bytes_before
      FROM (
        SELECT member.part, member.line, member.example_id AS "exampleId", example_revision AS "exampleRevision", source,
          ${FROZEN.messages} AS messages, ${FROZEN.tools} AS tools, ${FROZEN.parallelToolCalls} AS "parallelToolCalls"
          ${first.columns}${call.columns}
        FROM ${membersAfter(of, after, PAGE.lines)}
        ${WORDINGS}
        ${first.join} ${call.join}
      ) AS wording
    ) AS page
    WHERE bytes_before IS NULL OR bytes_before < ${PAGE.bytes}
    ORDER BY line`;
  return rows.map((row) => memberOf(row, pairs));
}

const FIRST = {
  columns: Prisma.sql`, first.messages AS "firstMessages", first.tools AS "firstTools",
    first.parallel_tool_calls AS "firstParallelToolCalls"`,
  join: Prisma.sql`LEFT JOIN LATERAL (
    SELECT messages, tools, parallel_tool_calls FROM finetuning_example_revisions
    WHERE tenant_id = member.tenant_id AND example_id = member.example_id AND revision = 1 LIMIT 1
  ) AS first ON true`,
};

const CALL = {
  columns: Prisma.sql`, now.call_transcription_id AS "callId", call_sid AS "callSid", caller_number AS "callerNumber"`,
  join: Prisma.sql`LEFT JOIN LATERAL (
    SELECT call_sid, caller_number FROM call_transcriptions
    WHERE tenant_id = member.tenant_id AND id = now.call_transcription_id LIMIT 1
  ) AS call ON true`,
};

function memberOf(row: Row, pairs: boolean): Member {
  const { part, line, exampleId, exampleRevision, source, messages, tools, parallelToolCalls } = row;
  return {
    part,
    line,
    exampleId,
    exampleRevision,
    source,
    wording: { messages, tools, parallelToolCalls },
    original: pairs
      ? {
          messages: row.firstMessages,
          tools: row.firstTools,
          parallelToolCalls: row.firstParallelToolCalls ?? null,
        }
      : null,
    callId: row.callId ?? null,
    callSid: row.callSid ?? null,
    callerNumber: row.callerNumber ?? null,
  };
}
