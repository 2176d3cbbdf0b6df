/** Finds what may tell who somebody is. Pure, and linear in the length of the text, whatever it holds. */
import { addresses } from './address.ts';
import { cards, spokenIbans, writtenIbans } from './bankNumbers.ts';
import { birthDates } from './birthDate.ts';
import { spokenEmails, writtenEmails } from './email.ts';
import { PERSONAL_DATA_KINDS, type Finding } from './kinds.ts';
import { names } from './names.ts';
import { digitIds, formIds, spokenIds } from './nationalIds.ts';
import { numberRuns } from './numbers.ts';
import { spelledNames } from './spelled.ts';
import { spokenPostcodes } from './spokenPostcode.ts';
import { phones } from './phone.ts';
import { ipAddresses, secretUrls } from './url.ts';
import { wordsOf } from './words.ts';

const RANK = new Map(PERSONAL_DATA_KINDS.map((kind, rank) => [kind, rank]));
/** Longer texts are searched window by window, each with a margin on both sides, so that memory and pauses stay small. */
const WINDOW = 16_384;
const MARGIN = 512;

/** The findings in the text, in its order, none over another. */
export function findPersonalData(text: string): Finding[] {
  if (text.length <= WINDOW) return findIn(text);
  return windowsOf(text).flatMap(({ start, end }) => findInWindow(text, start, end));
}

/** The windows that a long text is searched in: for who wants to pause between them. */
export function windowsOf(text: string): { start: number; end: number }[] {
  const windows = [];
  let start = 0;
  while (start < text.length) {
    const limit = Math.min(text.length, start + WINDOW);
    const space = limit < text.length ? text.lastIndexOf('\n', limit) : limit;
    const end = space > start + WINDOW / 2 ? space : limit;
    windows.push({ start, end });
    start = end;
  }
  return windows;
}

/** The findings that begin in the window. */
export function findInWindow(text: string, start: number, end: number): Finding[] {
  const from = Math.max(0, start - MARGIN);
  return findIn(text.slice(from, Math.min(text.length, end + MARGIN))).flatMap((finding) => {
    const moved = { ...finding, start: finding.start + from, end: finding.end + from };
    return moved.start >= start && moved.start < end ? [moved] : [];
  });
}

function findIn(text: string): Finding[] {
  const words = wordsOf(text);
  const { digits, mixed } = numberRuns(text, words);
  const hasDigits = words.some((word) => word.digits);
  return withoutOverlaps(
    [
      ...secretUrls(text),
      ...writtenEmails(text),
      ...spokenEmails(text, words),
      ...(hasDigits ? writtenIbans(text) : []),
      ...spokenIbans(mixed),
      ...cards(text, digits),
      ...digitIds(text, digits),
      ...(hasDigits ? formIds(text) : []),
      ...spokenIds(text, mixed),
      ...(hasDigits ? ipAddresses(text) : []),
      ...birthDates(text, words),
      ...phones(text, digits),
      ...addresses(text, words),
      ...spokenPostcodes(text, { digits, mixed }),
      ...spelledNames(text, words),
      ...names(text, words),
    ],
    text.length,
  );
}

/** Of two findings over each other the one of the kind that comes first in PERSONAL_DATA_KINDS stays, then the longer. */
function withoutOverlaps(findings: Finding[], length: number): Finding[] {
  if (findings.length < 2) return findings;
  const taken = new Uint8Array(length);
  const kept: Finding[] = [];
  for (const finding of findings.toSorted(bySurety)) {
    if (taken.subarray(finding.start, finding.end).includes(1)) continue;
    taken.fill(1, finding.start, finding.end);
    kept.push(finding);
  }
  return kept.toSorted((a, b) => a.start - b.start);
}

function bySurety(a: Finding, b: Finding): number {
  return (
    (RANK.get(a.kind) ?? 0) - (RANK.get(b.kind) ?? 0) ||
    b.end - b.start - (a.end - a.start) ||
    a.start - b.start
  );
}
