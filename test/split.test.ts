/** The rules of a split, of any groups: nothing torn apart, the share met as nearly as is said, the same for a seed. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createGroups, divide, MIN_TRAINING, orderKey, sameText } from '../src/services/split.ts';

/** Divides groups of these sizes, whose members lie mixed; returns the sizes that went to validation. */
function divided(sizes: number[], share: number, seed = 1) {
  const owners = sizes.flatMap((size, group) => Array.from({ length: size }, () => group));
  const mixed = owners
    .map((group, place) => ({ group, key: orderKey('mix', String(place)) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ group }) => group);
  const groups = createGroups(mixed.length);
  for (const [index, group] of mixed.entries()) groups.joinByName(index, 'CALL', String(group));
  const keys = (salt: string) => Float64Array.from(mixed, (_, index) => orderKey(salt, String(index)));
  return { mixed, division: divide(groups, keys('content'), keys(String(seed)), share) };
}

const anySizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 });
const wantedOf = (share: number, size: number) =>
  Math.max(1, Math.min(Math.round(share * size), Math.floor(size / 2)));
const anyShare = fc.double({ min: 0.01, max: 0.5, noNaN: true });

describe('of any groups', () => {
  test('each lies on one side, and each side holds what it must', () => {
    fc.assert(
      fc.property(anySizes, anyShare, fc.integer(), (sizes, share, seed) => {
        const { mixed, division } = divided(sizes, share, seed);
        if ('inTheWay' in division) return;
        const sides = new Map<number, number>();
        for (const [index, group] of mixed.entries()) {
          expect(sides.get(group) ?? division.validation[index]).toBe(division.validation[index]);
          sides.set(group, division.validation[index] ?? 0);
        }
        const aside = division.validation.reduce((sum, one) => sum + one, 0);
        expect(aside).toBeGreaterThan(0);
        expect(mixed.length - aside).toBeGreaterThanOrEqual(Math.max(MIN_TRAINING, aside));
      }),
    );
  });

  test('the share is missed by at most half of the smallest group left for training, where that group fits', () => {
    fc.assert(
      fc.property(anySizes, anyShare, (sizes, share) => {
        const { mixed, division } = divided(sizes, share);
        if ('inTheWay' in division) return;
        const aside = division.validation.reduce((sum, one) => sum + one, 0);
        const wanted = wantedOf(share, mixed.length);
        const left = sizes.filter((_, group) => division.validation[mixed.indexOf(group)] === 0);
        const smallest = Math.min(...left);
        const fits = mixed.length - aside - smallest >= Math.max(MIN_TRAINING, aside + smallest);
        const most = aside <= wanted && fits ? smallest / 2 : Math.max(...sizes);
        const missed = Math.abs(wanted - aside);
        expect(aside <= wanted && !fits ? 0 : missed).toBeLessThanOrEqual(most);
      }),
    );
  });

  test('single examples meet it exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 300 }), anyShare, (count, share) => {
        const { division } = divided(
          Array.from({ length: count }, () => 1),
          share,
        );
        const aside = 'validation' in division ? division.validation.reduce((sum, one) => sum + one, 0) : 0;
        expect(aside).toBe(wantedOf(share, count));
      }),
    );
  });
});

test('half of an odd number of single examples is no reason to refuse', () => {
  expect(
    divided(
      Array.from({ length: 23 }, () => 1),
      0.5,
    ).division,
  ).toHaveProperty('validation');
});

test('a seed makes its own split, and always the same', () => {
  const sizes = Array.from({ length: 40 }, (_, n) => 1 + (n % 3));
  const sides = [1, 1, 2, 3].map((seed) => JSON.stringify(divided(sizes, 0.2, seed).division));
  expect(sides[0]).toBe(sides[1]);
  expect(new Set(sides).size).toBe(3);
});

test.each([
  ['one group', [50]],
  ['too few examples', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
])('%s is refused', (_what, sizes) => {
  expect(divided(sizes, 0.1).division).toHaveProperty('inTheWay');
});

test('the groups in the way are named, the largest first, with what ties them', () => {
  const groups = createGroups(12);
  for (let index = 1; index < 9; index += 1) groups.join(0, index, index % 2 ? 'CALL' : 'NEAR_DUPLICATE');
  groups.join(10, 11, 'SAME_TEXT');
  const keys = Float64Array.from({ length: 12 }, (_, index) => index);
  expect(divide(groups, keys, keys, 0.5)).toEqual({
    inTheWay: [
      { members: [0, 1, 2, 3, 4, 5, 6, 7, 8], ties: ['CALL', 'NEAR_DUPLICATE'] },
      { members: [10, 11], ties: ['SAME_TEXT'] },
    ],
  });
});

test('case and white space make no other text', () => {
  expect(sameText(' Hello  THERE\n', 'Yes')).toBe(sameText('hello there', 'yes'));
  expect(sameText('a b', 'c')).not.toBe(sameText('a', 'b c'));
});

test('a hundred thousand examples are divided without holding up the event loop for long', () => {
  const size = 100_000;
  const groups = createGroups(size);
  for (let index = 0; index < size; index += 1) groups.joinByName(index, 'CALL', String(index % 40_000));
  const keys = Float64Array.from({ length: size }, (_, index) => (index * 2_654_435_761) % 2 ** 32);
  const began = performance.now();
  const division = divide(groups, keys, keys, 0.1);
  expect(performance.now() - began).toBeLessThan(1000); // Some 40 ms on a machine with nothing else to do.
  const aside = 'validation' in division ? division.validation.reduce((sum, one) => sum + one, 0) : 0;
  expect(Math.abs(aside - 10_000)).toBeLessThanOrEqual(1);
});
