import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { longText } from '../db/longText.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { breather } from './breathe.ts';
import { InvalidInputError } from './errors.ts';
import {
  isHeaderFault,
  parseCall,
  type CallInput,
  type CallPart,
  type RowFault,
  type RowRead,
} from './importFormats/index.ts';
import { createBatch, emptyReport, reject, type ImportReport } from './importReport.ts';
import { holdSuppressions, suppressedCalls, type SuppressedCall } from './suppression.ts';
import { checkLabels, createSpeakerReader, type SpeakerLabels } from './turns.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

export interface ImportOptions {
  /** For calls that have a transcript but no confidence of their own; 0..1. */
  defaultConfidence?: number | null | undefined;
  /** Speaker labels beside the built-in ones. */
  labels?: SpeakerLabels | undefined;
  /** The rows' `created_at` is only the time of the import: a call that is there already keeps its own. */
  createdAtUnknown?: boolean | undefined;
  /** Told the report so far after every batch. */
  onProgress?: ((report: Readonly<ImportReport>) => void) | undefined;
}

/** As many faults as rows wait for a batch to be written. */
const FAULTS_A_BATCH = 500;

export type CallTranscriptionService = ReturnType<typeof createCallTranscriptionService>;

export function createCallTranscriptionService({ db }: { db: Pick<Database, 'withTenant' | 'grew'> }) {
  /**
   * One statement for a batch: new calls are stored, changed ones updated, equal ones left alone. `unsaid` tells by sid
   * in which parts a call that is there keeps what it has. Returns the calls that were left out, since their caller was
   * erased.
   */
  async function upsert(
    viewer: Viewer,
    calls: { json: string; count: number },
    unsaid: ReadonlyMap<string, CallPart[]>,
    report: ImportReport,
    { createdAtUnknown = false }: ImportOptions,
  ): Promise<SuppressedCall[]> {
    const merged = mergedColumns(createdAtUnknown);
    const { changed, suppressed } = await db.withTenant(viewer.tenantId, async (tx) => {
      await holdSuppressions(tx, viewer);
      const leftOut = await suppressedCalls(tx, viewer, calls.json);
      const rows = await tx.$queryRaw<{ stored: boolean }[]>`
        WITH unsaid AS (SELECT ${unsaidOf(unsaid)}::jsonb AS parts_by_sid)
        INSERT INTO call_transcriptions AS call (
          tenant_id, call_sid, phone_number, direction, call_status, created_at, duration_seconds,
          transcript_confidence, topic, turns, transcript_text
        )
        SELECT ${viewer.tenantId}::uuid, "callSid", "phoneNumber", upper(direction)::call_direction, status, "createdAt",
          "durationSeconds", confidence, topic, turns, "transcriptText"
        FROM jsonb_to_recordset(${longText(without(calls.json, leftOut))}::jsonb) AS incoming (
          "callSid" text, "phoneNumber" text, direction text, status text, "createdAt" timestamptz,
          "durationSeconds" int, confidence float8, topic text, turns jsonb, "transcriptText" text
        )
        -- Imports of the same calls at once lock them in one order, and so never wait for each other in a circle.
        ORDER BY "callSid" COLLATE "C"
        ON CONFLICT (tenant_id, call_sid) DO UPDATE SET
          (phone_number, direction, call_status, created_at, duration_seconds, transcript_confidence, topic, turns,
          transcript_text, updated_at) = ROW (${merged}, now())
        WHERE (call.phone_number, call.direction, call.call_status, call.created_at, call.duration_seconds,
          call.transcript_confidence, call.topic, call.turns, call.transcript_text) IS DISTINCT FROM (${merged})
        RETURNING xmax = 0 AS stored`; // xmax is 0 on a row that no update has touched.
      if (rows.length > 0)
        await recordAudit(tx, viewer, {
          action: 'IMPORT_CALLS',
          subjectType: 'Tenant',
          subjectId: viewer.tenantId,
          detail: { stored: rows.filter(({ stored }) => stored).length, changed: rows.length },
        });
      return { changed: rows, suppressed: leftOut };
    });
    const stored = changed.filter((change) => change.stored).length;
    const taken = calls.count - suppressed.length;
    report.received += taken;
    report.stored += stored;
    report.updated += changed.length - stored;
    report.unchanged += taken - changed.length;
    return suppressed;
  }

  return {
    /**
     * Stores calls as they come, batch by batch, in the order of the rows; memory stays flat. A call that is there
     * already keeps what the row does not carry (see `CallParsed`). A row that cannot be read is reported and stops nothing. Throws InvalidInputError when the options or a table's header are at fault.
     */
    async importCalls(
      viewer: Viewer,
      rows: AsyncIterable<RowRead> | Iterable<RowRead>,
      options: ImportOptions = {},
    ): Promise<ImportReport> {
      const callOptions = { defaultConfidence: checkedConfidence(options), reader: checkedReader(options) };
      const report = emptyReport();
      const batch = createBatch();
      let unsaid = new Map<string, CallPart[]>();
      let faults: RowFault[] = [];
      let rowsOfBatch: CameRow[] = [];
      /** The batch before, which the database writes while the next one is read. */
      let writing = Promise.resolve();

      async function flush(): Promise<void> {
        if (batch.empty && faults.length === 0) return;
        const due = { calls: batch.empty ? null : batch.take(), unsaid, faults, rows: rowsOfBatch };
        faults = [];
        rowsOfBatch = [];
        unsaid = new Map();
        await writing;
        writing = write(due);
        writing.catch(() => undefined); // Told where it is awaited.
      }
      async function write(due: DueBatch): Promise<void> {
        if (due.calls) {
          const suppressed = await upsert(viewer, due.calls, due.unsaid, report, options);
          for (const one of suppressed) due.faults.push(faultOf(one, due.rows[one.index]));
        }
        for (const fault of due.faults.toSorted((a, b) => a.line - b.line)) reject(report, fault);
        options.onProgress?.(report);
      }
      async function accept(call: CallInput, parts: CallPart[], row: CameRow): Promise<void> {
        // One statement cannot touch a row twice: a call that comes again waits for the next.
        if (batch.full || unsaid.has(call.callSid)) await flush();
        unsaid.set(call.callSid, parts);
        rowsOfBatch.push(row);
        batch.add(call);
      }
      // Faults wait for those that are only found when the batch is written, so that they are told in the rows' order.
      async function refuse(fault: RowFault): Promise<void> {
        faults.push(fault);
        if (faults.length >= FAULTS_A_BATCH) await flush();
      }

      const breathe = breather();
      try {
        for await (const row of rows) {
          await breathe(); // Many rows come in one piece.
          if ('error' in row) {
            if (isHeaderFault(row.error)) {
              throw new InvalidInputError([{ field: `line ${row.line}`, message: row.error.reason }]);
            }
            await refuse(row.error);
            continue;
          }
          const parsed = parseCall(row.value, row.line, callOptions);
          if ('fault' in parsed) await refuse(parsed.fault);
          else await accept(parsed.call, parsed.unsaid, row);
        }
        await flush();
        await writing;
      } finally {
        await writing.catch(() => undefined); // Whatever ends the import, nothing is written after it.
      }
      db.grew('call_transcriptions', report.stored + report.updated);
      return report;
    },
  };
}

type CameRow = Extract<RowRead, { value: unknown }>;

interface DueBatch {
  calls: { json: string; count: number } | null;
  unsaid: ReadonlyMap<string, CallPart[]>;
  faults: RowFault[];
  rows: CameRow[];
}

/** The batch without the calls that are left out. */
function without(json: string, suppressed: SuppressedCall[]): string {
  if (suppressed.length === 0) return json;
  const left = new Set(suppressed.map(({ index }) => index));
  return JSON.stringify(
    z
      .array(z.unknown())
      .parse(JSON.parse(json))
      .filter((_call, index) => !left.has(index)),
  );
}

/** Names neither the number nor the sid: reports are kept, too. */
function faultOf({ by, erasedAt }: SuppressedCall, row: CameRow | undefined): RowFault {
  const [snake, camel] = by === 'number' ? ['phone_number', 'phoneNumber'] : ['call_sid', 'callSid'];
  const field = row && Object.hasOwn(row.value, camel) && !Object.hasOwn(row.value, snake) ? camel : snake;
  const day = erasedAt.toISOString().slice(0, 10);
  const reason = `is of a caller who was erased on ${day}; allowCaller lets their calls in again`;
  return { line: row?.line ?? 0, field, reason };
}

/** The parts that calls leave unsaid, by sid, as JSON. */
function unsaidOf(parts: ReadonlyMap<string, CallPart[]>): string {
  return JSON.stringify(Object.fromEntries([...parts].filter(([, unsaid]) => unsaid.length > 0)));
}

const isUnsaid = (part: CallPart) => Prisma.sql`(SELECT parts_by_sid FROM unsaid) -> call.call_sid ? ${part}`;

/** What becomes of a call's columns when it comes again. Not a join: what other imports do meanwhile counts too. */
function mergedColumns(createdAtUnknown: boolean): Prisma.Sql {
  const said = (part: CallPart, column: string) => {
    const name = Prisma.raw(column);
    return Prisma.sql`CASE WHEN ${isUnsaid(part)} THEN call.${name} ELSE excluded.${name} END`;
  };
  return Prisma.join([
    said('phoneNumber', 'phone_number'),
    said('direction', 'direction'),
    said('status', 'call_status'),
    Prisma.sql`CASE WHEN ${createdAtUnknown} THEN call.created_at ELSE excluded.created_at END`,
    said('durationSeconds', 'duration_seconds'),
    // A default fills a gap, and never takes the place of what was recorded.
    Prisma.sql`CASE WHEN ${isUnsaid('confidence')}
      THEN coalesce(call.transcript_confidence, excluded.transcript_confidence)
      ELSE excluded.transcript_confidence END`,
    said('topic', 'topic'),
    said('conversation', 'turns'),
    said('conversation', 'transcript_text'),
  ]);
}

function checkedConfidence({ defaultConfidence = null }: ImportOptions): number | null {
  if (defaultConfidence === null || (defaultConfidence >= 0 && defaultConfidence <= 1))
    return defaultConfidence;
  throw new InvalidInputError([
    { field: 'input.defaultConfidence', message: `must be a number from 0 to 1, not ${defaultConfidence}` },
  ]);
}

function checkedReader({ labels = { caller: [], agent: [] } }: ImportOptions) {
  const fault = checkLabels(labels);
  if (fault !== null) throw new InvalidInputError([{ field: 'input.labels', message: fault }]);
  return createSpeakerReader(labels);
}
