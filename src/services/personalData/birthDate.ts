import type { Finding } from './kinds.ts';
import { isNumberWord } from './spoken.ts';
import type { Word } from './words.ts';

const SAYS_BIRTH =
  /\b(?:born|birth(?:day|date|days)?(?:['’]s)?|b-?day|d\.?o\.?b\.?|d o b|geboren|geburtsdatum|geburtstag|n[ée]e?(?= le\b)|naissance|nac[íi]|nacid[oa]|nacimiento|nat[oa](?= il\b| nel\b)|nascita|geboortedatum|data de nascimento)(?![a-z])/gi;
/** How many words may lie between "date of birth" and the date, and how many a date has at most. */
const REACH = 7;
const LONGEST = 9;
const GAP_LIMIT = 4;

const MONTHS = new Set(
  `january february march april may june july august september october november december
  jan feb mar apr jun jul aug sep sept oct nov dec
  januar februar marz maerz mai juni juli oktober dezember
  janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre
  enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
  gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
  januari februari maart mei augustus`.split(/\s+/),
);
const ORDINALS = new Set(
  `first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
  seventeenth eighteenth nineteenth twentieth thirtieth`.split(/\s+/),
);
/** Within a date: "14th of March", "25 de diciembre de 1988". */
const LINKS = new Set(['of', 'the', 'de', 'del', 'st', 'nd', 'rd', 'th', 'and']);

/** Dates where a birth is spoken of; other dates are no findings. */
export function birthDates(text: string, words: Word[]): Finding[] {
  const found: Finding[] = [];
  let index = 0;
  for (const { 0: said, index: at } of text.matchAll(SAYS_BIRTH)) {
    const end = at + said.length;
    while (index < words.length && (words[index]?.start ?? 0) < end) index += 1;
    const date = dateAfter(text, words, index) ?? dateBefore(text, words, at, index);
    if (date) found.push({ kind: 'BIRTH_DATE', ...date, rule: 'birth.date' });
  }
  return found;
}

type Span = Pick<Finding, 'start' | 'end'>;

function dateAfter(text: string, words: Word[], from: number): Span | null {
  for (let first = from; first < from + REACH && first < words.length; first += 1) {
    const word = words[first];
    if (!word || text.slice(words[from]?.start, word.start).includes('\n')) return null;
    if (isDatePart(word) || (word.plain === 'the' && isDatePart(words[first + 1]))) {
      const date = dateFrom(text, words, first);
      if (date) return date;
    }
  }
  return null;
}

/** "14 March 1985 is my birthday." */
function dateBefore(text: string, words: Word[], at: number, index: number): Span | null {
  const lead = /\b(?:is|was) (?:my|his|her|their|our)? ?(?:date of )?$/i.exec(
    text.slice(Math.max(0, at - 24), at),
  );
  if (!lead) return null;
  const end = at - lead[0].length;
  const first = Math.max(0, index - LONGEST - 6);
  for (let from = first; from < index; from += 1) {
    const date = isDatePart(words[from]) ? dateFrom(text, words, from) : null;
    if (date && date.end <= end && end - date.end <= GAP_LIMIT) return date;
  }
  return null;
}

/** The date that begins with the word; null where the words make none. */
function dateFrom(text: string, words: Word[], first: number): Span | null {
  let last = first - 1;
  let months = 0;
  let numbers = 0;
  let year = false;
  for (let index = first; index < words.length && index < first + LONGEST; index += 1) {
    const [word, previous] = [words[index], words[index - 1]];
    if (!word || (index > first && previous && !isWithinDate(text.slice(previous.end, word.start)))) break;
    if (isDatePart(word)) {
      last = index;
      if (MONTHS.has(word.plain)) months += 1;
      else numbers += 1;
      if (/^(?:19|20)\d\d$/.test(word.plain)) year = true;
    } else if (!LINKS.has(word.plain)) break;
    else if (/^(?:st|nd|rd|th)$/.test(word.plain) && last === index - 1) last = index;
  }
  const [from, to] = [words[first], words[last]];
  if (!from || !to || !(year || (months > 0 && numbers > 0) || numbers >= 2)) return null;
  return { start: from.start, end: to.end };
}

function isWithinDate(gap: string): boolean {
  return gap.length <= GAP_LIMIT && !/[^\s,./'’–-]/.test(gap) && !gap.includes('\n');
}

function isDatePart(word: Word | undefined): boolean {
  if (!word) return false;
  if (word.digits) return word.text.length <= 4;
  return MONTHS.has(word.plain) || ORDINALS.has(word.plain) || isNumberWord(word.plain);
}
