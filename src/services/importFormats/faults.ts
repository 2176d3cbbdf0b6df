/** Words for what is wrong with a row: what is allowed, and what came. */
import type { z } from 'zod';
import { codePoints } from '../conversationRules.ts';
import type { RowFault } from './types.ts';

const SHOWN_CHARACTERS = 80;
const MAX_DEPTH = 100;

/** A value in a few words, shortened to 80 characters. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    // JSON's escapes keep control characters and half surrogates out of logs and answers.
    if (value.length <= SHOWN_CHARACTERS) return JSON.stringify(value);
    const start = Array.from(value.slice(0, SHOWN_CHARACTERS * 2))
      .slice(0, SHOWN_CHARACTERS)
      .join('');
    return `${JSON.stringify(start)}… (${codePoints(value)} characters)`;
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (value === null || value === undefined) return 'null';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  return `a ${typeof value}`;
}

/** Why PostgreSQL cannot store a text; null when it can. */
export function unstorable(text: string): string | null {
  if (text.includes('\0')) return 'holds a NUL character, which PostgreSQL cannot store';
  // With the u flag a pair of surrogates is one character, so that only a lone one matches.
  if (/\p{Surrogate}/u.test(text))
    return 'holds half a surrogate pair, which is no character and which PostgreSQL cannot store';
  return null;
}

/** The place in an input: `turns[3].text`; null for the input itself. */
export function fieldName(path: readonly PropertyKey[]): string | null {
  let name = '';
  for (const key of path) {
    if (typeof key === 'number') name += `[${key}]`;
    else name += name === '' ? String(key) : `.${String(key)}`;
  }
  return name === '' ? null : name;
}

/** The first text (or key) within a JSON value that cannot be stored, or that lies too deep to be written. */
export function findUnstorable(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; reason: string } | null {
  if (typeof value === 'string') {
    const reason = unstorable(value);
    return reason === null ? null : { path, reason };
  }
  if (typeof value !== 'object' || value === null) return null;
  // Names the root alone: a path of a hundred keys helps nobody.
  if (path.length > MAX_DEPTH)
    return { path: path.slice(0, 1), reason: `is nested deeper than ${MAX_DEPTH} levels` };
  const entries: [PropertyKey, unknown][] = Array.isArray(value)
    ? Array.from(value.entries())
    : Object.entries(value);
  for (const [key, item] of entries) {
    const keyFault = typeof key === 'string' ? unstorable(key) : null;
    if (keyFault !== null) return { path, reason: `has a key that ${keyFault}` };
    const found = findUnstorable(item, [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    const own = Object.getOwnPropertyDescriptor(value, key);
    value = own?.value;
  }
  return value;
}

/** A reason with what came instead: "must be a number from 0 to 1, not 7". */
export const refuse = (rule: string, value: unknown): string =>
  isMissing(value) ? `${rule}, but is missing` : `${rule}, not ${shown(value)}`;

/**
 * The first thing zod found, as a fault. Schemas word their rules to begin with "must"; what came is added here.
 * `root` is what was parsed, `nameOf` the path's name in the input's own spelling.
 */
export function faultOfIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  line: number,
  nameOf: (path: readonly PropertyKey[]) => string | null = fieldName,
): RowFault {
  const issue = issues[0];
  if (issue === undefined) return { line, field: null, reason: 'cannot be read' };
  if (issue.code === 'unrecognized_keys')
    return { line, field: nameOf([...issue.path, ...issue.keys.slice(0, 1)]), reason: 'is not a known key' };
  const { message, path } = issue;
  const reason = message.startsWith('must') ? refuse(message, valueAt(root, path)) : message;
  return { line, field: nameOf(path), reason };
}
