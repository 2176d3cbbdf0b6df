/**
 * RFC 4180 records of a byte stream, with recovery after broken quoting.
 *
 * Why not csv-parse: it goes on inside the quotes after a stray one, so that the rest of the file, or the part up
 * to the next quote, is lost without a word; and it counts a quoted CRLF as two lines, so its line numbers drift.
 */
import { type ByteStore, type LineRead, createByteStore, decodeLine, readLines } from './lines.ts';
import type { ByteSource } from './types.ts';

/** A record, starting on `line`: its values, or why it has none. `lastLine` is the last line it takes. */
export type RecordRead =
  | { line: number; lastLine: number; values: string[] }
  | { line: number; lastLine: number; reason: string };

interface Parse {
  values: string[];
  /** The value within quotes so far; null outside of quotes. */
  quoted: string | null;
}

const LINE_FEED = Buffer.from('\n');

/** Takes one more line into a record; returns what breaks the record, or null. */
function parseLine(parse: Parse, line: string): string | null {
  // The carriage return of a CRLF belongs to the line's end, unless a quoted value runs across it (see below).
  const end = line.endsWith('\r') ? line.length - 1 : line.length;
  let at = 0;
  for (;;) {
    if (parse.quoted === null && line[at] !== '"') {
      const comma = line.indexOf(',', at);
      const value = line.slice(at, comma === -1 ? end : comma);
      if (value.includes('"')) return 'holds a quote within a value that does not begin with one';
      parse.values.push(value);
      if (comma === -1) return null;
      at = comma + 1;
      continue;
    }
    if (parse.quoted === null) {
      parse.quoted = '';
      at += 1;
    }
    const quote = line.indexOf('"', at);
    if (quote === -1) {
      parse.quoted += `${line.slice(at)}\n`;
      return null;
    }
    parse.quoted += line.slice(at, quote);
    if (line[quote + 1] === '"') {
      parse.quoted += '"';
      at = quote + 2;
      continue;
    }
    parse.values.push(parse.quoted);
    parse.quoted = null;
    at = quote + 1;
    if (at === end) return null;
    if (line[at] !== ',') return 'holds a quote that neither ends its value nor is doubled';
    at += 1;
  }
}

/** Lines that can be read again from any line of the record at hand. */
interface Rereader {
  next(): Promise<LineRead | null>;
  /** The record at hand begins with the line that comes next. */
  begin(): void;
  /** Goes back to the second line of the record at hand, which is `line`. */
  rewindTo(line: number): void;
  /** The bytes of the record at hand, line feeds included. */
  size(): number;
  /** Puts back a line that was too long. */
  unread(read: LineRead): void;
}

function createRereader(lines: AsyncIterator<LineRead>): Rereader {
  const held: ByteStore = createByteStore();
  let start = 0;
  let at = 0;
  let line = 1;
  let waiting: LineRead | null = null;
  return {
    async next() {
      if (at < held.length) {
        const end = held.view().indexOf(0x0a, at);
        const bytes = held.view().subarray(at, end);
        at = end + 1;
        line += 1;
        return { line: line - 1, bytes };
      }
      const read = waiting;
      waiting = null;
      if (read !== null) return read;
      const { value, done } = await lines.next();
      if (done === true) return null;
      if (value.bytes === null) return value;
      held.append(value.bytes);
      held.append(LINE_FEED);
      at = held.length;
      line = value.line + 1;
      return value;
    },
    begin() {
      if (at === held.length) {
        held.clear();
        at = 0;
      } else if (at > held.length / 2) {
        held.drop(at);
        at = 0;
      }
      start = at;
    },
    rewindTo(second) {
      at = held.view().indexOf(0x0a, start) + 1;
      line = second;
    },
    size: () => at - start,
    unread(read) {
      waiting = read;
    },
  };
}

const commas = (text: string): number => text.split(',').length - 1;

/**
 * The records of a body; empty lines are skipped. `columns()` is asked for the number of values a record must
 * have; 0 while that is not known.
 *
 * When quotes break a record, reading goes on with the line after the one it starts on. Of the lines that follow,
 * those too short for a record (the rest of a transcript, as a rule) are skipped and named in the one fault.
 */
export async function* readRecords(
  body: ByteSource,
  maxRecordBytes: number,
  columns: () => number,
): AsyncGenerator<RecordRead> {
  const lines = readLines(body, maxRecordBytes);
  const reader = createRereader(lines);
  const tooLong = `is longer than the ${maxRecordBytes} bytes a record may have`;

  /** One record, or null at the end. `broken` records were given up, and the reader stands after their first line. */
  async function readOne(): Promise<{ read: RecordRead; broken: boolean; commas: number } | null> {
    reader.begin();
    const first = await reader.next();
    if (first === null) return null;
    const { line } = first;
    if (first.bytes === null)
      return { read: { line, lastLine: line, reason: tooLong }, broken: false, commas: Infinity };

    const parse: Parse = { values: [], quoted: null };
    let valid = true;
    let firstText = '';
    let current: LineRead = first;
    const giveUp = (reason: string): { read: RecordRead; broken: boolean; commas: number } => {
      reader.rewindTo(line + 1);
      return { read: { line, lastLine: line, reason }, broken: true, commas: commas(firstText) };
    };
    for (;;) {
      if (current.bytes === null) {
        reader.unread(current);
        return giveUp(`${tooLong} (is a closing quote missing?)`);
      }
      if (reader.size() - 1 > maxRecordBytes) return giveUp(`${tooLong} (is a closing quote missing?)`);
      const text = decodeLine(current.bytes);
      valid &&= text !== null;
      // Where the bytes are no UTF-8 the record is refused as a whole, but its commas and quotes still count.
      const readable = text ?? current.bytes.toString('latin1');
      if (current === first) firstText = readable;
      const reason = parseLine(parse, readable);
      if (reason !== null) return giveUp(reason);
      if (parse.quoted === null) break;
      const next = await reader.next();
      if (next === null) return giveUp('opens a quote that is never closed');
      current = next;
    }
    const lastLine = current.line;
    if (valid) return { read: { line, lastLine, values: parse.values }, broken: false, commas: 0 };
    const read: RecordRead = { line, lastLine, reason: 'is not valid UTF-8' };
    return { read, broken: false, commas: commas(firstText) };
  }

  let fault: { line: number; lastLine: number; reason: string } | null = null;
  try {
    for (;;) {
      const one = await readOne();
      if (one === null) break;
      const { read, broken } = one;
      const isEmpty = 'values' in read && read.values.length === 1 && read.values[0] === '';
      // After a broken record its leftovers come by: lines with too few values to be a record of their own.
      const count = 'values' in read && !broken ? read.values.length : one.commas + 1;
      if (fault !== null && (isEmpty || count < columns())) {
        fault.lastLine = read.lastLine;
        continue;
      }
      if (fault !== null) yield fault;
      fault = null;
      if (isEmpty) continue;
      if (broken && 'reason' in read) fault = { ...read };
      else yield read;
    }
    if (fault !== null) yield fault;
  } finally {
    await lines.return(undefined);
  }
}
