/** How an example is written in a training file: OpenAI's chat format, which the other providers read too. */
import { z } from 'zod';
import { isRecord } from './importFormats/types.ts';

/** One more with every change to what `renderChatLine` writes: files of different versions are not the same file. */
export const CHAT_LINE_VERSION = 1;

export interface ChatExample {
  /** The dataset's instruction, which goes before the messages; null or '' for none. */
  systemPrompt: string | null;
  /** The example's messages as stored: a list of ExampleMessage, its keys in any order. */
  messages: unknown;
  /** The example's tools as stored: a list of ExampleTool, or null. */
  tools: unknown;
  /** null leaves it to the provider. */
  parallelToolCalls: boolean | null;
}

// Strict: a key that this file does not know would vanish from what the model learns without anyone noticing.
const toolCallSchema = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});
const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  name: z.string().nullish(),
  weight: z.union([z.literal(0), z.literal(1)]).nullish(),
  tool_calls: z.array(toolCallSchema).nullish(),
  tool_call_id: z.string().nullish(),
});
const toolSchema = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string(),
    description: z.string().nullish(),
    // Not z.record, which would leave out a parameter called `__proto__`.
    parameters: z.custom<Record<string, unknown>>(isRecord, 'must be an object').nullish(),
    strict: z.boolean().nullish(),
  }),
});
const exampleSchema = z.object({
  messages: z.array(messageSchema).min(1),
  tools: z.array(toolSchema).nullish(),
});

/**
 * Renders an example as one line of a training file, without the newline at its end:
 * `{"messages":[…],"tools":[…],"parallel_tool_calls":true}`. Keys stand in one order whatever the order in the input,
 * absent ones are left out, and so is an empty list of tools; the keys of a tool's `parameters` stay as they are.
 * The system prompt becomes the first message unless the example starts with a system message of its own.
 * Throws an Error that tells the place, and none of the content, when the example is not in the shape that is stored.
 */
export function renderChatLine(example: ChatExample): string {
  // JSON.stringify leaves out what is undefined and escapes every line break within a text.
  return JSON.stringify(chatLineOf(example));
}

/** What `renderChatLine` writes, not yet as text. Throws what that throws. */
export function chatLineOf(example: ChatExample) {
  const parsed = exampleSchema.safeParse({ messages: example.messages, tools: example.tools });
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`The example is not in the chat format: ${faults.join('; ')}`);
  }
  const { messages, tools } = parsed.data;
  const prompted = Boolean(example.systemPrompt) && messages[0]?.role !== 'system';
  return {
    messages: [
      ...(prompted ? [orderedMessage({ role: 'system', content: example.systemPrompt })] : []),
      ...messages.map(orderedMessage),
    ],
    tools: tools && tools.length > 0 ? tools.map(orderedTool) : undefined,
    parallel_tool_calls: example.parallelToolCalls ?? undefined,
  };
}

function orderedMessage(message: z.infer<typeof messageSchema>) {
  return {
    role: message.role,
    content: message.content, // null says something here: the assistant called tools and said nothing.
    name: message.name ?? undefined,
    weight: message.weight ?? undefined,
    tool_calls: message.tool_calls?.map(({ id, type, function: called }) => ({
      id,
      type,
      function: { name: called.name, arguments: called.arguments },
    })),
    tool_call_id: message.tool_call_id ?? undefined,
  };
}

function orderedTool({ type, function: offered }: z.infer<typeof toolSchema>) {
  return {
    type,
    function: {
      name: offered.name,
      description: offered.description ?? undefined,
      parameters: offered.parameters ?? undefined,
      strict: offered.strict ?? undefined,
    },
  };
}
