import type { ChatMessage, Example } from './lines.ts';

/** Past this many tokens an example is cut from its end, as the provider does. */
export const MAX_EXAMPLE_TOKENS = 65_536;

/**
 * The sandbox's own tokenizer, no byte-pair encoding: runs of up to 12 letters, runs of up to 3 digits, single
 * other signs, each with the one blank before it, and runs of white space. The pieces joined give the text again.
 */
const PIECE = /\s?[\p{L}\p{M}_]{1,12}|\s?\p{N}{1,3}|\s?[^\s\p{L}\p{M}\p{N}_]|\s+/gu;

/** The pieces of a text, one at a time, so that a long text need not be split whole. */
export function* pieces(text: string): Generator<string> {
  for (const match of text.matchAll(PIECE)) yield match[0];
}

/** How many tokens a text has. */
export function countText(text: string): number {
  PIECE.lastIndex = 0;
  let count = 0;
  while (PIECE.test(text)) count += 1;
  return count;
}

/** A message's content as plain text; of parts that are no text (images) nothing remains. */
export function textOf(message: Pick<ChatMessage, 'content'>): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** What an assistant's message says: its text, followed by its tool calls as JSON. */
export function spoken(message: ChatMessage): string {
  if (message.role !== 'assistant') return textOf(message);
  const calls = message.tool_calls ?? (message.function_call ? [message.function_call] : []);
  return textOf(message) + (calls.length > 0 ? JSON.stringify(calls) : '');
}

/**
 * Tokens of a message: 3, and 1 for the role, and its content, tool calls and name (+1 for a name).
 * The rule is that of OpenAI's cookbook, "How to count tokens with tiktoken" (num_tokens_from_messages).
 */
export function countMessage(message: ChatMessage): number {
  const name = message.name === undefined ? 0 : countText(message.name) + 1;
  return 3 + 1 + countText(spoken(message)) + name;
}

/** Tokens of a training line, tool definitions included, up to the provider's cap; 3 begin the answer (cookbook). */
export function countExample(example: Example): number {
  const tools = example.tools === undefined ? 0 : countText(JSON.stringify(example.tools));
  const total = example.messages.reduce((sum, message) => sum + countMessage(message), tools + 3);
  return Math.min(total, MAX_EXAMPLE_TOKENS);
}
