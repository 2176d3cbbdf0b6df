import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { get_encoding as getEncoding } from 'tiktoken';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenCounter, type TokenCounter } from '../src/services/tokens/counter.ts';
import { sharedData } from './support/calls.ts';

/** OpenAI's own tokenizer as WebAssembly, with ranks of its own: ours come from another package. */
const tiktoken = getEncoding('o200k_base');
const expected = (text: string) => tiktoken.encode(text, [], []).length;

let counter: TokenCounter;
beforeAll(async () => {
  counter = await tokenCounter();
});
afterAll(() => tiktoken.free());

function expectExact(text: string): void {
  expect(counter.count(text), JSON.stringify(text)).toBe(expected(text));
}

/** What the pattern treats differently, in all orders. */
const SNIPPETS = [
  ['a', 'I', 'the', 'The', 'NASA', 'camelCase', 'ß', 'Straße', 'Ω', 'ж', 'Ж', 'ǅ', 'ʰ', 'ﬁ', 'ª'],
  ["'s", "'S", "'t", "'re", "'RE", "'ve", "'m", "'ll", "'lL", "'d", "'x", "'", '’s', "'ſ"],
  ['0', '12', '345', '6789', '٣', '½', '①', '２'],
  [
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    '\n\n',
    '\v',
    '\f',
    '\u00a0',
    '\u0085',
    '\u2028',
    '\u3000',
    '\ufeff',
    '\u200b',
  ],
  ['日本', '語', '한국어', 'ไทย', 'हिन्दी', 'עברית', 'العربية', 'ー'],
  ['é', 'e\u0301', '\u0301', '\u0300\u0301', '\u20dd', '😀', '👨‍👩‍👧', '🇩🇪', '\ud83d', '\ude00'],
  [
    '.',
    '...',
    '!',
    '?!',
    '/',
    '//',
    '_',
    '-',
    '$',
    '€',
    '<|endoftext|>',
    '<|im_start|>',
    '{"a":',
    '\\n',
    '\u0000',
  ],
].flat();

describe('as tiktoken counts', () => {
  test('what the pattern tells apart, in any order', () => {
    const text = fc.array(fc.constantFrom(...SNIPPETS), { maxLength: 14 }).map((parts) => parts.join(''));
    // By the number of tokens it seldom shows that 'ſ is 's in another case.
    fc.assert(fc.property(text, expectExact), { numRuns: 6000, examples: [["a'ſ'lLa"]] });
  });

  test('any strings, halves of surrogate pairs among them', () => {
    const any = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'binary-ascii', maxLength: 200 }),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
        .map((units) => String.fromCharCode(...units)),
    );
    fc.assert(fc.property(any, expectExact), { numRuns: 4000 });
  });

  test('pieces of every length, on both sides of where merging changes its way', () => {
    const letters = fc.string({
      unit: fc.constantFrom('a', 'e', 't', 'x', 'ab', 'ing', 'é', '語'),
      minLength: 20,
      maxLength: 300,
    });
    const signs = fc.string({
      unit: fc.constantFrom('-', '=', '*', '.', '/'),
      minLength: 20,
      maxLength: 300,
    });
    const blanks = fc.string({ unit: fc.constantFrom(' ', '\n', '\t'), minLength: 20, maxLength: 300 });
    fc.assert(fc.property(fc.oneof(letters, signs, blanks), expectExact), { numRuns: 600 });
  });

  test('the same again when pieces are remembered, and replaced by others', () => {
    const word = fc.string({
      unit: fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyzäöü')),
      minLength: 3,
      maxLength: 12,
    });
    const words = fc.array(word, { minLength: 50, maxLength: 100 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(words, (text) => {
        expectExact(text);
        expectExact(text);
      }),
      { numRuns: 200 },
    );
  });

  test.skipIf(!existsSync(sharedData))('every line of real conversations', () => {
    const lines = readFileSync(new URL('calls.jsonl', sharedData), 'utf8').split('\n');
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) expectExact(line);
  });

  test('texts of known length', () => {
    expect(['', 'a', 'hello world', '<|endoftext|>', "I'll"].map((text) => counter.count(text))).toEqual([
      0, 1, 2, 7, 1,
    ]);
  });
});

describe('in turns', () => {
  test('the number is the same, however long the text and whatever is in it', async () => {
    const text = fc.array(fc.constantFrom(...SNIPPETS), { minLength: 5, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        const long = parts.join('').repeat(400);
        expect(await counter.countInTurns(long)).toBe(counter.count(long));
      }),
      { numRuns: 30 },
    );
  });

  test('half a megabyte without a break lets others have their turn', async () => {
    const piece = 'qwertzuiopasdfghjklyxcvbnm'.repeat(20_000);
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    const counted = await counter.countInTurns(piece);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
    // Of a text that repeats itself so does the count, but for where the repetitions meet.
    expect(counted).toBe(counter.count(piece));
    expect(Math.abs(counted - 20 * counter.count(piece.slice(0, piece.length / 20)))).toBeLessThan(100);
  });
});
