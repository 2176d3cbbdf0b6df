/** Which training examples a call yields. Pure: the same turns and rules give the same examples. */
import { type SpannedBlock, type Turn, spanTurns } from './turns.ts';

/**
 * PAIR: each caller block directly followed by an agent block is one example.
 * CONVERSATION: the call from its first caller block to its last agent block is one example.
 */
export type CollectStrategy = 'PAIR' | 'CONVERSATION';

export interface CollectRules {
  strategy: CollectStrategy;
  /** Both messages of a pair must be longer than this many code points (strictly). */
  minMessageLength: number;
  /**
   * What the agent said is learned only where the transcriber was at least this sure of it, 0..1. Turns without a
   * confidence of their own count as the call's, which is as sure as that.
   */
  minConfidence: number;
}

/** A message of an example: what the caller said is the user's, what the agent said the assistant's. */
export interface ChatMessage {
  role: 'user' | 'assistant';
  content: string;
  /** 0 for what the agent said in words that nobody can be sure of: the model reads it and does not learn it. */
  weight?: 0;
}

/** An example to be, with where in the call it came from. */
export interface Candidate {
  messages: ChatMessage[];
  /** Index of the first turn it holds, counted from 0 in the call's turns. */
  firstTurn: number;
  /** Index of the last turn it holds (inclusive). */
  lastTurn: number;
  /** 0, 1, 2… among the candidates of the call. */
  position: number;
}

export interface CallExamples {
  candidates: Candidate[];
  /** PAIR: pairs dropped for length. CONVERSATION: 1 when the call has pairs, but none long enough. */
  tooShort: number;
  /** PAIR: pairs dropped for an unsure answer. CONVERSATION: 1 when every answer of the call is unsure. */
  unsure: number;
  /** Whether both sides said something; without that a call yields nothing. */
  bothSides: boolean;
}

/** The number of Unicode code points in a text (a lone surrogate counts as one). */
export function codePoints(text: string): number {
  // Not `[...text].length`, which would build an array of every character of every message.
  let count = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    if ((text.charCodeAt(index) & 0xfc_00) !== 0xd8_00) continue;
    if ((text.charCodeAt(index + 1) & 0xfc_00) !== 0xdc_00) continue;
    count -= 1;
    index += 1;
  }
  return count;
}

const messageOf = ({ speaker, text }: SpannedBlock): ChatMessage => ({
  role: speaker === 'caller' ? 'user' : 'assistant',
  content: text,
});

const NOTHING = { candidates: [], tooShort: 0, unsure: 0 };

/** The examples of a call, in the call's order. */
export function examplesOf(turns: readonly Turn[], rules: CollectRules): CallExamples {
  const blocks = spanTurns(turns);
  const bothSides = blocks.length > 1; // neighbours differ in side, so two blocks are two sides
  if (!bothSides) return { ...NOTHING, bothSides };

  const sure = ({ confidence = 1 }: SpannedBlock): boolean => confidence >= rules.minConfidence;
  const longEnough = ({ text }: SpannedBlock): boolean => codePoints(text) > rules.minMessageLength;
  const kept: [SpannedBlock, SpannedBlock][] = [];
  let tooShort = 0;
  for (const [index, question] of blocks.entries()) {
    const answer = blocks[index + 1];
    if (question.speaker !== 'caller' || answer === undefined) continue;
    if (longEnough(question) && longEnough(answer)) kept.push([question, answer]);
    else tooShort += 1;
  }

  if (rules.strategy === 'PAIR') {
    const learned = kept.filter(([, answer]) => sure(answer));
    const candidates = learned.map(([question, answer], position) => ({
      messages: [messageOf(question), messageOf(answer)],
      firstTurn: question.firstTurn,
      lastTurn: answer.lastTurn,
      position,
    }));
    return { candidates, tooShort, unsure: kept.length - learned.length, bothSides };
  }

  if (kept.length === 0) return { ...NOTHING, tooShort: Math.min(tooShort, 1), bothSides };
  const from = blocks.findIndex(({ speaker }) => speaker === 'caller');
  const to = blocks.findLastIndex(({ speaker }) => speaker === 'agent');
  const span = blocks.slice(from, to + 1);
  const first = span.at(0);
  const last = span.at(-1);
  if (first === undefined || last === undefined) return { ...NOTHING, bothSides };
  if (!span.some((block) => block.speaker === 'agent' && sure(block)))
    return { ...NOTHING, unsure: 1, bothSides };
  const candidate: Candidate = {
    messages: span.map((block) =>
      block.speaker === 'agent' && !sure(block) ? { ...messageOf(block), weight: 0 } : messageOf(block),
    ),
    firstTurn: first.firstTurn,
    lastTurn: last.lastTurn,
    position: 0,
  };
  return { ...NOTHING, candidates: [candidate], bothSides };
}
