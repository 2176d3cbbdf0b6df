import type { Example } from './lines.ts';
import { cueOf, END, type NgramModel } from './ngram.ts';
import { countMessage, MAX_EXAMPLE_TOKENS, pieces, spoken, textOf } from './tokens.ts';

/** A conversation as far as similarity is concerned: the last turn before the answer, and what came earlier. */
export interface Context {
  last: string[];
  earlier: string[];
}

/** An assistant's message to learn from: what it answers, and its own place in the conversation. */
export interface Turn {
  context: Context;
  /** The message's number in the example, from 0. */
  at: number;
}

/** Words as they are compared: lower case, without signs and spaces. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/** The context an answer to these messages would have. System messages, the same everywhere, are left out. */
export function contextOf(messages: readonly { role: string; text: string }[]): Context {
  const heard = messages.filter((message) => message.role !== 'system' && message.role !== 'developer');
  const last = heard.findLastIndex((message) => message.role !== 'assistant');
  return {
    last: wordsOf(heard[last]?.text ?? ''),
    earlier: heard.filter((_, index) => index !== last).flatMap((message) => wordsOf(message.text)),
  };
}

/**
 * The answers of an example that are to be learned: those of weight 1 (the default) that lie within the first
 * 65,536 tokens. The provider cuts longer examples from the end, so that a late answer is lost.
 */
export function turnsOf(example: Example): Turn[] {
  const turns: Turn[] = [];
  let tokens = 0;
  for (const [at, message] of example.messages.entries()) {
    tokens += countMessage(message);
    if (tokens > MAX_EXAMPLE_TOKENS) break;
    if (message.role !== 'assistant' || message.weight === 0) continue;
    const before = example.messages.slice(0, at).map((said) => ({ role: said.role, text: textOf(said) }));
    turns.push({ context: contextOf(before), at });
  }
  return turns;
}

/** The answer at a turn as the model's token numbers, its end included. */
export function answerIds(model: NgramModel, example: Example, turn: Turn): number[] {
  const message = example.messages[turn.at];
  const ids: number[] = [];
  if (message !== undefined) for (const piece of pieces(spoken(message))) ids.push(model.idOf(piece));
  ids.push(END);
  return ids;
}

/** The cue of a turn: the last thing said before it. */
export function turnCue(turn: Turn): number {
  return cueOf(turn.context.last);
}
