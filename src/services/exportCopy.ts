/**
 * Writes the lines of a frozen export as the database sends them, where they go into the file as they are stored and
 * their tokens are known. What has not exactly the shape of plainLine.ts is rendered and inspected like any other line.
 */
import type { Database } from '../db/database.ts';
import { ExampleSource, type Export, type ExportPart } from '../generated/prisma/client.ts';
import { COPIED_LINES, linesAfter } from './exportLines.ts';
import type { ExportLine } from './exportFormats/index.ts';
import type { CountedLine, LineWork } from './exportStage.ts';
import type { ExportWriter } from './exportStore/port.ts';
import { ownsPrompt, promptBytes, roomFor, writePlainLine } from './plainLine.ts';

/** How much is written at once. */
const BATCH_BYTES = 1024 * 1024;

interface Deps {
  db: Pick<Database, 'copyOut'>;
  work: Required<Pick<LineWork, 'inspect' | 'inspectCounted'>>;
  render: (line: ExportLine) => string;
  into: Record<ExportPart, ExportWriter | null>;
}

/** Lines that are ready, of one part and next to each other in the batch's bytes. */
interface Stretch {
  part: ExportPart;
  from: number;
  to: number;
  counted: CountedLine[];
}

interface Batch {
  bytes: Buffer;
  /** How many of them are written. */
  used: number;
  /** What the lines that are not ready have taken, about. */
  beside: number;
  lines: (Stretch | ExportLine)[];
}

/** Throws when the export, or an example of it, is deleted meanwhile. */
export async function copyLines(
  { db, work, render, into }: Deps,
  frozen: Export,
  signal: AbortSignal | undefined,
): Promise<void> {
  const prompt = promptBytes(frozen.systemPrompt);
  const room = roomFor(prompt);
  const until = frozen.exampleCount + frozen.validationExampleCount;
  /** Buffers that were written, so that memory does not grow by what nobody has collected yet. */
  const spare: Buffer[] = [];
  let written = Promise.resolve();
  let batch = newBatch(0);
  let last = 0;

  function newBatch(bytes: number): Batch {
    const buffer =
      bytes <= BATCH_BYTES ? (spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES)) : Buffer.allocUnsafe(bytes);
    return { bytes: buffer, used: 0, beside: 0, lines: [] };
  }

  function take(fields: (Buffer | null)[]): Promise<void> | undefined {
    const row = rowOf(fields);
    last += 1;
    if (row.line !== last) throw new Error(`Line ${last} of export ${frozen.id} is not there any more`);
    const needed = row.messages.length + room;
    const full = batch.used + needed > batch.bytes.length || batch.beside > BATCH_BYTES;
    if (full) flush(needed);
    add(row);
    return full ? written : undefined;
  }

  function add(row: Row): void {
    const { part, tokens, messages } = row;
    const isPlain = tokens !== null && row.tools === null && row.parallelToolCalls === null;
    const end = isPlain ? writePlainLine(messages, prompt, batch.bytes, batch.used) : null;
    if (tokens === null || end === null) {
      batch.beside += messages.length + (row.tools?.length ?? 0);
      batch.lines.push(lineOf(row));
      return;
    }
    const before = batch.lines.at(-1);
    const stretch =
      before !== undefined && 'counted' in before && before.part === part
        ? before
        : { part, from: batch.used, to: batch.used, counted: [] };
    if (stretch !== before) batch.lines.push(stretch);
    stretch.counted.push({ part, tokens, ownsPrompt: ownsPrompt(messages) });
    stretch.to = end;
    batch.used = end;
  }

  function flush(needed: number): void {
    const full = batch;
    written = written.then(async () => write(full));
    written.catch(() => undefined); // Told where it is awaited.
    batch = newBatch(needed);
  }

  async function write({ bytes, lines }: Batch): Promise<void> {
    for (const line of lines) {
      if ('counted' in line) {
        await work.inspectCounted(line.counted);
        await into[line.part]?.write(bytes.subarray(line.from, line.to));
      } else {
        const text = render(line);
        await work.inspect(text, line);
        await into[line.part]?.write(text);
      }
    }
    if (bytes.length === BATCH_BYTES) spare.push(bytes);
  }

  while (last < until) {
    signal?.throwIfAborted();
    const before = last;
    await db.copyOut(frozen.tenantId, linesAfter(frozen, before), take);
    if (last !== Math.min(before + COPIED_LINES, until)) {
      throw new Error(`Export ${frozen.id} was deleted while it was written`);
    }
  }
  flush(0);
  await written;
}

type Row = Omit<ExportLine, 'wording' | 'original' | 'callSid' | 'exampleId' | 'source'> & {
  exampleId: Buffer;
  source: Buffer;
  tokens: number | null;
  parallelToolCalls: boolean | null;
  tools: Buffer | null;
  messages: Buffer;
};

/** As `linesAfter` names the columns. */
function rowOf([
  part,
  line,
  exampleId,
  revision,
  source,
  tokens,
  parallel,
  tools,
  messages,
]: (Buffer | null)[]): Row {
  if (!part || !line || !exampleId || !revision || !source || !messages)
    throw new Error('A line lacks a column');
  return {
    part: part[0] === VALIDATION ? 'VALIDATION' : 'TRAINING',
    line: line.readInt32BE(0),
    exampleId,
    exampleRevision: revision.readInt32BE(0),
    source,
    tokens: tokens?.readInt32BE(0) ?? null,
    parallelToolCalls: parallel ? parallel[0] === 1 : null,
    tools: tools ? jsonOf(tools) : null,
    messages: jsonOf(messages),
  };
}

const [VALIDATION] = Buffer.from('V');
const JSONB_VERSION = 1;

function jsonOf(jsonb: Buffer): Buffer {
  if (jsonb[0] !== JSONB_VERSION) throw new Error(`This is JSONB of version ${jsonb[0]}`);
  return jsonb.subarray(1);
}

function lineOf({
  exampleId,
  source,
  tokens: _,
  parallelToolCalls,
  tools,
  messages,
  ...row
}: Row): ExportLine {
  return {
    ...row,
    exampleId: exampleId.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    source: sourceOf(source.toString()),
    wording: {
      messages: JSON.parse(messages.toString()),
      tools: tools === null ? null : JSON.parse(tools.toString()),
      parallelToolCalls,
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
