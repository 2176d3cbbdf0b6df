/** Writes the files of a frozen export. */
import type { Database } from '../db/database.ts';
import type { Export, ExportPart } from '../generated/prisma/client.ts';
import { ExpectedError } from './errors.ts';
import { formatOf, type ExportLine } from './exportFormats/index.ts';
import { inTurns } from './breathe.ts';
import { copyLines } from './exportCopy.ts';
import { membersOf } from './exportLines.ts';
import { workOf, type ExportFindings, type LineStage } from './exportStage.ts';
import type { ExportStore, ExportWriter, StoredFile } from './exportStore/port.ts';

export interface WrittenFiles {
  training: StoredFile;
  /** null without a split. */
  validation: StoredFile | null;
  findings: ExportFindings;
}

interface Deps {
  db: Pick<Database, 'withTenant' | 'copyOut'>;
  store: ExportStore;
  stages: readonly LineStage[];
}

/**
 * Writes the lines into the file of their part. The files get their keys only when all lines are written and nothing
 * has been refused; `keyOf` makes a key of a file's SHA-256, and may refuse it. When it fails, or `signal` aborts it, no
 * half-written file stays behind.
 */
export async function writeFiles(
  { db, store, stages }: Deps,
  frozen: Export,
  keyOf: (part: ExportPart, sha256: string) => string,
  signal: AbortSignal | undefined,
): Promise<WrittenFiles> {
  const format = formatOf(frozen.format);
  const work = workOf(stages, frozen);
  const until = frozen.exampleCount + frozen.validationExampleCount;
  const writers = new Map<ExportPart, ExportWriter>();
  try {
    const training = await begin(store, writers, 'TRAINING', format.head);
    const validation =
      frozen.validationExampleCount > 0 ? await begin(store, writers, 'VALIDATION', format.head) : null;
    const into = { TRAINING: training, VALIDATION: validation };
    await work.begin();
    if (format.plain && work.looksAtCountsAlone) await copyLines({ db, work, render, into }, frozen, signal);
    else await writeMembers(into);
    signal?.throwIfAborted();
    const findings = await work.finish();
    return {
      training: await training.finish((sha256) => keyOf('TRAINING', sha256)),
      validation: (await validation?.finish((sha256) => keyOf('VALIDATION', sha256))) ?? null,
      findings,
    };
  } catch (error) {
    // The store sweeps what is left; the first error tells more.
    for (const writer of writers.values()) await writer.abort().catch(() => undefined);
    throw error;
  }

  async function writeMembers(into: Record<ExportPart, ExportWriter | null>): Promise<void> {
    for await (const page of membersOf(db, frozen, { after: 0, until, withCalls: false }, signal)) {
      const texts = { TRAINING: '', VALIDATION: '' };
      await inTurns(page, async (member) => {
        const line = await work.reword(member);
        const text = render(line);
        await work.inspect(text, line);
        texts[member.part] += text;
      });
      if (texts.TRAINING !== '') await into.TRAINING?.write(texts.TRAINING);
      if (texts.VALIDATION !== '') await into.VALIDATION?.write(texts.VALIDATION);
    }
  }

  /** Names the line and none of its content. */
  function render(line: ExportLine): string {
    try {
      const lineOfFile = line.part === 'TRAINING' ? line.line : line.line - frozen.exampleCount;
      return format.render(line, frozen.systemPrompt, lineOfFile);
    } catch (cause) {
      if (cause instanceof ExpectedError) throw cause;
      throw new Error(`Line ${line.line} of export ${frozen.id} cannot be written`, { cause });
    }
  }
}

async function begin(
  store: ExportStore,
  writers: Map<ExportPart, ExportWriter>,
  part: ExportPart,
  head: string | undefined,
): Promise<ExportWriter> {
  const writer = await store.create();
  writers.set(part, writer);
  if (head !== undefined) await writer.write(head);
  return writer;
}
