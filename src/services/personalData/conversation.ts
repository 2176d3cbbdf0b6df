/** The texts of an example in which personal data is looked for, each with its place. */
import { isRecord } from '../importFormats/types.ts';

export interface PlacedText {
  /** Such as `messages[1].content` or `messages[2].tool_calls[0].function.arguments`. */
  path: string;
  text: string;
}

/** All texts of the messages and tools as they are stored, keys aside. */
export function* textsOf(example: { messages: unknown; tools: unknown }): Generator<PlacedText> {
  yield* stringsIn(example.messages, 'messages');
  if (example.tools) yield* stringsIn(example.tools, 'tools');
}

/** Roles and types come from short lists; ids join a tool's call to its answer. */
const STRUCTURE = new Set(['role', 'type', 'id', 'tool_call_id']);

function isStructure(key: string, item: unknown): boolean {
  return STRUCTURE.has(key) && typeof item === 'string';
}

function* stringsIn(value: unknown, path: string): Generator<PlacedText> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* stringsIn(item, `${path}[${index}]`);
  else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value))
      if (!isStructure(key, item)) yield* stringsIn(item, `${path}.${key}`);
  }
}

/** The same messages and tools with other texts, given in the order of `textsOf`. */
export function withTexts(value: unknown, next: () => string): unknown {
  if (typeof value === 'string') return next();
  if (Array.isArray(value)) return value.map((item) => withTexts(item, next));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isStructure(key, item) ? item : withTexts(item, next)]),
  );
}

/** The text at a path that `textsOf` gave; null when there is none. */
export function textAt(example: { messages: unknown; tools: unknown }, path: string): string | null {
  for (const placed of textsOf(example)) if (placed.path === path) return placed.text;
  return null;
}
