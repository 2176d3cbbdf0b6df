/** One training example in OpenAI's chat format, `{messages, tools?, parallel_tool_calls?}`. */
import { z } from 'zod';
import { faultOfIssues, fieldName, findUnstorable } from './faults.ts';
import { type RowFault, isRecord } from './types.ts';

const MAX_MESSAGES = 2000;
const MAX_TOOLS = 128;

export interface ToolCall {
  id: string;
  type: 'function';
  /** `arguments` is JSON as text, as the model wrote it. */
  function: { name: string; arguments: string };
}

/** A message with its keys in one order, absent ones left out: the same message is always the same bytes. */
export type ExampleMessage =
  | { role: 'system' | 'user'; content: string; name?: string }
  | {
      role: 'assistant';
      content: string | null;
      name?: string;
      /** 0: the model is not trained on this message. */
      weight?: 0 | 1;
      tool_calls?: ToolCall[];
    }
  | { role: 'tool'; content: string; name?: string; tool_call_id: string };

export interface ExampleTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: Record<string, unknown>; strict?: boolean };
}

export interface ExampleInput {
  messages: ExampleMessage[];
  tools: ExampleTool[] | null;
  parallelToolCalls: boolean | null;
  /** 0..1, where the line tells it. */
  qualityScore: number | null;
}

export type ExampleParsed = { example: ExampleInput } | { fault: RowFault };

const text = (rule = 'must be text') => z.string({ error: rule });
const ROLES = 'must be system, user, assistant or tool';
const NAME_RULE = 'must be a name of 1 to 64 characters';
const FUNCTION_RULE = 'must be a name of 1 to 64 letters, digits, _ or -';
// null as well as absent: many exports write every key they know of.
const name = text(NAME_RULE).min(1, { error: NAME_RULE }).max(64, { error: NAME_RULE }).nullish();
const functionName = text(FUNCTION_RULE).regex(/^[\w-]{1,64}$/, { error: FUNCTION_RULE });
const functionType = z.literal('function', { error: 'must be "function"' });
const filled = (rule: string) => text(rule).min(1, { error: rule });

const toolCall = z.strictObject(
  {
    id: filled('must be the id of the call'),
    type: functionType,
    function: z.strictObject(
      { name: functionName, arguments: text('must be text (JSON)') },
      { error: 'must be an object with name and arguments' },
    ),
  },
  { error: 'must be an object with id, type and function' },
);
const CALLS_RULE = `must be a list of 1 to ${MAX_TOOLS} calls`;

const message = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.literal('system'), content: text(), name }),
    z.strictObject({ role: z.literal('user'), content: text(), name }),
    z.strictObject({
      role: z.literal('assistant'),
      content: text('must be text, or null beside tool_calls').nullish(),
      name,
      weight: z.union([z.literal(0), z.literal(1)], { error: 'must be 0 or 1' }).nullish(),
      tool_calls: z
        .array(toolCall, { error: CALLS_RULE })
        .min(1, { error: CALLS_RULE })
        .max(MAX_TOOLS, { error: CALLS_RULE })
        .nullish(),
    }),
    z.strictObject({
      role: z.literal('tool'),
      content: text(),
      name,
      tool_call_id: filled('must be the id of the call it answers'),
    }),
  ],
  { error: (issue) => (isRecord(issue.input) ? ROLES : 'must be an object with role and content') },
);

const tool = z.strictObject(
  {
    type: functionType,
    function: z.strictObject(
      {
        name: functionName,
        description: text().nullish(),
        parameters: z.record(z.string(), z.unknown(), { error: 'must be a JSON Schema object' }).nullish(),
        strict: z.boolean({ error: 'must be true or false' }).nullish(),
      },
      { error: 'must be an object with name' },
    ),
  },
  { error: 'must be an object with type and function' },
);

const MESSAGES_RULE = `must be a list of 1 to ${MAX_MESSAGES} messages`;
const TOOLS_RULE = `must be a list of at most ${MAX_TOOLS} tools`;
const SCORE_RULE = 'must be a number from 0 to 1';

const exampleSchema = z.object({
  messages: z
    .array(message, { error: MESSAGES_RULE })
    .min(1, { error: MESSAGES_RULE })
    .max(MAX_MESSAGES, { error: MESSAGES_RULE }),
  tools: z.array(tool, { error: TOOLS_RULE }).max(MAX_TOOLS, { error: TOOLS_RULE }).nullish(),
  parallel_tool_calls: z.boolean({ error: 'must be true or false' }).nullish(),
  quality_score: z
    .number({ error: SCORE_RULE })
    .min(0, { error: SCORE_RULE })
    .max(1, { error: SCORE_RULE })
    .nullish(),
});

function canonicalMessage(given: z.infer<typeof message>): ExampleMessage {
  const named = typeof given.name === 'string' ? { name: given.name } : {};
  if (given.role === 'tool')
    return { role: 'tool', content: given.content, ...named, tool_call_id: given.tool_call_id };
  if (given.role !== 'assistant') return { role: given.role, content: given.content, ...named };
  const result: ExampleMessage = { role: 'assistant', content: given.content ?? null, ...named };
  if (typeof given.weight === 'number') result.weight = given.weight;
  if (given.tool_calls)
    result.tool_calls = given.tool_calls.map(({ id, type, function: called }) => ({
      id,
      type,
      function: { name: called.name, arguments: called.arguments },
    }));
  return result;
}

function canonicalTool({ type, function: given }: z.infer<typeof tool>): ExampleTool {
  const result: ExampleTool = { type, function: { name: given.name } };
  if (typeof given.description === 'string') result.function.description = given.description;
  if (given.parameters) result.function.parameters = given.parameters;
  if (typeof given.strict === 'boolean') result.function.strict = given.strict;
  return result;
}

/**
 * What the messages lack as a conversation; null when nothing. A text that is empty is refused, because the provider
 * refuses it; one of blanks alone is taken, as there. What a tool answers may be empty.
 */
function faultOfConversation(messages: readonly ExampleMessage[]): { field: string; reason: string } | null {
  const called = new Set<string>();
  for (const [index, given] of messages.entries()) {
    const fault = (key: string, reason: string) => ({ field: `messages[${index}].${key}`, reason });
    if (given.role === 'system' && index > 0)
      return fault('role', 'must not be system after the first message');
    if (given.role === 'tool') {
      if (!called.has(given.tool_call_id))
        return fault('tool_call_id', 'must be the id of a call that the assistant made before');
    } else if (given.role === 'assistant') {
      for (const { id } of given.tool_calls ?? []) called.add(id);
      if (given.tool_calls !== undefined) continue;
      if (given.content === null) return fault('content', 'must be text where there are no tool_calls');
      if (given.content === '') return fault('content', 'must not be empty where there are no tool_calls');
    } else if (given.content === '') return fault('content', 'must not be empty');
  }
  const field = 'messages';
  if (!messages.some(({ role }) => role === 'user'))
    return { field, reason: 'must hold a message of the user' };
  if (messages.at(-1)?.role !== 'assistant')
    return { field, reason: 'must end with a message of the assistant' };
  if (!messages.some((given) => given.role === 'assistant' && given.weight !== 0))
    return { field, reason: 'must hold a message of the assistant whose weight is not 0' };
  return null;
}

/**
 * Checks one line of a chat file. Unknown keys within a message or a tool are faults, because the provider refuses
 * them; other keys beside `messages` are ignored, but for `quality_score` (0..1). `developer` and the old
 * `function` are no roles of training files. Never throws.
 */
export function parseExample(value: Record<string, unknown>, line: number): ExampleParsed {
  const parsed = exampleSchema.safeParse(value);
  if (!parsed.success) return { fault: faultOfIssues(parsed.error.issues, value, line) };
  const { messages: given, tools, parallel_tool_calls: parallel, quality_score: score } = parsed.data;
  const messages = given.map(canonicalMessage);
  const fault = faultOfConversation(messages);
  if (fault !== null) return { fault: { line, ...fault } };
  const example: ExampleInput = {
    messages,
    tools: tools?.map(canonicalTool) ?? null,
    parallelToolCalls: parallel ?? null,
    qualityScore: score ?? null,
  };
  const found = findUnstorable(example.messages, ['messages']) ?? findUnstorable(example.tools, ['tools']);
  if (found !== null) return { fault: { line, field: fieldName(found.path), reason: found.reason } };
  return { example };
}
