/** Faults in words that begin with the rule and end with what came, whatever the schema says of itself. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, readConfig } from '../src/config.ts';
import { parseId } from '../src/schema/ids.ts';
import { InvalidInputError } from '../src/services/errors.ts';
import { parseInput } from '../src/services/input.ts';

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidInputError || error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('Nothing was refused');
}

test.each<[z.ZodType, unknown, string]>([
  [z.number().min(0), -1, 'must be at least 0, not -1'],
  [z.number().max(1), 1.5, 'must be at most 1, not 1.5'],
  [z.number().int().max(1_000_000), 1_000_001, 'must be at most 1,000,000, not 1000001'],
  [z.number().positive(), 0, 'must be more than 0, not 0'],
  [z.number(), Number.NaN, 'must be a number, not NaN'],
  [z.number(), 'many', 'must be a number, not "many"'],
  [z.number().int(), 0.5, 'must be a whole number, not 0.5'],
  [z.string(), undefined, 'must be text, but is missing'],
  [z.string().min(1), '', 'must have at least 1 character, not ""'],
  [z.string().max(2), 'abc', 'must have at most 2 characters, not "abc"'],
  [z.array(z.string()).min(1), [], 'must hold at least 1, not an empty list'],
  [z.array(z.string()).max(1), ['a', 'b'], 'must hold at most 1, not a list of 2'],
  [z.enum(['PAIR', 'CONVERSATION']), 'ALL', 'must be PAIR or CONVERSATION, not "ALL"'],
  [z.literal(1), 2, 'must be 1, not 2'],
  [z.boolean(), null, 'must be true or false, not null'],
  [z.date(), 'now', 'must be a time, not "now"'],
  [z.uuid(), 'x', 'must be an id, not "x"'],
  [z.url(), 'x', 'must be a URL such as https://example.org, not "x"'],
  [z.object({}), [], 'must be an object, not an empty list'],
  [z.strictObject({}), { a: 1 }, 'must not have the key a'],
  [z.union([z.string(), z.number()]), true, 'must be given otherwise, not true'],
  [z.number({ error: 'must be a count' }), 'x', 'must be a count'],
])('%#: %j', (schema, value, words) => {
  expect(faultOf(() => parseInput(schema, value, 'input.it'))).toBe(`input.it: ${words}`);
});

test('the configuration too, without the values, which may be secret', () => {
  const message = faultOf(() =>
    readConfig({ PUBLIC_URL: 'hidden', OPENAI_BASE_URL: 'hidden', SANDBOX_SPEED: '-1', LOG_LEVEL: 'hidden' }),
  );
  expect(message).toContain('PUBLIC_URL: must be a URL such as https://example.org\n');
  expect(message).toContain('OPENAI_BASE_URL: must be a URL such as https://example.org\n');
  expect(message).toContain('SANDBOX_SPEED: must be more than 0\n');
  expect(message).toContain('LOG_LEVEL: must be trace, debug, info, warn, error, fatal or silent\n');
  expect(message).not.toContain('hidden');
});

test('ids with the right article', () => {
  expect(faultOf(() => parseId('Example', 'x'))).toContain('must be the id of an Example');
  expect(faultOf(() => parseId('Dataset', btoa('Export:1')))).toContain(
    'must be the id of a Dataset, as this API gave it out, not the id of an Export',
  );
});
