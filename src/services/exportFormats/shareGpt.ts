/**
 * ShareGPT, as LLaMA-Factory and Axolotl read it: `{"conversations":[{"from","value"},…],"tools"}`. The instruction is the
 * first entry, from `system`; a tool's call is from `function_call`, its answer from `observation`; `tools` is JSON as
 * text. The trainers pass over a conversation in which the two sides do not take turns, and learn every answer: what would
 * get lost that way is refused. Names, ids of calls and `parallel_tool_calls` have no place and are left out.
 */
import type { ChatFileMessage } from '../jsonl.ts';
import { conversationOf, refusalOf, type Refuse } from './turns.ts';
import type { Format } from './types.ts';

interface Entry {
  from: 'system' | 'human' | 'gpt' | 'function_call' | 'observation';
  value: string;
}

export const shareGpt: Format = {
  version: 1,
  extension: 'jsonl',
  contentType: 'application/jsonl; charset=utf-8',
  method: null,
  render(line, systemPrompt) {
    const refuse = refusalOf('SHAREGPT', line);
    const { system, messages, tools } = conversationOf(line, systemPrompt, refuse);
    const said = messages.map((message) => entryOf(message, refuse));
    if (said.some(({ from }, place) => isAnswer(from) !== (place % 2 === 1))) {
      refuse('two messages of one side in a row, or a conversation that the assistant begins');
    }
    const conversations: Entry[] = [
      ...(system === null ? [] : [{ from: 'system' as const, value: system }]),
      ...said,
    ];
    const offered = tools && JSON.stringify(tools.map((tool) => tool.function));
    return `${JSON.stringify({ conversations, tools: offered })}\n`;
  },
};

function isAnswer(from: Entry['from']): boolean {
  return from === 'gpt' || from === 'function_call';
}

function entryOf(message: ChatFileMessage, refuse: Refuse): Entry {
  const { role, content, tool_calls: calls = [] } = message;
  if (role === 'user') return { from: 'human', value: content ?? '' };
  if (role === 'tool') return { from: 'observation', value: content ?? '' };
  const [call, another] = calls;
  if (!call) return { from: 'gpt', value: content ?? '' };
  if (another) refuse('several tool calls at once');
  if (content) refuse('words beside a tool call');
  const { name, arguments: given } = call.function;
  return { from: 'function_call', value: JSON.stringify({ name, arguments: parsed(given, refuse) }) };
}

function parsed(json: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return refuse('arguments of a tool call that are no JSON');
  }
}
