import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';
import { after, before, lastMatch } from './context.ts';
import type { Finding } from './kinds.ts';
import { touchesLetters, type NumberRun, type Piece } from './numbers.ts';

const DIGITS = { fewest: 7, most: 15 };
/** Whose numbering plans a number without a country code is tried in: with a leading nought, and without. */
const NATIONAL: CountryCode[] = ['GB', 'DE', 'FR', 'AU', 'NL', 'IE'];
const BARE: CountryCode[] = ['US', 'ES', 'PL', 'DK', 'NO'];

const SAYS_PHONE =
  /phone|\bcell(?:ular|s)?\b|mobile|\btel\b|t[ée]l[ée]|\bcall\b|\bcalls me\b|\btext\b|\bdial\b|\bfax\b|whats ?app|\bring\b|land ?line|area code|hotline|handy|m[óo]vil|cellulare|portable|rufnummer|call ?back|reach(?:ed)? (?:me|us|him|her|them)|erreich|voicemail/g;
const SAYS_NUMBER =
  /\b(?:my|the|his|her|our|your|best|new|old|office|home|work|contact|two|meine|deine|ihre|mon|mi|mio|il mio|le) (?:numbers?|nummer|num[ée]ros?|line)\b|\bnumber'?s\b|\bnumber (?:is|on file)\b|\bnumber at\b|\bis my number\b/g;
const OTHER = String.raw`orders?|tracking|case|ref(?:erence)?|invoice|ticket|serial|confirmation|model|item|account|acct|card|policy|flight|booking|reservation|(?<!area )code|pin|isbn|parcel|package|transaction|zip|meter|product|part|claim|member(?:ship)?|bill|sku|batch|vin|id|routing|sort|iban|social|ssn|catalogue|version|total|price|costs?|paid|sold|reads|balance|dollars?|euros?|pounds?|room|page|license|licence|passport|stop|bus|bestell\w*|rechnung\w*|kunden\w*|vorgang\w*`;
const SAYS_OTHER = new RegExp(String.raw`\b(?:${OTHER})\b`, 'g');
/** "order number is …", but not "the phone on my account is …". */
const IS_OTHER = new RegExp(
  String.raw`(?<!\b(?:on|for|in|to|about) (?:my|the|your|this|his|her|our|that) )\b(?:${OTHER})(?: (?:number|no|code|id|ref))?\.?(?:'s| is| was| ending in)?[\s:#,.-]*$`,
);

/** Where the number is written as telephone numbers are, so that nothing need be said about it. */
const WRITTEN_AS_PHONE =
  /^(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[-./ ])\d{3}[-. ]\d{4}$|^0\d(?:[ .]\d\d){4}$|^0\d{2,4}[ /-]\d{3,8}(?:[ -]\d{2,5})?$|^\(0\d{2,4}\) ?\d{3,8}(?:[ -]\d{2,4})?$/;

/** Telephone numbers of any country, written or said. */
export function phones(text: string, runs: NumberRun[]): Finding[] {
  return runs.flatMap((run) => {
    for (const pieces of candidates(run.pieces)) {
      const found = phone(text, pieces, run.start);
      if (found) return [found];
    }
    return [];
  });
}

/** The whole run where it is short enough, else its longest end and its longest beginning. */
function* candidates(pieces: Piece[]): Iterable<Piece[]> {
  let length = 0;
  let first = pieces.length;
  while (first > 0 && length + (pieces[first - 1]?.text.length ?? 0) <= DIGITS.most)
    length += pieces[--first]?.text.length ?? 0;
  yield pieces.slice(first);
  if (first === 0) {
    // "at 9 5550143" and "5550143 2 times": one small piece more than the number.
    if (pieces.length > 2 && isSmall(pieces[0])) yield pieces.slice(1);
    if (pieces.length > 2 && isSmall(pieces.at(-1))) yield pieces.slice(0, -1);
    return;
  }
  length = 0;
  let last = 0;
  while (last < pieces.length && length + (pieces[last]?.text.length ?? 0) <= DIGITS.most)
    length += pieces[last++]?.text.length ?? 0;
  yield pieces.slice(0, last);
}

function isSmall(piece: Piece | undefined): boolean {
  return (piece?.text.length ?? 0) <= 2;
}

function phone(text: string, pieces: Piece[], runStart: number): Finding | null {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (!first || !last) return null;
  const digits = pieces.map((piece) => piece.text).join('');
  if (digits.length < DIGITS.fewest || digits.length > DIGITS.most) return null;
  const start = opening(text, first.start);
  const { end } = last;
  if (touchesLetters(text, { start, end }) || isPartOfMore(text, start, end)) return null;
  const rule = ruleFor(text, {
    start,
    end,
    digits,
    pieces,
    leading: before(text, Math.min(start, runStart)),
  });
  return rule === null ? null : { kind: 'PHONE', start, end, rule };
}

interface Candidate {
  start: number;
  end: number;
  digits: string;
  pieces: Piece[];
  /** What stands before the run of numbers that it is taken from. */
  leading: string;
}

function ruleFor(text: string, { start, end, digits, pieces, leading }: Candidate): string | null {
  const international = text.charAt(start) === '+' || /\bplus\W*$/.test(before(text, start, 8));
  if (international) return isPhone(`+${digits}`, undefined) ? 'phone.international' : null;
  const written = text.slice(start, end);
  if (isDateOrAmount(written)) return null;
  const saidPhone = Math.max(lastMatch(SAYS_PHONE, leading), lastMatch(SAYS_NUMBER, leading));
  if (IS_OTHER.test(leading) || (saidPhone < 0 && lastMatch(SAYS_OTHER, leading) >= 0)) return null;
  if (
    saidPhone >= 0 ||
    /^\W*(?:is|was) (?:my|the|his|her|our) (?:\w+ )?(?:number|phone|cell|mobile)/.test(after(text, end))
  ) {
    return 'phone.context';
  }
  if (WRITTEN_AS_PHONE.test(written)) return 'phone.written';
  const spoken = pieces.every((piece) => piece.spoken);
  if (spoken && digits.length === 7)
    return /^[2-9]/.test(digits) && pieces.length >= 4 ? 'phone.spoken' : null;
  if (digits.length < 9 || (!spoken && pieces.length > 5)) return null;
  const countries = digits.startsWith('0') ? NATIONAL : spoken ? BARE.slice(0, 1) : BARE;
  return countries.some((country) => isPhone(digits, country)) ? 'phone.national' : null;
}

function isPhone(number: string, country: CountryCode | undefined): boolean {
  return parsePhoneNumberFromString(number, country)?.[country ? 'isValid' : 'isPossible']() ?? false;
}

/** A plus sign or a bracket belongs to the number. */
function opening(text: string, start: number): number {
  let first = start;
  if (text.charAt(first - 1) === '(') first -= 1;
  if (text.charAt(first - 1) === '+') first -= 1;
  return first;
}

function isPartOfMore(text: string, start: number, end: number): boolean {
  return (
    /[\d$€£@]$/.test(text.slice(Math.max(0, start - 1), start)) ||
    /^(?:[-/]\d|[.,]\d|%)/.test(text.slice(end, end + 2))
  );
}

/** `24/11/2026`, `2024-11-24`, `9-5`, `1,299.00`. */
function isDateOrAmount(written: string): boolean {
  return /^\d{1,2}([./-])\d{1,2}\1\d{2,4}(?:\D|$)|^(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}(?:\D|$)|^\d{1,3}(?:[.,]\d{3})+(?:[.,]\d\d)?$/.test(
    written,
  );
}
