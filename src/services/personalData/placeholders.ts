/** What stands for a finding in a redacted export: `[NAME_1]`. */
import { PERSONAL_DATA_KINDS, type Finding, type PersonalDataKind } from './kinds.ts';

const PLACEHOLDER = new RegExp(String.raw`\[(${PERSONAL_DATA_KINDS.join('|')})_(\d{1,9})\]`, 'g');

export function placeholder(kind: PersonalDataKind, number: number): string {
  return `[${kind}_${number}]`;
}

/** Without those that a placeholder is in: it tells of nobody. */
export function withoutPlaceholders(text: string, findings: Finding[]): Finding[] {
  if (findings.length === 0 || !text.includes('[')) return findings;
  const spans = [...text.matchAll(PLACEHOLDER)].map(({ 0: all, index }) => ({
    start: index,
    end: index + all.length,
  }));
  let next = 0;
  return findings.filter(({ start, end }) => {
    while (next < spans.length && (spans[next]?.end ?? 0) <= start) next += 1;
    return (spans[next]?.start ?? Infinity) >= end;
  });
}

/** The highest number that each kind's placeholders have in the text, so that new ones go on from there. */
export function highestNumbers(text: string, highest: Map<PersonalDataKind, number>): void {
  if (!text.includes('[')) return;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const kind = PERSONAL_DATA_KINDS.find((one) => one === match[1]);
    if (kind) highest.set(kind, Math.max(highest.get(kind) ?? 0, Number(match[2])));
  }
}
