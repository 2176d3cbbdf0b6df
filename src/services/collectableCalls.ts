/** The calls that a collection takes examples from. */
import { fieldText, type CopiedRow } from '../db/copyOut.ts';
import type { Database } from '../db/database.ts';
import { Prisma, type CallDirection } from '../generated/prisma/client.ts';
import type { Turn } from './turns.ts';
import type { Viewer } from './viewer.ts';

/** Which calls: those for which everything given holds. */
export interface CallSelection {
  /** Of the transcript, 0..1. */
  minConfidence: number;
  from?: Date | null | undefined;
  to?: Date | null | undefined;
  direction?: CallDirection | null | undefined;
  topic?: string | null | undefined;
}

/** A call by where it stands in the order of collecting. */
export interface CallPlace {
  id: string;
  callSid: string;
  /** As PostgreSQL writes it, to the microsecond. */
  createdAt: string;
  /** As PostgreSQL writes it, which is exact. */
  confidence: string;
}

export interface CollectableCall {
  place: CallPlace;
  turns: Turn[];
}

export type UnfitReason = 'NOT_COMPLETED' | 'NO_CONFIDENCE' | 'LOW_CONFIDENCE';

/** The next calls that are complete and sure enough, in the order of collecting, at most `limit`. */
export async function nextCalls(
  db: Pick<Database, 'copyOut'>,
  viewer: Viewer,
  selection: CallSelection,
  after: CallPlace | null,
  limit: number,
): Promise<CollectableCall[]> {
  const complete = Prisma.sql`${selected(viewer, selection)} AND call_status = 'completed'`;
  const columns = Prisma.sql`id, call_sid, created_at, transcript_confidence, turns`;
  const order = Prisma.sql`ORDER BY call.transcript_confidence DESC, call.created_at, call.call_sid LIMIT ${limit}`;
  // What is left of the calls that are as sure as the last one is a stretch of the index of its own.
  const equallySure = after
    ? Prisma.sql`(SELECT ${columns} FROM call_transcriptions AS call WHERE ${complete}
        AND transcript_confidence = ${after.confidence}::float8
        AND (created_at, call_sid) > (${after.createdAt}::timestamptz, ${after.callSid}) ${order}) UNION ALL`
    : Prisma.empty;
  const lessSure = after ? Prisma.sql`AND transcript_confidence < ${after.confidence}::float8` : Prisma.empty;
  const next = Prisma.sql`
    SELECT id::text, call_sid, created_at::text, transcript_confidence::text, turns::text FROM (${equallySure} (SELECT ${columns} FROM call_transcriptions AS call WHERE ${complete}
      AND transcript_confidence >= ${String(selection.minConfidence)}::float8 ${lessSure} ${order})) AS call
    ${order}`;
  const calls: CollectableCall[] = [];
  await db.copyOut(viewer.tenantId, next, (row) => calls.push(callOf(row)));
  return calls;
}

/** As `nextCalls` names the columns. What turns are is checked when a call is imported. */
function callOf(row: CopiedRow): CollectableCall {
  return {
    place: {
      id: fieldText(row, 0),
      callSid: fieldText(row, 1),
      createdAt: fieldText(row, 2),
      confidence: fieldText(row, 3),
    },
    turns: JSON.parse(fieldText(row, 4)),
  };
}

/**
 * Of the calls that the arguments select, those that cannot count. A call is counted under its first reason. By one core:
 * PostgreSQL would take all, and with others beside it the slowest small queries took twice as long.
 */
export async function countUnfit(
  tx: Prisma.TransactionClient,
  viewer: Viewer,
  selection: CallSelection,
): Promise<Map<UnfitReason, number>> {
  await tx.$executeRaw`SET LOCAL max_parallel_workers_per_gather = 0`;
  const [counts] = await tx.$queryRaw<
    { notCompleted: number; noConfidence: number; lowConfidence: number }[]
  >`
    SELECT count(*) FILTER (WHERE call_status <> 'completed')::int AS "notCompleted",
      count(*) FILTER (WHERE call_status = 'completed' AND transcript_confidence IS NULL)::int AS "noConfidence",
      count(*) FILTER (WHERE call_status = 'completed' AND transcript_confidence < ${selection.minConfidence})::int
        AS "lowConfidence"
    FROM call_transcriptions WHERE ${selected(viewer, selection)}`;
  return new Map([
    ['NOT_COMPLETED', counts?.notCompleted ?? 0],
    ['NO_CONFIDENCE', counts?.noConfidence ?? 0],
    ['LOW_CONFIDENCE', counts?.lowConfidence ?? 0],
  ]);
}

function selected({ tenantId }: Viewer, { from, to, direction, topic }: CallSelection): Prisma.Sql {
  const conditions = [Prisma.sql`tenant_id = ${tenantId}::uuid`];
  if (from) conditions.push(Prisma.sql`created_at >= ${from.toISOString()}::timestamptz`);
  if (to) conditions.push(Prisma.sql`created_at < ${to.toISOString()}::timestamptz`);
  if (direction)
    conditions.push(Prisma.sql`direction = ${direction satisfies CallDirection}::call_direction`);
  if (topic != null) conditions.push(Prisma.sql`topic = ${topic}`);
  return Prisma.join(conditions, ' AND ');
}

/** The calls that are there, kept so until the transaction ends. */
export async function stillThere(
  tx: Prisma.TransactionClient,
  { tenantId }: Viewer,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM call_transcriptions
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${[...ids]}::uuid[])
    ORDER BY call_sid FOR KEY SHARE`;
  return new Set(rows.map(({ id }) => id));
}
