/**
 * The turns of a call: who said what, in order. Pure: reads no files and knows no database.
 *
 * "Trimmed" here always means `String.prototype.trim`.
 */

export type Speaker = 'caller' | 'agent';

/** One utterance. */
export interface Turn {
  speaker: Speaker;
  text: string;
  /** Milliseconds from the start of the call, where the source tells it. */
  startMs?: number;
  /** How sure the transcriber was of these words, 0..1, where the source tells it. */
  confidence?: number;
}

/** Everything one side says before the other side speaks. */
export interface Block {
  speaker: Speaker;
  text: string;
}

/** A block with the indexes (inclusive) of the first and last turn whose text it holds. */
export interface SpannedBlock extends Block {
  firstTurn: number;
  lastTurn: number;
  /** The least confidence of its turns: what is learned of a block is all of it. Absent when none has one of its own. */
  confidence?: number;
}

/** Names for the two sides, as they stand before the colon in a transcript. */
export interface SpeakerLabels {
  caller: readonly string[];
  agent: readonly string[];
}

export interface SpeakerReader {
  /** All labels this reader knows: the built-in ones and the extra ones. */
  readonly labels: SpeakerLabels;
  /** The side a label stands for, in any case and with any space around it; null when it is not known. */
  readonly speakerOf: (label: string) => Speaker | null;
  /** The turns of a transcript with `Label: text` lines; [] when no line has a known label. */
  readonly readTranscript: (text: string) => Turn[];
}

export const BUILT_IN_LABELS: SpeakerLabels = {
  caller: ['caller', 'customer', 'client', 'user', 'patient'],
  agent: ['agent', 'assistant', 'ai', 'bot', 'representative', 'rep', 'operator'],
};

const MAX_LABEL_LENGTH = 100;
export const MAX_EXTRA_LABELS = 100;

const SIDES: readonly Speaker[] = ['caller', 'agent'];

// Upper case first, because lower case alone keeps apart what upper case joins (straße, STRASSE).
// NFC, because the same name may arrive composed or decomposed, depending on the system it was typed on.
function fold(label: string): string {
  return label.trim().replaceAll(/\s+/g, ' ').normalize('NFC').toUpperCase().toLowerCase();
}

function faultOfLabel(label: string): string | null {
  const shown = JSON.stringify(label.slice(0, MAX_LABEL_LENGTH));
  if (label.trim() === '') return 'A speaker label must not be empty.';
  if (label.length > MAX_LABEL_LENGTH)
    return `The speaker label ${shown}… is longer than ${MAX_LABEL_LENGTH} characters.`;
  if (/[:\r\n]/.test(label)) return `The speaker label ${shown} must not hold a colon or a line break.`;
  return null;
}

/**
 * What is wrong with extra labels, as a sentence for the person who sent them; null when nothing is.
 * A label may stand for one side only, the built-in labels included.
 */
export function checkLabels(extra: SpeakerLabels): string | null {
  const sideOf = new Map<string, Speaker>();
  for (const side of SIDES) for (const label of BUILT_IN_LABELS[side]) sideOf.set(fold(label), side);
  for (const side of SIDES) {
    if (extra[side].length > MAX_EXTRA_LABELS)
      return `At most ${MAX_EXTRA_LABELS} extra ${side} labels are allowed, not ${extra[side].length}.`;
    for (const label of extra[side]) {
      const fault = faultOfLabel(label);
      if (fault !== null) return fault;
      const known = sideOf.get(fold(label));
      if (known !== undefined && known !== side)
        return `The speaker label ${JSON.stringify(label.trim())} stands for both the caller and the agent.`;
      sideOf.set(fold(label), side);
    }
  }
  return null;
}

/**
 * A reader for the built-in labels and, where given, extra ones.
 * Throws a RangeError with the message of `checkLabels` when the labels are at fault: ask that first.
 */
export function createSpeakerReader(extra: SpeakerLabels = { caller: [], agent: [] }): SpeakerReader {
  const fault = checkLabels(extra);
  if (fault !== null) throw new RangeError(fault);
  const labels: SpeakerLabels = {
    caller: [...BUILT_IN_LABELS.caller, ...extra.caller.map((label) => label.trim())],
    agent: [...BUILT_IN_LABELS.agent, ...extra.agent.map((label) => label.trim())],
  };
  // A Map, not an object: `constructor:` at the start of a line must not find anything.
  const sideOf = new Map<string, Speaker>();
  for (const side of SIDES) for (const label of labels[side]) sideOf.set(fold(label), side);

  const speakerOf = (label: string): Speaker | null => sideOf.get(fold(label)) ?? null;

  function readTranscript(text: string): Turn[] {
    const turns: Turn[] = [];
    let speaker: Speaker | null = null;
    let parts: string[] = [];
    const finish = (): void => {
      const said = parts.join(' ');
      if (speaker !== null && said !== '') turns.push({ speaker, text: said });
      parts = [];
    };
    for (const line of text.split(/\r\n|\r|\n/)) {
      // The first colon decides: a label holds none, so whatever stands before it is the only candidate.
      const colon = line.indexOf(':');
      const labelled = colon === -1 ? null : speakerOf(line.slice(0, colon));
      if (labelled !== null) {
        finish();
        speaker = labelled;
      }
      const said = (labelled === null ? line : line.slice(colon + 1)).trim();
      if (speaker !== null && said !== '') parts.push(said);
    }
    finish();
    return turns;
  }

  return { labels, speakerOf, readTranscript };
}

/** `joinTurns`, with the turns each block came from. */
export function spanTurns(turns: readonly Turn[]): SpannedBlock[] {
  const groups: (Omit<SpannedBlock, 'text'> & { parts: string[] })[] = [];
  for (const [index, turn] of turns.entries()) {
    const text = turn.text.trim();
    if (text === '') continue;
    let block = groups.at(-1);
    if (block?.speaker !== turn.speaker) {
      block = { speaker: turn.speaker, parts: [], firstTurn: index, lastTurn: index };
      groups.push(block);
    }
    block.parts.push(text);
    block.lastTurn = index;
    if (turn.confidence !== undefined) block.confidence = Math.min(block.confidence ?? 1, turn.confidence);
  }
  return groups.map(({ parts, ...block }) => ({ ...block, text: parts.join(' ') }));
}

/** Neighbouring turns of one side as one block: texts trimmed, joined with a single space; empty turns vanish. */
export function joinTurns(turns: readonly Turn[]): Block[] {
  return spanTurns(turns).map(({ speaker, text }) => ({ speaker, text }));
}
