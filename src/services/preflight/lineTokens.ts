/**
 * How many tokens a line of a file is, whatever its shape: by the same formula as those of stored examples
 * (OpenAI's cookbook, num_tokens_from_messages), with tools and calls as the JSON that stands in the file.
 */
import { isRecord } from '../importFormats/types.ts';
import { tokenCounter } from '../tokens/counter.ts';

const A_LINE = 3;
const A_MESSAGE = 3;
const A_NAME = 1;

/** Of preference data the longer of the two conversations counts. */
export async function lineTokens(line: Record<string, unknown>): Promise<number> {
  const { input, preferred_output: preferred, non_preferred_output: other } = line;
  if (!isRecord(input)) return conversationTokens(line);
  const common = await conversationTokens(input);
  return common + Math.max(await messagesTokens(preferred), await messagesTokens(other));
}

async function conversationTokens({ messages, tools }: Record<string, unknown>): Promise<number> {
  return A_LINE + (await jsonTokens(tools)) + (await messagesTokens(messages));
}

async function messagesTokens(messages: unknown): Promise<number> {
  let total = 0;
  for (const message of Array.isArray(messages) ? messages : []) {
    if (!isRecord(message)) continue;
    const { role, content, name, tool_calls: calls, tool_call_id: answers } = message;
    total += A_MESSAGE + (name === undefined ? 0 : A_NAME) + (await jsonTokens(calls));
    for (const text of [role, ...textsOf(content), name, answers]) total += await textTokens(text);
  }
  return total;
}

/** A content's texts; of parts that are no text (images) nothing counts. */
function textsOf(content: unknown): unknown[] {
  if (!Array.isArray(content)) return [content];
  return content.map((part: unknown) => (isRecord(part) ? part.text : undefined));
}

async function jsonTokens(value: unknown): Promise<number> {
  return value === undefined ? 0 : textTokens(JSON.stringify(value));
}

async function textTokens(text: unknown): Promise<number> {
  if (typeof text !== 'string' || text === '') return 0;
  return (await tokenCounter()).countInTurns(text);
}
