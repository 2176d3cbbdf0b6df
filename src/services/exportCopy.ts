/**
 * Writes the lines of a frozen export as the database sends them, where they go into the file as they are stored and
 * their tokens are known. What has not exactly the shape of plainLine.ts is rendered and inspected like any other line.
 */
import type { Database } from '../db/database.ts';
import { ExampleSource, type Export, type ExportPart } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import { linesAfter } from './exportLines.ts';
import type { ExportLine } from './exportFormats/index.ts';
import type { CountedLine, LineWork } from './exportStage.ts';
import type { ExportWriter } from './exportStore/port.ts';
import { ownsPrompt, promptBytes, roomFor, writePlainLine } from './plainLine.ts';

/** How large the buffers are into which lines are written. */
const BUFFER_BYTES = 1024 * 1024;

interface Deps {
  db: Pick<Database, 'copyOut'>;
  work: Required<Pick<LineWork, 'inspect' | 'inspectCounted'>>;
  render: (line: ExportLine) => string;
  into: Record<ExportPart, ExportWriter | null>;
}

/** Lines that are ready, of one part and next to each other in a buffer. */
interface Stretch {
  part: ExportPart;
  buffer: Buffer;
  from: number;
  to: number;
  counted: CountedLine[];
}

/** The lines that one COPY sent. */
interface Page {
  last: number;
  lines: (Stretch | ExportLine)[];
  buffers: Buffer[];
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

  /** No line of a page waits for the store: the embedded database has a single connection, which others want too. */
  async function read(after: number): Promise<Page> {
    const page: Page = { last: after, lines: [], buffers: [] };
    let buffer: Buffer = Buffer.alloc(0);
    let used = 0;

    function take(fields: (Buffer | null)[]): void {
      const row = rowOf(fields);
      page.last += 1;
      if (row.line !== page.last) throw gone();
      const { part, tokens, messages } = row;
      makeRoom(messages.length + room);
      const isPlain = tokens !== null && row.tools === null && row.parallelToolCalls === null;
      const end = isPlain ? writePlainLine(messages, prompt, buffer, used) : null;
      if (tokens === null || end === null) {
        page.lines.push(lineOf(row));
        return;
      }
      const stretch = stretchOf(part);
      stretch.counted.push({ part, tokens, ownsPrompt: ownsPrompt(messages) });
      stretch.to = end;
      used = end;
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
      if (before && 'counted' in before && before.part === part && before.buffer === buffer) return before;
      const stretch = { part, buffer, from: used, to: used, counted: [] };
      page.lines.push(stretch);
      return stretch;
    }

    await db.copyOut(frozen.tenantId, linesAfter(frozen, after), take);
    if (page.last === after) throw gone();
    return page;
  }

  async function write({ lines, buffers }: Page): Promise<void> {
    const texts = { TRAINING: '', VALIDATION: '' };
    const writeTexts = async (part: ExportPart) => {
      if (texts[part] !== '') await into[part]?.write(texts[part]);
      texts[part] = '';
    };
    await inTurns(lines, async (line) => {
      if ('counted' in line) {
        await work.inspectCounted(line.counted);
        await writeTexts(line.part);
        await into[line.part]?.write(line.buffer.subarray(line.from, line.to));
      } else {
        const text = render(line);
        await work.inspect(text, line);
        texts[line.part] += text;
      }
    });
    await writeTexts('TRAINING');
    await writeTexts('VALIDATION');
    spare.push(...buffers.filter(({ length }) => length === BUFFER_BYTES));
  }

  const gone = () => new Error(`Export ${frozen.id} was deleted while it was written`);
  let page: Page = { last: 0, lines: [], buffers: [] };
  for (;;) {
    signal?.throwIfAborted();
    // The next page is read while this one is written.
    const next = page.last < until ? read(page.last) : null;
    next?.catch(() => undefined); // Told where it is awaited; where writing fails, that is told.
    await write(page);
    if (next === null) return;
    page = await next;
  }
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

function lineOf({ part, line, exampleRevision, ...row }: Row): ExportLine {
  return {
    part,
    line,
    exampleId: row.exampleId.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    exampleRevision,
    source: sourceOf(row.source.toString()),
    wording: {
      messages: JSON.parse(row.messages.toString()),
      tools: row.tools === null ? null : JSON.parse(row.tools.toString()),
      parallelToolCalls: row.parallelToolCalls,
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
