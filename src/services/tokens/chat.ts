/**
 * How many tokens an example is as a line of a training file, by the formula of OpenAI's cookbook ("How to count tokens
 * with tiktoken", num_tokens_from_messages, which "Data preparation and analysis for chat model fine-tuning" uses too):
 * 3 for each message, then the tokens of its role, content and name, 1 more for a name, and 3 for the line. A message of
 * weight 0 is not learned and yet read: it counts like any other.
 *
 * How providers write tools for the model is not published. Calls and definitions count as the JSON that stands in the
 * file, which is longer than what other counters guess; with many tools the provider's number will be lower.
 */
import { isRecord } from '../importFormats/types.ts';
import { chatLineOf } from '../jsonl.ts';
import { tokenCounter } from './counter.ts';

const A_LINE = 3;
const A_MESSAGE = 3;
const A_NAME = 1;

/** An example as it is stored, or about to be. */
export interface Wording {
  messages: unknown;
  tools: unknown;
  parallelToolCalls: boolean | null;
}

type Message = ReturnType<typeof chatLineOf>['messages'][number];

/** The tokens of an example, without a system prompt that is not its own. Throws an Error when it is no example. */
export async function exampleTokens(wording: Wording): Promise<number> {
  const { messages, tools } = chatLineOf({ ...wording, systemPrompt: null });
  const offered = tools === undefined ? [] : [JSON.stringify(tools.map(asStored))];
  const texts = [...offered, ...messages.flatMap(textsOf)];
  return A_LINE + messages.reduce((sum, message) => sum + formTokens(message), 0) + (await textTokens(texts));
}

/** What a dataset's system prompt adds to each example that has none of its own; 0 when there is none. */
export async function systemPromptTokens(systemPrompt: string | null): Promise<number> {
  return systemPrompt ? messageTokens({ role: 'system', content: systemPrompt }) : 0;
}

/** Whether the dataset's system prompt stays out of the example, which begins with one of its own. */
export function hasOwnSystemPrompt(messages: unknown): boolean {
  return Array.isArray(messages) && isRecord(messages[0]) && messages[0]['role'] === 'system';
}

export async function messageTokens(message: Partial<Message>): Promise<number> {
  return formTokens(message) + (await textTokens(textsOf(message)));
}

/** What a message counts beside its texts. */
function formTokens({ name }: Partial<Message>): number {
  return A_MESSAGE + (name === undefined ? 0 : A_NAME);
}

function textsOf({ role, content, name, tool_calls: calls, tool_call_id: answers }: Partial<Message>) {
  const texts = [role, content, name, calls && JSON.stringify(calls), answers];
  return texts.filter((text) => typeof text === 'string');
}

async function textTokens(texts: readonly string[]): Promise<number> {
  return (await tokenCounter()).countInTurns(...texts);
}

type Tool = NonNullable<ReturnType<typeof chatLineOf>['tools']>[number];

/**
 * The keys of a tool's parameters stand in the file as PostgreSQL keeps them, the shorter ones first: so an example
 * has the same number of tokens before it is stored and after.
 */
function asStored({ type, function: { parameters, ...offered } }: Tool): object {
  const { name, description, strict } = offered;
  return { type, function: { name, description, parameters: inStoredOrder(parameters), strict } };
}

function inStoredOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inStoredOrder);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value).toSorted(
    (a, b) => Buffer.byteLength(a) - Buffer.byteLength(b) || compare(a, b),
  );
  return Object.fromEntries(keys.map((key) => [key, inStoredOrder(value[key])]));
}

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
