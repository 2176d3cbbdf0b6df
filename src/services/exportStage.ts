/**
 * What others do with each line on its way into a file. An export goes: members are selected and frozen → each gets its
 * part (exportSplit.ts) → line by line: the wording is read → `reword` → the format renders it → `inspect` → it is written
 * → the files are published.
 */
import type { Export, ExportPart, Prisma } from '../generated/prisma/client.ts';
import type { ExportLine } from './exportFormats/index.ts';

/** What is saved with an export beside its files. */
export type ExportFindings = Pick<
  Prisma.ExportUncheckedUpdateInput,
  'tokens' | 'validationTokens' | 'longExamples' | 'personalDataReport'
>;

export interface LineWork {
  /** Called before the first line, which waits for what it returns. What needs no line may go on beside the writing. */
  begin?(): void | Promise<void>;
  /**
   * Changes what a line says (`wording`, and `original` where there is one), and nothing else about it. The same line of
   * the same export always becomes the same: a split compares the lines as they will be written, and a lost file is
   * written again.
   */
  reword?(line: ExportLine): ExportLine | Promise<ExportLine>;
  /** Sees exactly the text that is written. An ExpectedError refuses the whole export: nothing of it is kept. */
  inspect?(text: string, line: ExportLine): void | Promise<void>;
  /**
   * In place of `inspect`, of a line of the chat format that is written as it is stored and whose tokens are known: those
   * of the example, without a system prompt that is not its own. Told when it is read, so in no order. A stage without it
   * sees every line.
   */
  inspectCounted?(part: ExportPart, tokens: number, ownsPrompt: boolean): void;
  /** Called once after the last line: what shall be saved with the export. Let go when a lost file is repeated. */
  finish?(): ExportFindings | Promise<ExportFindings>;
}

/**
 * Called for every pass over an export's lines, so that what it counts begins at nothing. Lines come one after the
 * other in their order. Work on one should stay below some 10 ms; between lines the event loop gets its turn.
 */
export type LineStage = (frozen: Export) => LineWork;

/** The stages as one: each rewords what the one before made of the line. */
export function workOf(
  stages: readonly LineStage[],
  frozen: Export,
): Required<LineWork> & { looksAtCountsAlone: boolean } {
  const works = stages.map((stage) => stage(frozen));
  return {
    looksAtCountsAlone: works.every(
      (work) => !work.reword && (work.inspect === undefined || work.inspectCounted !== undefined),
    ),
    async begin() {
      await Promise.all(works.map(async (work) => work.begin?.()));
    },
    inspectCounted(part, tokens, ownsPrompt) {
      for (const work of works) work.inspectCounted?.(part, tokens, ownsPrompt);
    },
    async reword(line) {
      let reworded = line;
      for (const work of works) reworded = (await work.reword?.(reworded)) ?? reworded;
      return reworded;
    },
    async inspect(text, line) {
      for (const work of works) await work.inspect?.(text, line);
    },
    async finish() {
      const findings: ExportFindings = {};
      for (const work of works) Object.assign(findings, await work.finish?.());
      return findings;
    },
  };
}
