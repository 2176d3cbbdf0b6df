import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readExample } from '../../src/sandbox/lines.ts';
import { KeyTable } from '../../src/sandbox/keytable.ts';
import { NgramModel } from '../../src/sandbox/ngram.ts';
import { countExample, countText, pieces } from '../../src/sandbox/tokens.ts';
import { planOf } from '../../src/sandbox/training.ts';
import { turnsOf } from '../../src/sandbox/turns.ts';
import { resolveHyperparameters } from '../../src/sandbox/verdict.ts';

const AUTO = { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' } as const;

const line = (content: string) =>
  readExample({
    number: 1,
    text: JSON.stringify({
      messages: [
        { role: 'user', content: 'Hello, you!' },
        { role: 'assistant', content },
      ],
    }),
  });

describe('tokens', () => {
  test('the pieces of a text are the text, and as many as counted', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.lorem()),
        (text) => {
          const split = [...pieces(text)];
          expect(split.join('')).toBe(text);
          expect(countText(text)).toBe(split.length);
        },
      ),
    );
  });

  test('a line is counted as the cookbook counts, and no further than the cap', () => {
    // 3 + 1 + "Hello" "," " you" "!" and 3 + 1 + "Hi" "." and 3
    expect(countExample(line('Hi.'))).toBe(3 + 1 + 4 + 3 + 1 + 2 + 3);
    expect(countExample(line('a '.repeat(70_000)))).toBe(65_536);
    expect(turnsOf(line('Hi.'))).toHaveLength(1);
    expect(turnsOf(line('a '.repeat(70_000)))).toEqual([]);
  });
});

describe('the key table', () => {
  test('numbers keys in order of arrival, up to its limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.maxSafeNat(), { maxLength: 3000 }),
        fc.integer({ min: 1, max: 2000 }),
        (keys, limit) => {
          const table = new KeyTable(limit);
          const expected = new Map<number, number>();
          for (const key of keys) {
            if (!expected.has(key) && expected.size < limit) expected.set(key, expected.size);
            expect(table.insert(key)).toBe(expected.get(key) ?? -1);
          }
          for (const key of keys) expect(table.find(key)).toBe(expected.get(key) ?? -1);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the n-gram model', () => {
  test('its probabilities sum to one, trained or not', () => {
    const model = new NgramModel(2);
    const total = () => {
      let sum = 0;
      for (let word = 0; word < 50_000; word += 1) sum += Math.exp(-model.score(7, [word]).nll);
      return sum;
    };
    expect(total()).toBeCloseTo(1, 6);
    for (const text of ['the parcel is here', 'the parcel is lost', 'a parcel']) {
      model.learn(
        7,
        [...pieces(text)].map((piece) => model.idOf(piece)),
      );
    }
    expect(total()).toBeCloseTo(1, 6);
  });

  test('learns what it sees, sooner with a higher learning rate, and by the cue', () => {
    const scores = [0.5, 1, 4].map((multiplier) => {
      const model = new NgramModel(multiplier);
      const yes = ['Yes', ' of', ' course', '.'].map((piece) => model.idOf(piece));
      const no = ['No', ',', ' sorry', '.'].map((piece) => model.idOf(piece));
      for (let time = 0; time < 3; time += 1) {
        model.learn(1, yes);
        model.learn(2, no);
      }
      expect(model.score(1, yes).hits).toBe(4);
      expect(model.score(2, no).hits).toBe(4);
      expect(model.score(1, no).nll).toBeGreaterThan(model.score(2, no).nll);
      return model.score(1, yes).nll;
    });
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });
});

describe('a job is planned', () => {
  test.each([
    [10, 10, 1],
    [30, 3, 1],
    [60, 3, 1],
    [8_000, 3, 16],
    [10_000, 2, 20],
    [200_000, 1, 256],
  ])('%i examples: %i epochs, batches of %i', (examples, n_epochs, batch_size) => {
    expect(resolveHyperparameters(AUTO, examples)).toEqual({
      n_epochs,
      batch_size,
      learning_rate_multiplier: 1,
    });
  });

  test('never more than 100 reports, each epoch’s end and the last step among them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 5000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 256 }),
        (examples, epochs, batchSize) => {
          const plan = planOf({ count: { examples, tokens: 0 }, epochs, batchSize });
          expect(plan.steps).toBe(Math.ceil(examples / batchSize) * epochs);
          expect(plan.reports).toBeLessThanOrEqual(100);
          for (let epoch = 1; epoch <= epochs; epoch += 1)
            expect(plan.reported(plan.perEpoch * epoch)).toBe(true);
        },
      ),
    );
  });
});
