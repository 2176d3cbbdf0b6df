/**
 * Writes the lines of a frozen export as the database sends them, where they go into the file as they are stored and
 * their tokens are known. What has not exactly the shape of plainLine.ts is rendered and inspected like any other line.
 */
import type { Database } from '../db/database.ts';
import type { Export, ExportPart } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import { beginPage, endPage, type Page, type Sharing } from './copiedPage.ts';
import type { ExportLine } from './exportFormats/index.ts';
import { linesAfter } from './exportLines.ts';
import type { LineWork } from './exportStage.ts';
import type { ExportWriter } from './exportStore/port.ts';
import { promptBytes } from './plainLine.ts';

/** How many bytes of lines a page may have. */
const PAGE_BYTES = 2 * 1024 * 1024;
/** How many lines the first pages ask for, and how many any page does: between these, what should fit by the one before. */
const FIRST_LINES = 250;
const MOST_LINES = 4000;
/** What a page past its bytes lets go is read twice. */
const MARGIN = 0.75;
/** How many pages are read at once: with one, the database waits whenever a page is taken over and asked for. */
const READERS = 2;

interface Deps {
  db: Pick<Database, 'copyOut'>;
  work: Required<Pick<LineWork, 'inspect' | 'inspectCounted'>>;
  render: (line: ExportLine) => string;
  into: Record<ExportPart, ExportWriter | null>;
}

/** Throws when the export, or an example of it, is deleted meanwhile. */
export async function copyLines(
  { db, work, render, into }: Deps,
  frozen: Export,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { inspectCounted } = work;
  const sharing: Sharing = { prompt: promptBytes(frozen.systemPrompt), spare: [], inspectCounted };
  for await (const page of pagesOf(db, frozen, sharing, signal)) {
    await write(page);
    endPage(page, sharing.spare);
  }

  async function write({ lines }: Page): Promise<void> {
    const texts = { TRAINING: '', VALIDATION: '' };
    const writeTexts = async (part: ExportPart) => {
      if (texts[part] !== '') await into[part]?.write(texts[part]);
      texts[part] = '';
    };
    await inTurns(lines, async (line) => {
      if ('buffer' in line) {
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
  }
}

/** A page that was asked for, up to the line `until`. */
interface Reading {
  until: number;
  page: Promise<Page>;
}

/**
 * All pages in order. The next are read while one is written. No line of a page waits for the store: the embedded
 * database has a single connection, which others want too.
 */
async function* pagesOf(
  db: Pick<Database, 'copyOut'>,
  frozen: Export,
  sharing: Sharing,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page> {
  const until = frozen.exampleCount + frozen.validationExampleCount;
  const readings: Reading[] = [];
  let asked = 0;
  let lines = FIRST_LINES;

  async function read(after: number, lastLine: number): Promise<Page> {
    const { page, take } = beginPage({ after, bytes: PAGE_BYTES }, sharing);
    await db.copyOut(frozen.tenantId, linesAfter(frozen, after, lastLine - after), take);
    if (page.last === after) throw new Error(`Export ${frozen.id} was deleted while it was written`);
    return page;
  }

  function ask(after: number, lastLine: number): Reading {
    const page = read(after, lastLine);
    page.catch(() => undefined); // Told where it is awaited; where something else fails before, that is told.
    return { until: lastLine, page };
  }

  try {
    for (let last = 0; last < until;) {
      signal?.throwIfAborted();
      while (readings.length < READERS && asked < until) {
        const from = asked;
        asked = Math.min(from + lines, until);
        readings.push(ask(from, asked));
      }
      const reading = readings.shift();
      if (!reading) throw new Error('No page was asked for');
      const page = await reading.page;
      if (page.last < reading.until) readings.unshift(ask(page.last, reading.until));
      const fitting = Math.floor(((page.last - last) * PAGE_BYTES * MARGIN) / page.bytes);
      lines = Math.min(Math.max(fitting, 1), MOST_LINES);
      last = page.last;
      yield page;
    }
  } finally {
    await Promise.allSettled(readings.map(({ page }) => page));
  }
}
