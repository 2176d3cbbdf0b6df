/** What zod finds at fault, in the words of our own rules: what is allowed, and what came. */
import type { z } from 'zod';
import { shown } from './importFormats/faults.ts';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  date: 'a time',
  object: 'an object',
};

/** The rule that an issue breaks, to be read after the field's name. For schemas that do not word it themselves. */
export function ruleOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'too_small':
      return bound(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return bound(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? `of the kind ${issue.expected}`}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`;
    case 'invalid_format':
      if (issue.format === 'url') return 'must be a URL such as https://example.org';
      return issue.format === 'uuid' ? 'must be an id' : 'must be written otherwise';
    case 'unrecognized_keys':
      return `must not have the key ${issue.keys[0] ?? ''}`;
    default:
      return 'must be given otherwise';
  }
}

/** The rule, and what came instead. */
export const plainWords = (issue: z.core.$ZodRawIssue): string =>
  issue.code === 'unrecognized_keys'
    ? ruleOf(issue)
    : `${ruleOf(issue)}, ${issue.input === undefined ? 'but is missing' : `not ${shown(issue.input)}`}`;

function bound(origin: string, limit: number | bigint, how: string): string {
  const number = limit.toLocaleString('en-US', { maximumFractionDigits: 20 });
  if (origin === 'string') return `must have ${how} ${number} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `must hold ${how} ${number}`;
  return `must be ${how} ${number}`;
}

function oneOf(values: readonly string[]): string {
  const last = values.at(-1) ?? 'nothing';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}
