/** What is looked for, and how a finding is told. */

/**
 * One more with every change to what the rules find or to how findings are replaced: scans of an older version are
 * done again, and redacted exports of different versions are not the same file.
 */
export const RULES_VERSION = 2;

/** In the order in which they win where findings overlap: what is proved by its form goes before what is guessed. */
export const PERSONAL_DATA_KINDS = [
  'SECRET_URL',
  'EMAIL',
  'IBAN',
  'CARD',
  'NATIONAL_ID',
  'IP_ADDRESS',
  'BIRTH_DATE',
  'PHONE',
  'ADDRESS',
  'NAME',
] as const;

export type PersonalDataKind = (typeof PERSONAL_DATA_KINDS)[number];

export interface Finding {
  kind: PersonalDataKind;
  /** The first UTF-16 code unit. */
  start: number;
  /** The code unit after the last. */
  end: number;
  /** Which rule found it, such as `card.luhn`. */
  rule: string;
}

/** How often each kind was found; kinds that were not are left out. */
export type CountByKind = Partial<Record<PersonalDataKind, number>>;

export function addCounts(to: CountByKind, more: CountByKind): CountByKind {
  for (const kind of PERSONAL_DATA_KINDS) {
    const count = (to[kind] ?? 0) + (more[kind] ?? 0);
    if (count > 0) to[kind] = count;
  }
  return to;
}

export function countByKind(findings: readonly { kind: PersonalDataKind }[]): CountByKind {
  const counts: CountByKind = {};
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
