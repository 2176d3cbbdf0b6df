import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CollectRules, codePoints, examplesOf } from '../src/services/conversationRules.ts';
import { type Speaker, type Turn, joinTurns } from '../src/services/turns.ts';

/** `C: text` and `A: text` as turns. */
const turns = (...lines: string[]): Turn[] =>
  lines.map((line) => ({ speaker: line.startsWith('C') ? 'caller' : 'agent', text: line.slice(2) }));
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const pair = (minMessageLength = 0): CollectRules => ({
  strategy: 'PAIR',
  minMessageLength,
  minConfidence: 0.8,
});
const conversation = (minMessageLength = 0): CollectRules => ({
  ...pair(minMessageLength),
  strategy: 'CONVERSATION',
});
/** The call with confidences for its turns; null for none. */
const heard = (call: Turn[], ...confidences: (number | null)[]): Turn[] =>
  call.map((turn, index) => {
    const confidence = confidences[index] ?? null;
    return confidence === null ? turn : { ...turn, confidence };
  });

describe('codePoints', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['😀', 1],
    ['a😀b😀', 4],
    ['\u{D83D}', 1],
    ['\u{DE00}\u{D83D}', 2],
    ['\u{D83D}\u{D83D}\u{DE00}', 2],
  ])('counts %j as %i', (text, count) => {
    expect(codePoints(text)).toBe(count);
  });

  it('agrees with iteration', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0xd7f0, max: 0xe010 }).map((c) => String.fromCharCode(c)) }),
        (text) => {
          expect(codePoints(text)).toBe(Array.from(text).length);
        },
      ),
    );
  });
});

describe('PAIR', () => {
  it('takes each caller block directly followed by an agent block', () => {
    const call = turns('A:welcome', 'C:a', 'C:b', 'A:c', 'A:d', 'C:e', 'A:f', 'C:bye');
    expect(examplesOf(call, pair())).toEqual({
      candidates: [
        { messages: [user('a b'), assistant('c d')], firstTurn: 1, lastTurn: 4, position: 0 },
        { messages: [user('e'), assistant('f')], firstTurn: 5, lastTurn: 6, position: 1 },
      ],
      tooShort: 0,
      unsure: 0,
      bothSides: true,
    });
  });

  it('keeps a pair only when both messages are longer than the limit, in code points', () => {
    const call = turns('C:1234', 'A:123', 'C:123', 'A:1234', 'C:😀😀😀', 'A:1234', 'C:😀😀😀😀', 'A: 1234 ');
    const { candidates, tooShort } = examplesOf(call, pair(3));
    expect(candidates).toEqual([
      { messages: [user('😀😀😀😀'), assistant('1234')], firstTurn: 6, lastTurn: 7, position: 0 },
    ]);
    expect(tooShort).toBe(3);
  });

  it('measures blocks, not turns', () => {
    expect(examplesOf(turns('C:1', 'C:2', 'A:3', 'A:4'), pair(2)).candidates).toHaveLength(1);
  });
});

describe('CONVERSATION', () => {
  it('takes everything from the first caller block to the last agent block', () => {
    const call = turns('A:welcome', 'C:a', 'A:b', 'C:c', 'A:d', 'A: ', 'C:bye');
    expect(examplesOf(call, conversation())).toEqual({
      candidates: [
        {
          messages: [user('a'), assistant('b'), user('c'), assistant('d')],
          firstTurn: 1,
          lastTurn: 4,
          position: 0,
        },
      ],
      tooShort: 0,
      unsure: 0,
      bothSides: true,
    });
  });

  it('is kept whole when one pair is long enough', () => {
    const call = turns('C:x', 'A:y', 'C:long one', 'A:long too');
    expect(examplesOf(call, conversation(3))).toMatchObject({
      tooShort: 0,
      candidates: [{ firstTurn: 0, lastTurn: 3 }],
    });
  });

  it('counts as one too short when it has pairs, but none long enough', () => {
    expect(examplesOf(turns('C:x', 'A:y', 'C:x', 'A:y'), conversation(3))).toEqual({
      candidates: [],
      tooShort: 1,
      unsure: 0,
      bothSides: true,
    });
  });
});

describe('turns with a confidence of their own', () => {
  const call = turns('C:a', 'A:b', 'A:c', 'C:d', 'A:e', 'C:f', 'A:g');

  it('PAIR: an answer is left out when one of its turns is below the least; what the caller said does not count', () => {
    const found = examplesOf(heard(call, 0.1, 0.9, 0.79, 0, 0.8, null, null), pair());
    expect(found.candidates.map(({ messages }) => messages)).toEqual([
      [user('d'), assistant('e')],
      [user('f'), assistant('g')],
    ]);
    expect(found.candidates.map(({ position }) => position)).toEqual([0, 1]);
    expect(found).toMatchObject({ unsure: 1, tooShort: 0 });
  });

  it('CONVERSATION: such an answer stays, with weight 0', () => {
    const found = examplesOf(heard(call, 0.1, 0.9, 0.79, 0, 0.8, null, 0), conversation());
    expect(found).toMatchObject({ unsure: 0, tooShort: 0 });
    expect(found.candidates.map(({ messages }) => messages)).toEqual([
      [
        user('a'),
        { ...assistant('b c'), weight: 0 },
        user('d'),
        assistant('e'),
        user('f'),
        { ...assistant('g'), weight: 0 },
      ],
    ]);
  });

  it('CONVERSATION: without any sure answer there is nothing to learn', () => {
    const found = examplesOf(heard(call, 1, 0.5, 1, 1, 0.5, 1, 0.5), conversation());
    expect(found).toEqual({ candidates: [], tooShort: 0, unsure: 1, bothSides: true });
  });

  it('a turn without words does not count', () => {
    const silent = heard(turns('C:a', 'A:b', 'A: ', 'C:c'), 1, 0.9, 0, 1);
    expect(examplesOf(silent, pair())).toMatchObject({ candidates: [{ lastTurn: 1 }], unsure: 0 });
  });
});

describe.each([pair(), conversation()])('$strategy', (rules) => {
  it.each([
    ['no turns', turns(), false],
    ['the caller alone', turns('C:a', 'C:b'), false],
    ['the agent alone', turns('A:a'), false],
    ['an agent without a word', turns('C:a', 'A:  '), false],
    ['no caller block before an agent block', turns('A:a', 'C:b'), true],
  ])('yields nothing from %s', (_what, call, bothSides) => {
    expect(examplesOf(call, rules)).toEqual({ candidates: [], tooShort: 0, unsure: 0, bothSides });
  });
});

/** The rules once more, said another way: by looking for spans of a string of sides. */
function reference(call: readonly Turn[], { strategy, minMessageLength }: CollectRules) {
  const blocks = joinTurns(call);
  const long = (text: string | undefined): boolean =>
    text !== undefined && Array.from(text).length > minMessageLength;
  const sides = blocks.map(({ speaker }) => (speaker === 'caller' ? 'C' : 'A')).join('');
  const bothSides = sides.includes('C') && sides.includes('A');
  const pairs = Array.from(sides.matchAll(/CA/g), ({ index }) => blocks.slice(index, index + 2));
  const good = pairs.filter((both) => both.every(({ text }) => long(text)));
  const whole = blocks.slice(Math.max(sides.indexOf('C'), 0), sides.lastIndexOf('A') + 1);
  const texts = strategy === 'PAIR' ? good : good.slice(0, 1).map(() => whole);
  const dropped = pairs.length - good.length;
  const tooShort = strategy === 'PAIR' ? dropped : Number(good.length === 0 && pairs.length > 0);
  return { texts: texts.map((list) => list.map(({ text }) => text)), tooShort, bothSides };
}

it('agrees with a naive reference, and its turn indexes lead back to the very messages', () => {
  const turn = fc.record({
    speaker: fc.constantFrom<Speaker>('caller', 'agent'),
    text: fc.oneof(fc.constantFrom('', ' ', 'a', '😀😀', ' ab '), fc.string({ maxLength: 6 })),
  });
  const rules = fc.record({
    strategy: fc.constantFrom('PAIR' as const, 'CONVERSATION' as const),
    minMessageLength: fc.nat(8),
    minConfidence: fc.constant(0.8),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 12 }), rules, (call, given) => {
      const found = examplesOf(call, given);
      const { texts, tooShort, bothSides } = reference(call, given);
      expect(found.candidates.map(({ messages }) => messages.map(({ content }) => content))).toEqual(texts);
      expect([found.tooShort, found.bothSides]).toEqual([tooShort, bothSides]);
      for (const [index, { messages, firstTurn, lastTurn, position }] of found.candidates.entries()) {
        expect(position).toBe(index);
        expect(messages.map(({ role }) => role)).toEqual(
          messages.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')),
        );
        const again = joinTurns(call.slice(firstTurn, lastTurn + 1));
        expect(again.map(({ text }) => text)).toEqual(messages.map(({ content }) => content));
        expect([call[firstTurn]?.text.trim(), call[lastTurn]?.text.trim()]).not.toContain('');
      }
    }),
    { numRuns: 500 },
  );
});
