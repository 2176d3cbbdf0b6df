/** Lines of a frozen export as one COPY sends them: those that go into the file as they are stored, and the others. */
import { fieldText, startOf, type CopiedRow, type TakeRow } from '../db/copyOut.ts';
import { ExampleSource, type ExportPart } from '../generated/prisma/client.ts';
import type { ExportLine } from './exportFormats/index.ts';
import type { LineWork } from './exportStage.ts';
import { ownsPrompt, roomBefore, writePlainLine, type StoredMessages } from './plainLine.ts';

/** How large the buffers are into which lines are written. */
const BUFFER_BYTES = 512 * 1024;

/** Lines that are ready, of one part and next to each other in a buffer. */
export interface Stretch {
  part: ExportPart;
  buffer: Buffer;
  from: number;
  to: number;
}

export interface Page {
  /** The last line in it. */
  last: number;
  lines: (Stretch | ExportLine)[];
  /** As they came, in bytes. */
  bytes: number;
  buffers: Buffer[];
}

interface Limits {
  /** The line before the page. */
  after: number;
  /** How many bytes a page may have; one line it has, however long. */
  bytes: number;
}

/** Buffers that were written, so that memory does not grow by what nobody has collected yet. */
export type Spare = Buffer[];

/** What the pages of an export share. */
export interface Sharing {
  /** As it stands before an example's own messages. */
  prompt: Buffer;
  spare: Spare;
  /** Told of each line that is written as it is stored. */
  inspectCounted: NonNullable<LineWork['inspectCounted']>;
}

/** A page, and what takes the lines into it that come one after the other; what goes past its limit it lets go. */
export function beginPage(
  limits: Limits,
  { prompt, spare, inspectCounted }: Sharing,
): { page: Page; take: TakeRow } {
  const page: Page = { last: limits.after, lines: [], bytes: 0, buffers: [] };
  const room = roomBefore(prompt);
  let buffer: Buffer = Buffer.alloc(0);
  let used = 0;
  let isFull = false;

  function take(row: CopiedRow): void {
    isFull ||= page.bytes > 0 && page.bytes + row.length > limits.bytes;
    if (isFull) return;
    page.bytes += row.length;
    page.last += 1;
    if (numberOf(row, LINE) !== page.last) throw new Error(`Line ${page.last} is not there`);
    const tokens = row.starts[TOKENS] === -1 ? null : numberOf(row, TOKENS);
    const start = jsonbStart(row, MESSAGES);
    const end =
      tokens === null || row.starts[TOOLS] !== -1 || row.starts[PARALLEL] !== -1 ? null : write(row, start);
    if (tokens === null || end === null) {
      page.lines.push(lineOf(row));
      return;
    }
    const part = partOf(row);
    stretchOf(part).to = end;
    used = end;
    inspectCounted(part, tokens, ownsPrompt(row.bytes, start));
  }

  const messages: StoredMessages = { bytes: buffer, start: 0, end: 0 };
  /** The bytes with rows that lie in the buffer, and how much further on than in these. */
  let landed: Buffer | undefined;
  let shift = 0;

  function write(row: CopiedRow, start: number): number | null {
    if (landed !== row.bytes || used + room > start + shift) land(row.bytes, start);
    messages.bytes = buffer;
    messages.start = start + shift;
    messages.end = (row.ends[MESSAGES] ?? 0) + shift;
    return writePlainLine(messages, prompt, used);
  }

  /**
   * Copies what came, from `start` on, to the end of a buffer, where lines are made of it before it. All rows in it at
   * once, since each copy from buffer to buffer makes an object.
   */
  function land(bytes: Buffer, start: number): void {
    const length = bytes.length - start;
    makeRoom(room + length);
    shift = buffer.length - bytes.length;
    bytes.copy(buffer, start + shift, start);
    landed = bytes;
  }

  function makeRoom(needed: number): void {
    if (used + needed <= buffer.length) return;
    buffer =
      (needed <= BUFFER_BYTES && spare.pop()) || Buffer.allocUnsafeSlow(Math.max(needed, BUFFER_BYTES));
    page.buffers.push(buffer);
    used = 0;
  }

  function stretchOf(part: ExportPart): Stretch {
    const before = page.lines.at(-1);
    if (before && 'buffer' in before && before.part === part && before.buffer === buffer) return before;
    const stretch = { part, buffer, from: used, to: used };
    page.lines.push(stretch);
    return stretch;
  }

  return { page, take };
}

/** Lets the page's buffers be used again, once all in them is written. */
export function endPage({ buffers }: Page, spare: Spare): void {
  spare.push(...buffers.filter(({ length }) => length === BUFFER_BYTES));
}

/** The columns as `linesAfter` has them. */
const [PART, LINE, EXAMPLE_ID, REVISION, SOURCE, TOKENS, PARALLEL, TOOLS, MESSAGES] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
] as const;
const [VALIDATION] = Buffer.from('V');
const JSONB_VERSION = 1;

const numberOf = (row: CopiedRow, field: number): number => row.bytes.readInt32BE(startOf(row, field));
const partOf = (row: CopiedRow): ExportPart =>
  row.bytes[startOf(row, PART)] === VALIDATION ? 'VALIDATION' : 'TRAINING';

/** Where the text of it begins. */
function jsonbStart(row: CopiedRow, field: number): number {
  const start = startOf(row, field);
  if (row.bytes[start] !== JSONB_VERSION) throw new Error(`This is JSONB of version ${row.bytes[start]}`);
  return start + 1;
}

function parsed(row: CopiedRow, field: number): unknown {
  if (row.starts[field] === -1) return null;
  return JSON.parse(row.bytes.toString('utf8', jsonbStart(row, field), row.ends[field]));
}

function lineOf(row: CopiedRow): ExportLine {
  return {
    part: partOf(row),
    line: numberOf(row, LINE),
    exampleId: fieldText(row, EXAMPLE_ID, 'hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    exampleRevision: numberOf(row, REVISION),
    source: sourceOf(fieldText(row, SOURCE)),
    wording: {
      messages: parsed(row, MESSAGES),
      tools: parsed(row, TOOLS),
      parallelToolCalls: row.starts[PARALLEL] === -1 ? null : row.bytes[startOf(row, PARALLEL)] === 1,
    },
    original: null,
    callSid: null,
  };
}

function sourceOf(name: string): ExportLine['source'] {
  const source = Object.values(ExampleSource).find((one) => one === name);
  if (source === undefined) throw new Error(`An example has the source ${name}`);
  return source;
}
