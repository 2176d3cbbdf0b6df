/** Calls as a table: RFC 4180 with a header row, as a telephony database exports them. */
import { readRecords } from './csvRecords.ts';
import { shown } from './faults.ts';
import { DEFAULT_MAX_LINE_BYTES } from './lines.ts';
import { type ByteSource, type HeaderFault, type RowFault, type RowRead } from './types.ts';

/** The columns that must be there; `transcript_text` may be replaced by `turns`. Their cells may be empty. */
export const REQUIRED_COLUMNS: readonly string[] = [
  'call_sid',
  'phone_number',
  'direction',
  'transcript_text',
  'transcript_confidence',
  'duration_seconds',
  'call_status',
  'created_at',
];
/** The columns that may be there. `turns` holds a JSON list, as the calls of an NDJSON file have it. */
export const OPTIONAL_COLUMNS: readonly string[] = ['topic', 'turns'];

export interface CsvOptions {
  /** The longest record allowed in bytes, its line breaks counted. Default: 1 MiB. */
  maxRecordBytes?: number;
  /** The columns that must be there. Default: `REQUIRED_COLUMNS`. */
  requiredColumns?: readonly string[];
}

const list = (names: readonly string[]): string => names.join(', ');

const headerFault = (line: number, reason: string): { line: number; error: HeaderFault } => ({
  line,
  error: { line, field: null, reason, header: true },
});

const rowFault = (line: number, field: string | null, reason: string): { line: number; error: RowFault } => ({
  line,
  error: { line, field, reason },
});

/** What is wrong with a header's (lower case) names; null when nothing is. */
function faultOfHeader(names: readonly string[], required: readonly string[]): string | null {
  const known = new Set([...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS, ...required]);
  const twice = new Set(names.filter((name, index) => known.has(name) && names.indexOf(name) !== index));
  if (twice.size > 0) return `the header names a column more than once: ${list([...twice])}`;
  const missing = required.filter(
    (name) => !names.includes(name) && !(name === 'transcript_text' && names.includes('turns')),
  );
  if (missing.length === 0) return null;
  return `the header lacks ${list(missing)}; it must name ${list(required)} (cells may be empty), and may name ${list(OPTIONAL_COLUMNS)}`;
}

/** The list in a `turns` cell; undefined when it holds none. */
function parseTurns(cell: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(cell);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a table of calls. Header names are trimmed and read in any case; unknown columns are ignored; an empty cell
 * is null, which says that there is no value, as an absent column does not; empty lines are skipped. `line` is the physical line on which a record starts.
 *
 * A header that lacks a required column, or names one twice, gives one `HeaderFault`, and nothing else is read.
 * A record with too few or too many values, with broken quotes, beyond the size limit or not in UTF-8 gives a fault,
 * and reading goes on (see `readRecords`). Throws only what the body throws.
 */
export async function* readCsv(body: ByteSource, options: CsvOptions = {}): AsyncGenerator<RowRead> {
  const required = options.requiredColumns ?? REQUIRED_COLUMNS;
  const wanted = new Set([...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS, ...required]);
  let header: string[] | null = null;
  const records = readRecords(
    body,
    options.maxRecordBytes ?? DEFAULT_MAX_LINE_BYTES,
    () => header?.length ?? 0,
  );
  for await (const record of records) {
    const { line, lastLine } = record;
    if (header === null) {
      if ('reason' in record) {
        yield headerFault(line, `the header ${record.reason}`);
        return;
      }
      header = record.values.map((name) => name.trim().toLowerCase());
      const reason = faultOfHeader(header, required);
      if (reason === null) continue;
      yield headerFault(line, reason);
      return;
    }
    if ('reason' in record) {
      const skipped = lastLine > line ? `; the lines up to ${lastLine} were skipped with it` : '';
      yield rowFault(line, null, `${record.reason}${skipped}`);
      continue;
    }
    const { values } = record;
    if (values.length !== header.length) {
      const until = lastLine > line ? ` (it ends on line ${lastLine})` : '';
      yield rowFault(
        line,
        null,
        `must have ${header.length} values, as the header does, not ${values.length}${until}`,
      );
      continue;
    }
    const value: Record<string, unknown> = {};
    for (const [index, name] of header.entries()) {
      const cell = values[index];
      if (wanted.has(name)) value[name] = cell === '' ? null : cell;
    }
    if (typeof value['turns'] !== 'string') {
      yield { line, value };
      continue;
    }
    const turns = parseTurns(value['turns']);
    if (turns === undefined) {
      yield rowFault(line, 'turns', `must be a JSON list, not ${shown(value['turns'])}`);
      continue;
    }
    value['turns'] = turns;
    yield { line, value };
  }
  if (header === null) yield headerFault(1, `the file is empty; its first line must name ${list(required)}`);
}
