import { getCountrySpecifications, isValidIBAN } from 'ibantools';
import type { Finding } from './kinds.ts';
import { touchesLetters, type NumberRun, type Piece } from './numbers.ts';
import { isDigit, isLetter } from './words.ts';

const CARD_DIGITS = { fewest: 13, most: 19 };
/** What the numbers of the schemes begin with, and how long they are. */
const CARD_SCHEMES =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|(?:50|5[6-8]|6[37])\d{10,17})$/;

/** Numbers of payment cards: of a scheme's length and beginning, and with the right check digit. */
export function cards(text: string, runs: NumberRun[]): Finding[] {
  const found: Finding[] = [];
  for (const { pieces } of runs) {
    for (let first = 0; first < pieces.length; first += 1) {
      const last = cardEnd(pieces, first);
      const [from, to] = [pieces[first], pieces[last ?? -1]];
      if (last === null || !from || !to || touchesLetters(text, { start: from.start, end: to.end })) continue;
      found.push({ kind: 'CARD', start: from.start, end: to.end, rule: 'card.luhn' });
      first = last;
    }
  }
  return found;
}

/** The last piece of the card number that begins with the piece; the longest where there are several. */
function cardEnd(pieces: Piece[], first: number): number | null {
  let digits = '';
  let end: number | null = null;
  for (let index = first; index < pieces.length && digits.length < CARD_DIGITS.most; index += 1) {
    digits += pieces[index]?.text ?? '';
    if (digits.length >= CARD_DIGITS.fewest && CARD_SCHEMES.test(digits) && passesLuhn(digits)) end = index;
  }
  return end;
}

export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits.charAt(digits.length - 1 - index)) * (index % 2 === 0 ? 1 : 2);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

const IBAN_BEGINS = /(?<![a-z0-9])[a-z]{2}\d\d(?=[ -]?[a-z0-9])/gi;
const IBAN_LIMIT = 34;
const LENGTHS = new Map(
  Object.entries(getCountrySpecifications()).flatMap(([country, { chars }]) =>
    chars ? [[country, chars] as const] : [],
  ),
);

/** Bank accounts as IBANs: of the country's length, and right modulo 97. */
export function writtenIbans(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { 0: beginning, index: start } of text.matchAll(IBAN_BEGINS)) {
    const length = LENGTHS.get(beginning.slice(0, 2).toUpperCase());
    if (length === undefined) continue;
    const read = readIban(text, start, length);
    if (read) found.push({ kind: 'IBAN', start, end: read, rule: 'iban.mod97' });
  }
  return found;
}

/** Where the IBAN ends that has `length` letters and digits from `start` on; null when there is none. */
function readIban(text: string, start: number, length: number): number | null {
  let iban = '';
  let index = start;
  while (iban.length < length && iban.length < IBAN_LIMIT) {
    const code = text.charCodeAt(index);
    if (isDigit(code) || (code < 128 && isLetter(code))) iban += text.charAt(index);
    else if (!/[ \u00a0-]/.test(text.charAt(index) || 'x') || /[ \u00a0-]/.test(text.charAt(index - 1)))
      return null;
    index += 1;
  }
  const next = text.charCodeAt(index);
  return !isDigit(next) && !isLetter(next) && isValidIBAN(iban.toUpperCase()) ? index : null;
}

/** IBANs that were said: "d e eight nine three seven …". */
export function spokenIbans(mixed: NumberRun[]): Finding[] {
  const found: Finding[] = [];
  for (const { pieces } of mixed) {
    for (const [first, piece] of pieces.entries()) {
      const length =
        piece.letter && pieces[first + 1]?.letter
          ? LENGTHS.get(piece.text + pieces[first + 1]?.text)
          : undefined;
      const last = length === undefined ? undefined : saidIbanEnd(pieces, first, length);
      if (last) found.push({ kind: 'IBAN', start: piece.start, end: last.end, rule: 'iban.spoken' });
    }
  }
  return found;
}

function saidIbanEnd(pieces: Piece[], first: number, length: number): Piece | undefined {
  let iban = '';
  for (let index = first; index < pieces.length && iban.length < length; index += 1) {
    iban += pieces[index]?.text ?? '';
    if (iban.length === length && isValidIBAN(iban)) return pieces[index];
  }
  return undefined;
}
