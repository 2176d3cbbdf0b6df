/**
 * How far reviewers agree. Krippendorff's alpha for nominal data, since examples have different numbers of reviewers, of
 * which Fleiss' kappa knows nothing. The formula and the examples that the test works through: K. Krippendorff, Computing
 * Krippendorff's Alpha-Reliability, 2011, https://repository.upenn.edu/asc_papers/43
 */

/** Units that got the same verdicts: how often each verdict was given, and how many such units there are. */
export interface JudgedUnits {
  verdicts: number[];
  units: number;
}

export interface Agreement {
  /** How many units were judged twice or more; others say nothing of agreement. */
  units: number;
  /** Of all pairs of judgements on one unit, how many agree, 0..100; null without such pairs. */
  percent: number | null;
  /** 1 when all agree, 0 when they agree as often as by chance; null when it is not defined, as when all said the same. */
  alpha: number | null;
}

export function agreementOf(judged: JudgedUnits[]): Agreement {
  const paired = judged.filter(({ verdicts }) => sum(verdicts) > 1);
  const total = (of: (unit: JudgedUnits) => number) => sum(paired.map((unit) => of(unit) * unit.units));
  const pairs = total(({ verdicts }) => pairsOf(sum(verdicts)));
  const agreeing = total(({ verdicts }) => sum(verdicts.map(pairsOf)));
  const judgements = total(({ verdicts }) => sum(verdicts));
  const disagreement = total(({ verdicts }) => {
    const count = sum(verdicts);
    return (pairsOf(count) - sum(verdicts.map(pairsOf))) / (count - 1);
  });
  const categories = Math.max(0, ...paired.map(({ verdicts }) => verdicts.length));
  const ofCategory = Array.from({ length: categories }, (_, at) =>
    total(({ verdicts }) => verdicts[at] ?? 0),
  );
  // What would be expected if the same judgements were dealt out to the units by chance.
  const byChance = (pairsOf(judgements) - sum(ofCategory.map(pairsOf))) / (judgements - 1);
  return {
    units: total(() => 1),
    percent: pairs === 0 ? null : (100 * agreeing) / pairs,
    alpha: byChance > 0 ? 1 - disagreement / byChance : null,
  };
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Ordered pairs of different judgements. */
const pairsOf = (count: number): number => count * (count - 1);
