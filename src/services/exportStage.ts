/**
 * What others do with each line on its way into a file. An export goes: members are selected and frozen → each gets its
 * part (exportSplit.ts) → line by line: the wording is read → `reword` → the format renders it → `inspect` → it is written
 * → the files are published.
 */
import type { Export, Prisma } from '../generated/prisma/client.ts';
import type { ExportLine } from './exportFormats/index.ts';

/** What is saved with an export beside its files. */
export type ExportFindings = Pick<
  Prisma.ExportUncheckedUpdateInput,
  'tokens' | 'validationTokens' | 'longExamples' | 'personalDataReport'
>;

/** A line whose example has its tokens counted. */
export interface CountedLine extends Pick<ExportLine, 'part'> {
  /** The example's, without a system prompt that is not its own. */
  tokens: number;
  /** Whether it begins with a system message of its own. */
  ownsPrompt: boolean;
}

export interface LineWork {
  /**
   * Changes what a line says (`wording`, and `original` where there is one), and nothing else about it. The same line of
   * the same export always becomes the same: a split compares the lines as they will be written, and a lost file is
   * written again.
   */
  reword?(line: ExportLine): ExportLine | Promise<ExportLine>;
  /** Sees exactly the text that is written. An ExpectedError refuses the whole export: nothing of it is kept. */
  inspect?(text: string, line: ExportLine): void | Promise<void>;
  /**
   * In place of `inspect`, of lines of the chat format that are written as they are stored and whose tokens are known. A
   * stage without it sees every line.
   */
  inspectCounted?(lines: readonly CountedLine[]): void | Promise<void>;
  /** Called once after the last line: what shall be saved with the export. Not asked for when a lost file is repeated. */
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
    async inspectCounted(lines) {
      for (const work of works) await work.inspectCounted?.(lines);
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
