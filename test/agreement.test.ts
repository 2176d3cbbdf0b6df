/** Agreement, against worked examples that were published, and against the definition taken word by word. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agreementOf, type JudgedUnits } from '../src/services/agreement.ts';

/** Units from a table of observers' values: one row an observer, `.` for none. */
function unitsOf(...observers: string[]): JudgedUnits[] {
  const rows = observers.map((row) => row.split(' '));
  const values = [...new Set(rows.flat())].filter((value) => value !== '.');
  return (rows[0] ?? []).map((_, unit) => ({
    verdicts: values.map((value) => rows.filter((row) => row[unit] === value).length),
    units: 1,
  }));
}

test('binary data of two observers (Krippendorff 2011, A): 0.095', () => {
  const { alpha, percent, units } = agreementOf(unitsOf('0 1 0 0 0 0 0 0 1 0', '1 1 1 0 0 1 0 0 0 0'));
  expect(alpha).toBeCloseTo(0.095, 3);
  expect(percent).toBe(60);
  expect(units).toBe(10);
});

test('nominal data of two observers (Krippendorff 2011, B): 0.692', () => {
  const { alpha } = agreementOf(unitsOf('a a b b d c c c e d d a', 'b a b b b c c c e d d d'));
  expect(alpha).toBeCloseTo(0.692, 3);
});

test('nominal data of four observers with gaps (Krippendorff 2011, C): 0.743', () => {
  const { alpha, units } = agreementOf(
    unitsOf(
      '1 2 3 3 2 1 4 1 2 . . .',
      '1 2 3 3 2 2 4 1 2 5 . 3',
      '. 3 3 3 2 3 4 2 2 5 1 .',
      '1 2 3 3 2 4 4 1 2 5 1 .',
    ),
  );
  expect(alpha).toBeCloseTo(0.743, 3);
  expect(units).toBe(11);
});

test('all the same, or nothing judged twice: alpha is not defined', () => {
  expect(agreementOf([{ verdicts: [2, 0], units: 7 }])).toEqual({ units: 7, percent: 100, alpha: null });
  expect(agreementOf([{ verdicts: [1, 0], units: 7 }])).toEqual({ units: 0, percent: null, alpha: null });
  expect(agreementOf([])).toEqual({ units: 0, percent: null, alpha: null });
});

test('full agreement on different verdicts is 1, constant disagreement less than 0', () => {
  const full = [
    { verdicts: [3, 0], units: 2 },
    { verdicts: [0, 2], units: 5 },
  ];
  expect(agreementOf(full)).toEqual({ units: 7, percent: 100, alpha: 1 });
  expect(agreementOf([{ verdicts: [1, 1], units: 9 }]).alpha).toBeLessThan(0);
});

test('is what the definition says, judgement by judgement', () => {
  const table = fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 5 }), { maxLength: 12 });
  fc.assert(
    fc.property(table, (judgements) => {
      const units = judgements.map((unit) => ({
        verdicts: [0, 1, 2].map((value) => unit.filter((given) => given === value).length),
        units: 1,
      }));
      const { alpha, percent } = agreementOf(units);
      const expected = byDefinition(judgements);
      expect({ alpha, percent }).toEqual({ alpha: near(expected.alpha), percent: near(expected.percent) });
    }),
  );
});

/** As a matcher; null for null. */
const near = (number: number | null): unknown => (number === null ? null : expect.closeTo(number, 9));

/** Observed disagreement over expected disagreement, each as a mean over pairs of judgements. */
function byDefinition(judgements: number[][]): { alpha: number | null; percent: number | null } {
  const paired = judgements.filter((unit) => unit.length > 1);
  const all = paired.flat();
  const observed =
    paired.map((unit) => differing(unit) / (unit.length - 1)).reduce((a, b) => a + b, 0) / all.length;
  const expected = differing(all) / (all.length * (all.length - 1));
  const pairs = paired.reduce((total, unit) => total + unit.length * (unit.length - 1), 0);
  const differ = paired.reduce((total, unit) => total + differing(unit), 0);
  return {
    alpha: all.length === 0 || expected === 0 ? null : 1 - observed / expected,
    percent: pairs === 0 ? null : (100 * (pairs - differ)) / pairs,
  };
}

const differing = (values: number[]): number =>
  values.flatMap((one, i) => values.filter((other, j) => i !== j && one !== other)).length;
