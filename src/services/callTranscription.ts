import type { Database } from '../db/database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { InvalidInputError } from './errors.ts';
import {
  isHeaderFault,
  parseCall,
  type CallInput,
  type CallPart,
  type RowRead,
} from './importFormats/index.ts';
import { createBatch, emptyReport, reject, type ImportReport } from './importReport.ts';
import { checkLabels, createSpeakerReader, type SpeakerLabels } from './turns.ts';
import type { Viewer } from './viewer.ts';

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

/** From how many changed calls on the database should look at the table anew. */
const MANY = 1000;

export type CallTranscriptionService = ReturnType<typeof createCallTranscriptionService>;

export function createCallTranscriptionService({ db }: { db: Pick<Database, 'withTenant' | 'analyze'> }) {
  /**
   * One statement for a batch: new calls are stored, changed ones updated, equal ones left alone. `unsaid` tells by sid
   * in which parts a call that is there keeps what it has.
   */
  async function upsert(
    viewer: Viewer,
    calls: { json: string; count: number },
    unsaid: ReadonlyMap<string, CallPart[]>,
    report: ImportReport,
    { createdAtUnknown = false }: ImportOptions,
  ): Promise<void> {
    const merged = mergedColumns(createdAtUnknown);
    const changes = await db.withTenant(
      viewer.tenantId,
      (tx) => tx.$queryRaw<{ stored: boolean }[]>`
        WITH unsaid AS (SELECT ${unsaidOf(unsaid)}::jsonb AS parts_by_sid)
        INSERT INTO call_transcriptions AS call (
          tenant_id, call_sid, phone_number, direction, call_status, created_at, duration_seconds,
          transcript_confidence, topic, turns, transcript_text
        )
        SELECT ${viewer.tenantId}::uuid, "callSid", "phoneNumber", upper(direction)::call_direction, status, "createdAt",
          "durationSeconds", confidence, topic, turns, "transcriptText"
        FROM jsonb_to_recordset(${calls.json}::jsonb) AS incoming (
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
        RETURNING xmax = 0 AS stored`, // xmax is 0 on a row that no update has touched.
    );
    const stored = changes.filter((change) => change.stored).length;
    report.received += calls.count;
    report.stored += stored;
    report.updated += changes.length - stored;
    report.unchanged += calls.count - changes.length;
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
      const unsaid = new Map<string, CallPart[]>();

      async function flush(): Promise<void> {
        if (batch.empty) return;
        await upsert(viewer, batch.take(), unsaid, report, options);
        unsaid.clear();
        options.onProgress?.(report);
      }
      async function accept(call: CallInput, parts: CallPart[]): Promise<void> {
        // One statement cannot touch a row twice: a call that comes again waits for the next.
        if (batch.full || unsaid.has(call.callSid)) await flush();
        unsaid.set(call.callSid, parts);
        batch.add(call);
      }

      for await (const row of rows) {
        if ('error' in row) {
          if (isHeaderFault(row.error)) {
            throw new InvalidInputError([{ field: `line ${row.line}`, message: row.error.reason }]);
          }
          reject(report, row.error);
          continue;
        }
        const parsed = parseCall(row.value, row.line, callOptions);
        if ('fault' in parsed) reject(report, parsed.fault);
        else await accept(parsed.call, parsed.unsaid);
      }
      await flush();
      if (report.stored + report.updated >= MANY) await db.analyze('call_transcriptions');
      return report;
    },
  };
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
