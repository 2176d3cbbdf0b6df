import { z } from 'zod';
import { fieldText, type CopiedRow } from '../db/copyOut.ts';
import type { Database } from '../db/database.ts';
import { Prisma, type CallDirection, type Dataset } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import { examplesOf, type CallExamples } from './conversationRules.ts';
import { lockDataset } from './dataset.ts';
import { countExamples, insertExamples, type CountedExample, type NewExample } from './exampleWriter.ts';
import { parseInput } from './input.ts';
import { storableText } from './text.ts';
import type { Precedence } from './precedence.ts';
import type { Turn } from './turns.ts';
import type { Viewer } from './viewer.ts';

export const MAX_COLLECTED = 1_000_000;

const inputSchema = z
  .object({
    datasetId: z.uuid(),
    minConfidence: z.number().min(0).max(1).default(0.8),
    maxExamples: z.number().int().min(1).max(MAX_COLLECTED).default(100),
    minMessageLength: z.number().int().min(0).max(100_000).default(20),
    strategy: z.enum(['PAIR', 'CONVERSATION']).default('PAIR'),
    autoValidate: z.boolean().default(true),
    from: z.date().nullish(),
    to: z.date().nullish(),
    direction: z.enum(['INBOUND', 'OUTBOUND']).nullish(),
    topic: storableText('The topic', 1000).nullish(),
  })
  .refine(({ from, to }) => !from || !to || from <= to, {
    path: ['to'],
    message: 'must not lie before `from`',
  });

export type CollectInput = z.input<typeof inputSchema>;
type CollectRequest = z.output<typeof inputSchema>;

/** Why something was not collected. TOO_SHORT and LOW_TURN_CONFIDENCE count examples, the others count calls. */
export type SkipReason =
  | 'NOT_COMPLETED'
  | 'NO_CONFIDENCE'
  | 'LOW_CONFIDENCE'
  | 'ONE_SIDED'
  | 'TOO_SHORT'
  | 'LOW_TURN_CONFIDENCE';

export interface Collection {
  dataset: Dataset;
  added: number;
  /** Examples whose messages the dataset held already, or that came earlier in this collection. */
  alreadyThere: number;
  /** The calls that count and whose examples were looked at, before `maxExamples` was reached. */
  considered: number;
  skipped: { reason: SkipReason; count: number }[];
}

interface CallRow {
  id: string;
  callSid: string;
  /** As PostgreSQL writes it, to the microsecond. */
  createdAt: string;
  /** As PostgreSQL writes it, which is exact. */
  confidence: string;
  turns: Turn[];
}

/** How many calls one transaction takes: small enough that others get their turn, and that a stop loses little. */
const PAGE = 500;

export type CollectService = ReturnType<typeof createCollectService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'copyOut' | 'grew'>;
  precedence: Pick<Precedence, 'first'>;
  /** What the benchmark leaves out, to tell what counting costs; nobody else. */
  countTokens?: typeof countExamples;
}

export function createCollectService({ db, precedence, countTokens = countExamples }: Deps) {
  return {
    /**
     * Adds examples from the tenant's calls to a dataset: confidence descending, then created_at, then sid, then
     * position in the call. Each batch is a transaction, so a collection that is stopped keeps what it has, and the
     * same call again goes on. Throws InvalidInputError, NotFoundError.
     */
    async collect(viewer: Viewer, input: CollectInput, signal?: AbortSignal): Promise<Collection> {
      const request = parseInput(inputSchema, input);
      return precedence.first(async () => collectAll(viewer, request, signal));
    },
  };

  async function collectAll(
    viewer: Viewer,
    request: CollectRequest,
    signal?: AbortSignal,
  ): Promise<Collection> {
    await db.withTenant(viewer.tenantId, (tx) => lockDataset(tx, viewer, request.datasetId));
    // They are counted while the first calls are collected.
    const unfit = db.withTenant(viewer.tenantId, (tx) => countUnfit(tx, viewer, request));
    unfit.catch(() => undefined); // Told where it is awaited.
    const skipped: Skipped = new Map();
    const totals = { added: 0, alreadyThere: 0, considered: 0 };
    let ahead = readPage({ db, countTokens }, viewer, request, null);
    while (totals.added < request.maxExamples && !signal?.aborted) {
      const page = await ahead;
      const last = page.calls.at(-1);
      if (last === undefined) break;
      // The next page is read and counted while the database writes this one.
      ahead = readPage({ db, countTokens }, viewer, request, last.call);
      ahead.catch(() => undefined); // Told where it is awaited; where writing fails, that is told.
      await writePage(db, viewer, request, page, totals, skipped);
    }
    await ahead;
    await db.grew('finetuning_examples', totals.added);
    const dataset = await db.withTenant(viewer.tenantId, (tx) =>
      tx.dataset.findFirstOrThrow({ where: { id: request.datasetId, tenantId: viewer.tenantId } }),
    );
    return {
      dataset,
      ...totals,
      skipped: [...(await unfit), ...skipped]
        .filter(([, found]) => found > 0)
        .map(([reason, found]) => ({ reason, count: found })),
    };
  }
}

type Skipped = Map<SkipReason, number>;

/** The calls that are there, kept so until the transaction ends. */
async function stillThere(
  tx: Prisma.TransactionClient,
  { tenantId }: Viewer,
  calls: Page['calls'],
): Promise<ReadonlySet<string>> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM call_transcriptions
    WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${calls.map(({ call }) => call.id)}::uuid[])
    ORDER BY call_sid FOR KEY SHARE`;
  return new Set(rows.map(({ id }) => id));
}

/** Calls in the order of collecting, and the examples they yield, counted. */
interface Page {
  calls: (CallExamples & { call: CallRow })[];
  counted: CountedExample[];
}

async function readPage(
  { db, countTokens }: Required<Pick<Deps, 'db' | 'countTokens'>>,
  viewer: Viewer,
  request: CollectRequest,
  after: CallRow | null,
): Promise<Page> {
  const rows = await nextCalls(db, viewer, request, after);
  const calls = await inTurns(rows, (call) => ({ call, ...examplesOf(call.turns, request) }));
  const counted = await countTokens(
    calls.flatMap(({ call, candidates }) =>
      candidates.map(({ messages, firstTurn, lastTurn }): NewExample => ({
        messages,
        tools: null,
        parallelToolCalls: null,
        qualityScore: Number(call.confidence),
        validatedBy: request.autoValidate ? `rule: confidence >= ${request.minConfidence}` : null,
        source: 'CALL',
        origin: { callTranscriptionId: call.id, firstTurn, lastTurn },
      })),
    ),
  );
  return { calls, counted };
}

/** Adds the examples of some calls, in order, and counts what happened to each. */
async function writePage(
  db: Deps['db'],
  viewer: Viewer,
  request: CollectRequest,
  { calls, counted }: Page,
  totals: { added: number; alreadyThere: number; considered: number },
  skipped: Skipped,
): Promise<void> {
  const limit = request.maxExamples - totals.added;
  const { still, added, alreadyThere, considered } = await db.withTenant(viewer.tenantId, async (tx) => {
    const dataset = await lockDataset(tx, viewer, request.datasetId);
    // A caller may have been erased since their calls were read.
    const there = await stillThere(tx, viewer, calls);
    const examples = counted.filter(({ origin }) => origin !== null && there.has(origin.callTranscriptionId));
    return { still: there, ...(await insertExamples(tx, viewer, dataset, examples, limit)) };
  });
  const found = calls.filter(({ call }) => still.has(call.id));
  totals.added += added;
  totals.alreadyThere += alreadyThere;
  // Calls after the one whose example reached the limit were not looked at.
  let left = considered;
  for (const { candidates, tooShort, unsure, bothSides } of found) {
    if (added >= limit && left <= 0) break;
    left -= candidates.length;
    if (bothSides) totals.considered += 1;
    else count(skipped, 'ONE_SIDED', 1);
    count(skipped, 'TOO_SHORT', tooShort);
    count(skipped, 'LOW_TURN_CONFIDENCE', unsure);
  }
}

function count(skipped: Skipped, reason: SkipReason, by: number): void {
  skipped.set(reason, (skipped.get(reason) ?? 0) + by);
}

/** The next calls that are complete and sure enough, in the order of collecting. */
async function nextCalls(
  db: Pick<Database, 'copyOut'>,
  viewer: Viewer,
  request: CollectRequest,
  after: CallRow | null,
): Promise<CallRow[]> {
  const complete = Prisma.sql`${selected(viewer, request)} AND call_status = 'completed'`;
  const columns = Prisma.sql`id, call_sid, created_at, transcript_confidence, turns`;
  const order = Prisma.sql`ORDER BY call.transcript_confidence DESC, call.created_at, call.call_sid LIMIT ${PAGE}`;
  // What is left of the calls that are as sure as the last one is a stretch of the index of its own.
  const equallySure = after
    ? Prisma.sql`(SELECT ${columns} FROM call_transcriptions AS call WHERE ${complete}
        AND transcript_confidence = ${after.confidence}::float8
        AND (created_at, call_sid) > (${after.createdAt}::timestamptz, ${after.callSid}) ${order}) UNION ALL`
    : Prisma.empty;
  const lessSure = after ? Prisma.sql`AND transcript_confidence < ${after.confidence}::float8` : Prisma.empty;
  const next = Prisma.sql`
    SELECT id::text, call_sid, created_at::text, transcript_confidence::text, turns::text FROM (${equallySure} (SELECT ${columns} FROM call_transcriptions AS call WHERE ${complete}
      AND transcript_confidence >= ${String(request.minConfidence)}::float8 ${lessSure} ${order})) AS call
    ${order}`;
  const calls: CallRow[] = [];
  await db.copyOut(viewer.tenantId, next, (row) => calls.push(callOf(row)));
  return calls;
}

/** As `nextCalls` names the columns. What turns are is checked when a call is imported. */
function callOf(row: CopiedRow): CallRow {
  return {
    id: fieldText(row, 0),
    callSid: fieldText(row, 1),
    createdAt: fieldText(row, 2),
    confidence: fieldText(row, 3),
    turns: JSON.parse(fieldText(row, 4)),
  };
}

/** Of the calls that the arguments select, those that cannot count. A call is counted under its first reason. */
async function countUnfit(
  tx: Prisma.TransactionClient,
  viewer: Viewer,
  request: CollectRequest,
): Promise<Skipped> {
  const [counts] = await tx.$queryRaw<
    { notCompleted: number; noConfidence: number; lowConfidence: number }[]
  >`
    SELECT count(*) FILTER (WHERE call_status <> 'completed')::int AS "notCompleted",
      count(*) FILTER (WHERE call_status = 'completed' AND transcript_confidence IS NULL)::int AS "noConfidence",
      count(*) FILTER (WHERE call_status = 'completed' AND transcript_confidence < ${request.minConfidence})::int
        AS "lowConfidence"
    FROM call_transcriptions WHERE ${selected(viewer, request)}`;
  return new Map([
    ['NOT_COMPLETED', counts?.notCompleted ?? 0],
    ['NO_CONFIDENCE', counts?.noConfidence ?? 0],
    ['LOW_CONFIDENCE', counts?.lowConfidence ?? 0],
  ]);
}

function selected({ tenantId }: Viewer, { from, to, direction, topic }: CollectRequest): Prisma.Sql {
  const conditions = [Prisma.sql`tenant_id = ${tenantId}::uuid`];
  if (from) conditions.push(Prisma.sql`created_at >= ${from.toISOString()}::timestamptz`);
  if (to) conditions.push(Prisma.sql`created_at < ${to.toISOString()}::timestamptz`);
  if (direction)
    conditions.push(Prisma.sql`direction = ${direction satisfies CallDirection}::call_direction`);
  if (topic != null) conditions.push(Prisma.sql`topic = ${topic}`);
  return Prisma.join(conditions, ' AND ');
}
