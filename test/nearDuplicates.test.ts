import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bandsFor, nearDuplicateGroups, similarity } from '../src/services/nearDuplicates.ts';
import { conversationText, shingleSet } from '../src/services/shingles.ts';

const alike = (a: string, b: string) => similarity(shingleSet(a), shingleSet(b));
const groups = (texts: string[], threshold = 0.85) => nearDuplicateGroups(texts.map(shingleSet), threshold);
const words = (count: number, first = 0) => Array.from({ length: count }, (_, index) => `w${index + first}`);

describe('shingles', () => {
  test.each([
    ['case', 'I would LIKE to pay', 'i would like to pay'],
    ['punctuation', 'Well -- I would like to pay, please!', 'well i would like to pay please'],
    ['white space', ' I  would\nlike\tto pay ', 'I would like to pay'],
    ['apostrophes of either kind', 'I don’t know at all', "I don't know at all"],
    ['compatible characters', 'ﬁve ＦＵＬＬ width ½', 'five full width 1⁄2'],
    ['composed characters', 'caf\u00e9 in the morning', 'cafe\u0301 in the morning'],
    ['letters beyond 16 bits in either case', '𐐀𐐁 and so on', '𐐨𐐩 and so on'],
  ])('%s does not count', (_what, a, b) => {
    expect(alike(a, b)).toBe(1);
  });

  test('counts the runs of three words that both have, of those that either has', () => {
    expect(alike('a b c d e f', 'a b c d e g')).toBe(3 / 5);
    expect(alike('a b c d', 'a b c d a b c d')).toBe(2 / 4);
    expect(alike('one two three', 'three two one')).toBe(0);
  });

  test('short texts equal those of the same words only', () => {
    expect(alike('Yes, please', 'yes please!')).toBe(1);
    expect(alike('yes please', 'please yes')).toBe(0);
    expect(alike('yes', 'yes yes')).toBe(0);
    expect(alike('👍', ' 👍 ')).toBe(1);
    expect(alike('👍', '👎')).toBe(0);
    expect(alike('', '')).toBe(0);
    expect(shingleSet(' \n ')).toHaveLength(0);
  });

  test('letters of scripts without spaces count as words', () => {
    expect(alike('私は猫が好きです', '私は猫が好きでした')).toBeCloseTo(5 / 8);
    expect(shingleSet('𠀀𠀁𠀂𠀃')).toHaveLength(2);
  });

  test('the conversation is what is said and which tools are called, without the instruction', () => {
    const call = { id: 'c', type: 'function', function: { name: 'weather', arguments: '{"in":"Rome"}' } };
    expect(
      conversationText([
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'How is it?' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', content: 'Sunny', tool_call_id: 'c' },
        { role: 'assistant', content: 'Sunny.', weight: 0 },
      ]),
    ).toBe('How is it?\nweather\n{"in":"Rome"}\nSunny\nSunny.');
  });
});

describe('groups', () => {
  test('hold the texts that are similar enough, in their order', () => {
    const long = words(60);
    const changed = long.with(30, 'other');
    const texts = [
      'x y z',
      long.join(' '),
      'p q r s',
      changed.join(' '),
      'P, Q, R; S!',
      words(60, 100).join(' '),
    ];
    expect(alike(long.join(' '), changed.join(' '))).toBe(55 / 61);
    expect(groups(texts)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(groups(texts, 55 / 61)).toEqual(groups(texts));
    expect(groups(texts, 0.91)).toEqual([[2, 4]]);
    expect(groups(texts, 1)).toEqual([[2, 4]]);
  });

  test('reach as far as a chain of similar pairs does', () => {
    const steps = Array.from({ length: 30 }, (_, step) => words(40, step).join(' '));
    expect(alike(steps[0] ?? '', steps[29] ?? '')).toBeLessThan(0.2);
    expect(groups(steps)).toEqual([Array.from(steps.keys())]);
  });

  test('nothing is in a group with an empty text', () => {
    expect(groups(['', ' ', 'a b c'])).toEqual([]);
    expect(groups([])).toEqual([]);
  });

  test('many equal and nearly equal texts do not cost their square', () => {
    const texts = Array.from({ length: 20_000 }, (_, index) =>
      words(40)
        .with(0, index % 2 === 0 ? 'w0' : `v${index}`)
        .join(' '),
    );
    const began = performance.now();
    expect(groups(texts)).toEqual([Array.from(texts.keys())]);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test.each([0.49, 1.01, Number.NaN])('refuses the threshold %d', (threshold) => {
    expect(() => nearDuplicateGroups([], threshold)).toThrow(RangeError);
  });
});

/** The groups by comparing every pair of shingles as texts. */
function reference(texts: string[][], threshold: number): number[][] {
  const sets = texts.map((list) => {
    const found = new Set<string>();
    for (let index = 0; index < Math.max(1, list.length - 2); index += 1)
      found.add(list.slice(index, index + 3).join(' '));
    return found;
  });
  const groupOf = texts.map((_, index) => index);
  for (const [a, one] of sets.entries()) {
    for (const [b, other] of sets.entries()) {
      const common = [...one].filter((shingle) => other.has(shingle)).length;
      if (common / (one.size + other.size - common) < threshold) continue;
      const [from, to] = [groupOf[a] ?? a, groupOf[b] ?? b];
      for (const [index, group] of groupOf.entries()) if (group === from) groupOf[index] = to;
    }
  }
  const all = [...new Set(groupOf)].map((group) =>
    [...groupOf.keys()].filter((index) => groupOf[index] === group),
  );
  return all.filter((group) => group.length > 1);
}

test('agrees with comparing every pair', () => {
  const word = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const text = fc.array(word, { minLength: 1, maxLength: 9 });
  const threshold = fc.constantFrom(0.5, 0.6, 0.75, 0.85, 0.95, 1);
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), threshold, (texts, at) => {
      expect(
        groups(
          texts.map((list) => list.join(' ')),
          at,
        ),
      ).toEqual(reference(texts, at));
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('bands find a pair at the threshold 999 times of 1,000, for at most 200 hashes', () => {
  for (const threshold of [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1]) {
    const { bands, rows } = bandsFor(threshold);
    expect(bands * rows).toBeLessThanOrEqual(200);
    expect(1 - (1 - threshold ** rows) ** bands).toBeGreaterThanOrEqual(0.999);
  }
});
