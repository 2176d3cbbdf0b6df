/** One call of an import: a row's values checked and brought into the shape the service stores. */
import type { SpeakerReader, Turn } from '../turns.ts';
import { MAX_TURNS, MAX_TURN_CHARACTERS, callSchema, fits } from './callSchema.ts';
import { faultOfIssues, fieldName, refuse, shown } from './faults.ts';
import type { RowFault } from './types.ts';

/** A recorded call, ready to be stored. */
export interface CallInput {
  /** 1 to 64 printable characters, trimmed. */
  callSid: string;
  /** At most 32 characters. */
  phoneNumber: string | null;
  direction: 'inbound' | 'outbound' | null;
  /** At most 32 characters; 'completed' when not told. */
  status: string;
  createdAt: Date;
  /** Whole seconds, at most a week. */
  durationSeconds: number | null;
  /** How sure the recogniser was of its words, 0..1. */
  confidence: number | null;
  /** At most 200 characters. */
  topic: string | null;
  /** At most 10,000, of at most 100,000 characters each; texts trimmed, empty ones left out. */
  turns: Turn[];
  /** The transcript as text, when it was given as text. */
  transcriptText: string | null;
}

export interface CallOptions {
  /** For calls that have a transcript, but no confidence; 0..1. */
  defaultConfidence: number | null;
  /** Tells which side a speaker is. */
  reader: SpeakerReader;
}

/** What a row may leave unsaid. The conversation is one thing, whether it comes as turns or as text. */
export type CallPart =
  | 'phoneNumber'
  | 'direction'
  | 'status'
  | 'durationSeconds'
  | 'confidence'
  | 'topic'
  | 'conversation';

/**
 * `unsaid`: the parts that the row does not carry (null says something, an absent key does not), in which a call that is
 * there already keeps its own. The confidence is among them when it is the default.
 */
export type CallParsed = { call: CallInput; unsaid: CallPart[] } | { fault: RowFault };

/** The keys that say each part. */
const PART_KEYS: readonly (readonly [CallPart, readonly string[]])[] = [
  ['phoneNumber', ['phone_number']],
  ['direction', ['direction']],
  ['status', ['call_status']],
  ['durationSeconds', ['duration_seconds']],
  ['confidence', ['transcript_confidence']],
  ['topic', ['topic']],
  ['conversation', ['turns', 'transcript_text']],
];

/** Keys as the data has them, and as a GraphQL mutation passes them. The first that is there counts. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['call_sid', 'callSid'],
  ['phone_number', 'phoneNumber'],
  ['direction', 'direction'],
  ['call_status', 'callStatus'],
  ['created_at', 'createdAt'],
  ['duration_seconds', 'durationSeconds'],
  ['transcript_confidence', 'transcriptConfidence'],
  ['topic', 'topic'],
  ['turns', 'turns'],
  ['transcript_text', 'transcriptText'],
];

interface ListedTurn {
  speaker: string;
  text: string;
  start_ms: number | null;
  startMs: number | null;
  confidence: number | null;
}

/** The turns of a list, or what is wrong with one of them. */
function turnsOfList(
  list: readonly ListedTurn[],
  reader: SpeakerReader,
): Turn[] | { field: string; reason: string } {
  const turns: Turn[] = [];
  for (const [index, { speaker: label, text, confidence, ...times }] of list.entries()) {
    const speaker = reader.speakerOf(label);
    if (speaker === null) {
      const { caller, agent } = reader.labels;
      const rule = `must be a known speaker (caller: ${caller.join(', ')}; agent: ${agent.join(', ')})`;
      return { field: `turns[${index}].speaker`, reason: refuse(rule, label) };
    }
    const said = text.trim();
    if (said === '') continue;
    const startMs = times.start_ms ?? times.startMs;
    turns.push({
      speaker,
      text: said,
      ...(startMs !== null && { startMs }),
      ...(confidence !== null && { confidence }),
    });
  }
  return turns;
}

/** The turns of a text, or what is wrong with it as a transcript. */
function turnsOfText(
  text: string,
  field: string,
  reader: SpeakerReader,
): Turn[] | { field: string; reason: string } {
  const turns = reader.readTranscript(text);
  if (turns.length > MAX_TURNS)
    return { field, reason: `must hold at most ${MAX_TURNS} turns, not ${turns.length}` };
  const long = turns.find((turn) => !fits(turn.text, MAX_TURN_CHARACTERS));
  if (long === undefined) return turns;
  return {
    field,
    reason: `must hold turns of at most ${MAX_TURN_CHARACTERS} characters, not ${shown(long.text)}`,
  };
}

/**
 * Checks one row. Keys may be snake_case or camelCase, unknown ones are ignored; numbers may be texts, as a table has
 * them. A turn's speaker may be any label the reader knows. Where there are no turns they are read from the
 * transcript's text; text without labels is kept, and has none. Never throws.
 *
 * `line` goes into the fault, which names the field as the input spells it.
 */
export function parseCall(value: Record<string, unknown>, line: number, options: CallOptions): CallParsed {
  const given: Record<string, unknown> = {};
  const spelling = new Map<PropertyKey, string>();
  const said = new Set<string>();
  for (const [snake, camel] of ALIASES) {
    const isSnake = Object.hasOwn(value, snake) && value[snake] !== undefined;
    const key = !isSnake && Object.hasOwn(value, camel) ? camel : snake;
    spelling.set(snake, key);
    given[snake] = Object.hasOwn(value, key) ? value[key] : null;
    if (Object.hasOwn(value, key) && value[key] !== undefined) said.add(snake);
  }
  const spelled = (path: readonly PropertyKey[]): string | null => {
    const [first, ...rest] = path;
    return first === undefined ? null : fieldName([spelling.get(first) ?? first, ...rest]);
  };

  const parsed = callSchema.safeParse(given);
  if (!parsed.success) return { fault: faultOfIssues(parsed.error.issues, given, line, spelled) };
  const row = parsed.data;

  const hasTurns = row.turns !== null && row.turns !== undefined && row.turns.length > 0;
  const text = row.transcript_text;
  let turns: ReturnType<typeof turnsOfList> = [];
  if (hasTurns) turns = turnsOfList(row.turns ?? [], options.reader);
  else if (text !== null) turns = turnsOfText(text, spelling.get('transcript_text') ?? '', options.reader);
  if ('reason' in turns) return { fault: { line, ...turns } };

  // A call nobody answered has no words to be sure or unsure of.
  const silent = turns.length === 0 && text === null;
  const confidence = row.transcript_confidence ?? (silent ? null : options.defaultConfidence);
  const isDefault = row.transcript_confidence === null && confidence !== null;
  const unsaid = PART_KEYS.filter(
    ([part, keys]) => !keys.some((key) => said.has(key)) || (part === 'confidence' && isDefault),
  ).map(([part]) => part);
  return {
    unsaid,
    call: {
      callSid: row.call_sid,
      phoneNumber: row.phone_number,
      direction: row.direction,
      status: row.call_status ?? 'completed',
      createdAt: row.created_at,
      durationSeconds: row.duration_seconds,
      confidence,
      topic: row.topic,
      turns,
      transcriptText: text,
    },
  };
}
