import { createReadStream } from 'node:fs';
import { z } from 'zod';

/** Longer lines have more tokens than any model takes (none is longer than 128 bytes); the rest is not read. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
});
const text = z.string().min(1);
const content = z.union([text, z.array(z.discriminatedUnion('type', [textPart, imagePart])).min(1)]);
const name = z.string().min(1).max(64).optional();
const functionName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const calledFunction = z.strictObject({ name: functionName, arguments: z.string() });

export const chatMessage = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content, name }),
  z.strictObject({ role: z.literal('user'), content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(textPart)]).nullish(),
    name,
    weight: z.union([z.literal(0), z.literal(1)]).optional(),
    refusal: z.string().nullish(),
    tool_calls: z
      .array(z.strictObject({ id: z.string().min(1), type: z.literal('function'), function: calledFunction }))
      .min(1)
      .optional(),
    function_call: calledFunction.optional(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: z.union([z.string(), z.array(textPart)]),
    name,
    tool_call_id: z.string().min(1),
  }),
  z.strictObject({
    role: z.literal('function'),
    content: z.string().nullable(),
    name: z.string().min(1).max(64),
  }),
]);

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: functionName,
    description: z.string().optional(),
    parameters: z.looseObject({ type: z.literal('object').optional() }).optional(),
    strict: z.boolean().nullish(),
  }),
});
/** What a conversation offers beside its messages. */
export const offered = {
  tools: z.array(tool).max(128).optional(),
  parallel_tool_calls: z.boolean().optional(),
};
const example = z.strictObject({
  messages: z.array(chatMessage).min(1),
  ...offered,
  functions: z.array(z.looseObject({ name: z.string().min(1) })).optional(),
});

/** A message of a training line, a tagged union by role. */
export type ChatMessage = z.infer<typeof chatMessage>;
/** One training conversation. */
export type Example = z.infer<typeof example>;

/** Why a file cannot be trained on; `line` counts from 1. */
export class LineFault extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`Line ${line}${message}`);
    this.line = line;
  }
}

/**
 * A file's lines, streamed, in UTF-8 and without a leading byte order mark. Lines end at `\n` alone (readline
 * would also break at U+2028, which JSON strings may hold). Throws LineFault for bytes that are not UTF-8.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;

  function take(last: Buffer): Line {
    number += 1;
    if (heldBytes + last.length > MAX_LINE_BYTES) throw tooLong(number);
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    try {
      return { number, text: decoder.decode(bytes) };
    } catch {
      throw new LineFault(number, ' is not valid UTF-8.');
    }
  }

  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    const bytes: Buffer = chunk;
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      yield take(bytes.subarray(start, end));
      start = end + 1;
    }
    held.push(bytes.subarray(start));
    heldBytes += bytes.length - start;
    if (heldBytes > MAX_LINE_BYTES) throw tooLong(number + 1);
  }
  if (heldBytes > 0) yield take(Buffer.alloc(0));
}

export interface Line {
  /** Counted from 1. */
  number: number;
  text: string;
}

/**
 * Reads one training line and judges it as the provider's validation does: roles, content, an assistant's message
 * among them, tool calls and their answers, weights. Throws LineFault, naming the line, the message and the key.
 */
export function readExample(line: Line): Example {
  const read = parseLine(line, example);
  judgeMessages(line, read.messages);
  judgeEnd(line, '', read.messages);
  if (read.messages.every((said) => said.role !== 'assistant' || said.weight === 0)) {
    throw new LineFault(
      line.number,
      ': an example needs a message from the assistant whose weight is not 0.',
    );
  }
  return read;
}

/** An example ends with what the assistant says. Throws LineFault; `where` begins as `, key "…"`, or is empty. */
export function judgeEnd(line: Line, where: string, messages: readonly ChatMessage[]): void {
  if (!messages.some((said) => said.role === 'assistant')) {
    throw new LineFault(line.number, `${where}: an example needs at least one message from the assistant.`);
  }
  if (messages.at(-1)?.role !== 'assistant') {
    throw new LineFault(line.number, `${where}: the last message must be from the assistant.`);
  }
}

/** Judges messages by what their shape does not tell, one after the other. Throws LineFault. */
export function judgeMessages(line: Line, messages: readonly ChatMessage[]): void {
  const called = new Set<string>();
  let unanswered = new Set<string>();
  for (const [index, said] of messages.entries()) {
    const refuse = (reason: string) => new LineFault(line.number, `, message ${index + 1}: ${reason}`);
    if (said.role === 'tool') {
      if (!called.has(said.tool_call_id))
        throw refuse(`tool_call_id '${said.tool_call_id}' answers no earlier tool call.`);
      unanswered.delete(said.tool_call_id);
      continue;
    }
    for (const id of unanswered) throw refuse(`the tool call '${id}' before it was not answered.`);
    if (said.role === 'user' || said.role === 'system') {
      if (isSilent(said)) throw refuse('the content must not be empty.');
    } else if (said.role === 'assistant') {
      if (isSilent(said) && !said.tool_calls && !said.function_call && !said.refusal)
        throw refuse('an assistant message needs content or tool_calls.');
      const ids = (said.tool_calls ?? []).map(({ id }) => id);
      unanswered = new Set(ids);
      if (unanswered.size < ids.length) throw refuse('two tool calls have the same id.');
      for (const id of ids) called.add(id);
    }
  }
}

function isSilent({ content: said }: ChatMessage): boolean {
  if (typeof said === 'string') return said === '';
  return (said ?? []).every((part) => part.type === 'text' && part.text === '');
}

/** A line as the schema has it. Throws LineFault with the first fault. */
export function parseLine<T>(line: Line, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(line));
  if (!parsed.success) throw new LineFault(line.number, describe(parsed.error.issues[0]));
  return parsed.data;
}

function parseJson(line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch {
    throw new LineFault(line.number, ' is not valid JSON. Every line must be one JSON object.');
  }
}

function tooLong(number: number): LineFault {
  return new LineFault(number, ` is longer than ${MAX_LINE_BYTES} bytes.`);
}

/** A fault in words: where it is (`message 2, key "content"`, counted from 1) and what was expected. */
function describe(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return ' is not a training example.';
  const [first, second, ...keys] = issue.path;
  const inMessage = first === 'messages' && typeof second === 'number';
  const key = (inMessage ? keys : issue.path).join('.');
  const where = `${inMessage ? `, message ${second + 1}` : ''}${key === '' ? '' : `, key "${key}"`}`;
  return `${where}: ${issue.message}.`;
}
