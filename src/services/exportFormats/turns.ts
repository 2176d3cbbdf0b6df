/** What the open trainers' formats, which know fewer things than OpenAI's, can hold of a conversation. */
import { FormatCannotHoldError } from '../errors.ts';
import { chatLineOf, type ChatFileMessage } from '../jsonl.ts';
import type { ExportLine } from './types.ts';

/** Refuses, with what the format has no place for. */
export type Refuse = (what: string) => never;

export interface Conversation {
  /** What stands first as an instruction; null for none. */
  system: string | null;
  /** The rest. */
  messages: ChatFileMessage[];
  tools: ReturnType<typeof chatLineOf>['tools'];
}

/**
 * The line as a conversation that has one instruction at most, and answers that are all learned, which is what these
 * formats take every answer for. Names and `parallel_tool_calls` are no part of it. Throws FormatCannotHoldError.
 */
export function conversationOf(line: ExportLine, systemPrompt: string | null, refuse: Refuse): Conversation {
  const { messages, tools } = chatLineOf({ systemPrompt, ...line.wording });
  const [first] = messages;
  const system = first?.role === 'system' ? (first.content ?? '') : null;
  const rest = system === null ? messages : messages.slice(1);
  if (rest.some(({ role }) => role === 'system')) refuse('a system message that is not the first');
  if (rest.some(({ weight }) => weight === 0)) refuse('an answer that is not to be learned (weight 0)');
  if (rest.at(-1)?.role !== 'assistant') refuse('a conversation that does not end with an answer');
  return { system, messages: rest, tools };
}

export function refusalOf(format: string, line: ExportLine): Refuse {
  return (what) => {
    throw new FormatCannotHoldError(format, line, what);
  };
}
