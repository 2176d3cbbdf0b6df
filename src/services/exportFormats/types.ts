/** What a format of exports is. Adding one is adding a file here, naming it in index.ts and in the database's enum. */
import type { ExampleSource, ExportPart } from '../../generated/prisma/client.ts';

/** What an example says, as it is stored. */
export interface Wording {
  /** A list of ExampleMessage, its keys in any order. */
  messages: unknown;
  /** A list of ExampleTool, or null. */
  tools: unknown;
  /** null leaves it to the provider. */
  parallelToolCalls: boolean | null;
}

/** An example on its way into a file. */
export interface ExportLine {
  part: ExportPart;
  /** Counted from 1 through the export: the training file's lines, then those of the validation file. */
  line: number;
  exampleId: string;
  exampleRevision: number;
  /** The wording that was frozen. */
  wording: Wording;
  /** The example's first wording, before anybody repaired it; null unless the format has `pairs`. */
  original: Wording | null;
  source: ExampleSource;
  /** The telephony system's id of the call that the example was taken from; null unless the format has `callSid`. */
  callSid: string | null;
}

export interface Format {
  /** One more with every change to what `render` writes: files of different versions are not the same file. */
  readonly version: number;
  /** Without the dot. */
  readonly extension: string;
  readonly contentType: string;
  /** How providers train on such a file; null when they do not. */
  readonly method: 'SUPERVISED' | 'DPO' | null;
  /** Takes only the examples whose answer was repaired, and gives `render` the first wording too. */
  readonly pairs?: true;
  /** Gives `render` the call's sid. */
  readonly callSid?: true;
  /** Its lines are those of renderChatLine, which plainLine.ts writes too. */
  readonly plain?: true;
  /** What each file begins with, before the first line. */
  readonly head?: string;
  /**
   * The line, with the line break at its end; `lineOfFile` counts from 1 within the file. It depends on nothing else, so
   * that a lost file can be written again. Throws FormatCannotHoldError, and an Error that tells the place and none of
   * the content when the example is not in the shape that is stored.
   */
  render(line: ExportLine, systemPrompt: string | null, lineOfFile: number): string;
}
