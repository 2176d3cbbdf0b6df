import { before } from './context.ts';
import type { Finding } from './kinds.ts';
import { isNumberWord } from './spoken.ts';
import { isCapitalised, type Word } from './words.ts';

const set = (words: string): Set<string> => new Set(words.split(/\s+/));

const STREET_TYPES = set(
  `street st str avenue ave av road rd lane ln drive dr boulevard blvd court ct close way terrace place pl square sq crescent cres
  gardens gdns grove parkway pkwy highway hwy row mews hill circle cir trail trl alley walk rise view park wharf quay plaza loop`,
);
/** What stands between a house number and "road" in "12 miles down the road". */
const NO_STREET = set(
  `a an the of to in on at by for from with and or but is are was were be it that this these those i you he she we they my your his her
  our their mile miles km hours hour minutes minute days day weeks week months month years year times people items percent dollars
  euros pounds feet meters metres yards down up off over near star stars bedroom bedrooms baths am pm o'clock more less than another
  taking take took one two left right next new more per results result options taking each also not no if so as will can may pieces units songs seats tickets nights guests any`,
);
const UNITS = set('apt apartment suite ste unit flat room floor no number #');
const GERMAN_STREET = /(?:stra(?:ß|ss)e|str|weg|platz|allee|gasse|ring|damm|ufer|chaussee|steig|stieg)$/;
const ROMANCE_TYPES = set(
  `rue avenue boulevard place chemin allee impasse quai route cours calle avenida avda paseo plaza camino carrera via viale piazza
  corso largo vicolo rua travessa praca`,
);
const PARTICLES = set(
  'de del de la las los des du d l le da do dos das san santa sant saint st sainte della delle degli dei al',
);
const HOUSE_LETTER = /^[a-d]$|^bis$|^ter$/;
const MOST_NUMBER_WORDS = 5;
const MOST_NAME_WORDS = 4;

type Span = Pick<Finding, 'start' | 'end'>;

/** Street addresses with a house number, postcodes and post office boxes; a street or a town alone tells of nobody. */
export function addresses(text: string, words: Word[]): Finding[] {
  const found: Finding[] = [];
  const add = (span: Span | null, rule: string): void => {
    if (span) found.push({ kind: 'ADDRESS', ...span, rule });
  };
  for (const [index, word] of words.entries()) {
    if (STREET_TYPES.has(word.plain)) add(englishStreet(text, words, index), 'address.street');
    if (word.plain.length > 4 && GERMAN_STREET.test(word.plain))
      add(germanStreet(text, words, index), 'address.strasse');
    if (ROMANCE_TYPES.has(word.plain)) add(romanceStreet(text, words, index), 'address.rue');
  }
  if (words.some((word) => word.digits)) found.push(...patterns(text));
  return [...found, ...found.flatMap(({ end }) => townAfter(text, end))];
}

/** "1600 Elm Street, Apt 4B" and "forty five eleven maple lane", looked for backwards from "street". */
function englishStreet(text: string, words: Word[], type: number): Span | null {
  let index = type - 1;
  let names = 0;
  for (; index >= 0 && names < MOST_NAME_WORDS; index -= 1) {
    const word = words[index];
    if (!word || !adjoin(text, words, index)) return null;
    const ordinal =
      word.digits &&
      /^(?:st|nd|rd|th)$/.test(words[index + 1]?.plain ?? '') &&
      words[index + 1]?.start === word.end;
    if (names > 0 && !ordinal && isHouseNumber(word)) break;
    if (!ordinal && (word.digits || isNoStreet(word, words[index + 1]) || isNumberWord(word.plain))) {
      if (!isOrdinalTail(words, index)) return null;
    }
    if (!isOrdinalTail(words, index)) names += 1;
  }
  let house = words[index];
  // "two twenty one b baker street": the letter belongs to the number.
  if (house && !isHouseNumber(house) && /^[a-d]$/.test(house.plain)) house = words[--index];
  if (!house || !isHouseNumber(house) || names === 0) return null;
  const first = firstOfNumber(text, words, index);
  const from = words[first];
  if (!from || isYearOrCount(text, from, words[type])) return null;
  const start = unitBefore(text, words, first) ?? from.start;
  return { start, end: unitAfter(text, words, type) };
}

/** "A Street" is one in many towns; "a street" is any. */
function isNoStreet(word: Word, next: Word | undefined): boolean {
  const lettered =
    word.text === 'A' && next !== undefined && isCapitalised(next) && STREET_TYPES.has(next.plain);
  return NO_STREET.has(word.plain) && !lettered;
}

function isOrdinalTail(words: Word[], index: number): boolean {
  const [word, previous] = [words[index], words[index - 1]];
  return Boolean(
    word && previous?.digits && previous.end === word.start && /^(?:st|nd|rd|th)$/.test(word.plain),
  );
}

function isHouseNumber(word: Word): boolean {
  return word.digits ? word.text.length <= 6 : isNumberWord(word.plain);
}

function firstOfNumber(text: string, words: Word[], index: number): number {
  let first = index;
  while (first > 0 && index - first < MOST_NUMBER_WORDS) {
    const [here, previous] = [words[first], words[first - 1]];
    if (!here || !previous || !isHouseNumber(previous) || previous.digits !== here.digits) break;
    if (!/^[\s-]{1,2}$/.test(text.slice(previous.end, here.start))) break;
    first -= 1;
  }
  return first;
}

/** "In 2024 Market Street was renamed" tells of no house. */
function isYearOrCount(text: string, number: Word, type: Word | undefined): boolean {
  const year =
    /^(?:19|20)\d\d$/.test(number.plain) &&
    /\b(?:in|since|until|of|by|during)\s*$/.test(before(text, number.start, 12));
  return (
    year ||
    // "beverages.3199 Fillmore Street" is a sentence's end, and no decimal.
    /[$€£]$|(?:^|[^\p{L}])[.,]$/u.test(text.slice(Math.max(0, number.start - 2), number.start)) ||
    (type?.plain === 'st' && /^\d/.test(text.slice(type.end + 1)))
  );
}

function unitBefore(text: string, words: Word[], first: number): number | null {
  const [unit, value] = [words[first - 2], words[first - 1]];
  if (!unit || !value || !UNITS.has(unit.plain)) return null;
  const gap = text.slice(value.end, words[first]?.start);
  return (value.digits || value.text.length <= 2) && /^,?\s{0,2}$/.test(gap) ? unit.start : null;
}

/** Where the address ends: after "Apt 4B", "suite 210", or after the full stop of "Dr.". */
function unitAfter(text: string, words: Word[], type: number): number {
  const [last, unit, value] = [words[type], words[type + 1], words[type + 2]];
  const end = last?.end ?? 0;
  if (!unit || !value || !UNITS.has(unit.plain) || unit.start - end > 3)
    return text.charAt(end) === '.' && text.charAt(end + 1) === ' ' ? end + 1 : end;
  if (!value.digits && value.text.length > 1 && !isNumberWord(value.plain)) return end;
  const letter = words[type + 3];
  return letter && letter.start === value.end && letter.text.length === 1 ? letter.end : value.end;
}

/** "Lindenstraße 14a", "Am Marktplatz 3". */
function germanStreet(text: string, words: Word[], type: number): Span | null {
  const [street, number, letter] = [words[type], words[type + 1], words[type + 2]];
  if (!street || !(isCapitalised(street) || /str/.test(street.plain))) return null;
  if (!number?.digits || number.text.length > 4 || !/^\.?\s$/.test(text.slice(street.end, number.start)))
    return null;
  const previous = words[type - 1];
  const preposition =
    previous &&
    /^(?:am|an|auf|im|in|zum|zur|der|dem|alte|neue|grosse|kleine)$/.test(previous.plain) &&
    isCapitalised(previous);
  const end = letter && letter.text.length === 1 && letter.start - number.end <= 1 ? letter.end : number.end;
  return { start: preposition ? previous.start : street.start, end };
}

/** "15 rue des Lilas", "Calle de Alcalá 45", "via Garibaldi 8". */
function romanceStreet(text: string, words: Word[], type: number): Span | null {
  const street = words[type];
  let last = type;
  let names = 0;
  while (last + 1 < words.length && names < MOST_NAME_WORDS && adjoin(text, words, last)) {
    const next = words[last + 1];
    if (
      !next ||
      next.digits ||
      !(
        isCapitalised(next) ||
        PARTICLES.has(next.plain) ||
        next.text.startsWith("d'") ||
        next.text.startsWith("l'")
      )
    )
      break;
    if (!PARTICLES.has(next.plain)) names += 1;
    last += 1;
  }
  const [end, after, ahead, further] = [words[last], words[last + 1], words[type - 1], words[type - 2]];
  if (!street || !end || names === 0 || UNITS.has(words[type + 1]?.plain ?? '')) return null;
  if (street.plain === 'place' && !PARTICLES.has(words[type + 1]?.plain ?? '')) return null;
  if (after?.digits && after.text.length <= 5 && /^,?\s$/.test(text.slice(end.end, after.start)))
    return { start: street.start, end: after.end };
  const numbered = ahead && HOUSE_LETTER.test(ahead.plain) ? further : ahead;
  if (!numbered?.digits || numbered.text.length > 5 || street.start - numbered.end > 6) return null;
  return { start: numbered.start, end: end.end };
}

function adjoin(text: string, words: Word[], index: number): boolean {
  const [word, next] = [words[index], words[index + 1]];
  return (
    word !== undefined &&
    next !== undefined &&
    (next.start === word.end ||
      (word.text.length <= 2 ? /^\.?[ -]{1,2}$/ : /^[ -]{1,2}$/).test(text.slice(word.end, next.start)))
  );
}

const UK_POSTCODE = /(?<![a-z0-9])[a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2}(?![a-z0-9])/gi;
const BOX = /\b(?:p\.? ?o\.? ?box|postfach|apartado)\s+\d{1,6}\b/gi;
const ZIP =
  /\b(?:zip(?: ?code)?|postal code|post ?code|postleitzahl|plz|code postal|c[óo]digo postal|cap)(?: is|:|'s|’s)? +(\d{5}(?:-\d{4})?|\d{4})(?!\d)/gi;
const STATE_ZIP = /, ?[A-Z]{2} (\d{5}(?:-\d{4})?)(?!\d)/g;

function patterns(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { 0: code, index } of text.matchAll(UK_POSTCODE)) {
    const sure =
      (code === code.toUpperCase() && code.includes(' ')) || /post ?code/.test(before(text, index));
    if (sure)
      found.push({ kind: 'ADDRESS', start: index, end: index + code.length, rule: 'address.postcode' });
  }
  for (const { 0: box, index } of text.matchAll(BOX)) {
    found.push({ kind: 'ADDRESS', start: index, end: index + box.length, rule: 'address.box' });
  }
  for (const { 0: all, 1: zip = '', index } of [...text.matchAll(ZIP), ...text.matchAll(STATE_ZIP)]) {
    const end = index + all.length;
    found.push({ kind: 'ADDRESS', start: end - zip.length, end, rule: 'address.zip' });
  }
  return found;
}

/** "10115 Berlin" after a street. */
function townAfter(text: string, end: number): Finding[] {
  const town = /^,? (\d{5} \p{Lu}\p{L}{1,30})/u.exec(text.slice(end, end + 48));
  if (!town?.[1]) return [];
  const start = end + town[0].length - town[1].length;
  return [{ kind: 'ADDRESS', start, end: start + town[1].length, rule: 'address.town' }];
}
