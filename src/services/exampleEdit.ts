/** A new wording for an example, checked. */
import type { Example } from '../generated/prisma/client.ts';
import { InvalidInputError } from './errors.ts';
import { parseExample, type ExampleInput } from './importFormats/index.ts';
import { unstorable } from './text.ts';

/**
 * What to change: all messages, or only the last thing the user said or the assistant answered; and the tools. What is
 * left out stays.
 */
export interface ExampleChange {
  /** null takes them away, and with them what was said of calling several at once. */
  tools?: unknown;
  parallelToolCalls?: boolean | null | undefined;
  messages?: unknown[] | null | undefined;
  userMessage?: string | null | undefined;
  assistantResponse?: string | null | undefined;
}

/** The example in its new wording. Throws InvalidInputError. */
export function editedExample(example: Example, change: ExampleChange): ExampleInput {
  const { messages, userMessage, assistantResponse } = change;
  if (messages && (userMessage != null || assistantResponse != null)) {
    throw new InvalidInputError([
      { field: 'input.messages', message: 'cannot be given together with userMessage or assistantResponse' },
    ]);
  }
  const { tools = example.tools, parallelToolCalls = tools === null ? null : example.parallelToolCalls } =
    change;
  const sameTools = change.tools === undefined && change.parallelToolCalls === undefined;
  if (!messages && userMessage == null && assistantResponse == null && sameTools) {
    throw new InvalidInputError([
      {
        field: 'input',
        message: 'must give messages, userMessage, assistantResponse, tools or parallelToolCalls',
      },
    ]);
  }
  for (const [field, text] of Object.entries({ userMessage, assistantResponse })) {
    const fault = unstorable(text ?? '');
    if (fault !== null) throw new InvalidInputError([{ field: `input.${field}`, message: fault }]);
  }
  const parsed = parseExample(
    {
      messages:
        messages ?? withLast(withLast(example.messages, 'user', userMessage), 'assistant', assistantResponse),
      tools,
      parallel_tool_calls: parallelToolCalls,
    },
    1,
  );
  if ('example' in parsed) return parsed.example;
  const { field, reason } = parsed.fault;
  const argument = messages ? undefined : shortcutTo(example.messages, field, change);
  throw new InvalidInputError([{ field: argument ?? inputField('input', field), message: reason }]);
}

/** The argument that gave the content at fault its wording, if one did. */
function shortcutTo(
  messages: unknown,
  field: string | null,
  { userMessage, assistantResponse }: ExampleChange,
): string | undefined {
  if (userMessage != null && field === `messages[${lastOf(messages, 'user')}].content`)
    return 'input.userMessage';
  if (assistantResponse != null && field === `messages[${lastOf(messages, 'assistant')}].content`)
    return 'input.assistantResponse';
  return undefined;
}

function lastOf(messages: unknown, role: string): number {
  if (!Array.isArray(messages)) return -1;
  return messages.findLastIndex((message: { role?: unknown }) => message.role === role);
}

/** The messages with the last one of a role saying something else. */
function withLast(messages: unknown, role: string, content: string | null | undefined): unknown {
  if (content == null || !Array.isArray(messages)) return messages;
  const index = lastOf(messages, role);
  return messages.map((message: object, at) => (at === index ? { ...message, content } : message));
}

/** Where a fault lies, spelled as arguments are: a file has `messages[0].tool_calls[0].function.name` for a `name`. */
export function inputField(root: string, field: string | null): string {
  if (field === null) return root;
  const spelled = field
    .replace(
      /^(messages\[\d+\]\.)tool_calls(\[\d+\](?:\.function(?=\.))?)?/,
      (_, message: string, call = '') => `${message}toolCalls${String(call).replace('.function', '')}`,
    )
    .replace(/^(messages\[\d+\]\.)tool_call_id$/, '$1toolCallId')
    .replace(/^quality_score$/, 'qualityScore')
    .replace(/^parallel_tool_calls$/, 'parallelToolCalls');
  return `${root}.${spelled}`;
}
