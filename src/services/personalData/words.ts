/** A text as words and digits, read once for all the rules that go by words. */

export interface Word {
  start: number;
  end: number;
  /** As it stands in the text. */
  text: string;
  /** In lower case and without accents. */
  plain: string;
  digits: boolean;
}

const ZERO = 48;
const NINE = 57;
const APOSTROPHE = 39;
const TYPOGRAPHIC_APOSTROPHE = 0x2019;

/** Runs of digits, and runs of letters with the apostrophes within them; all else lies between the words. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let index = 0;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    const start = index;
    if (isDigit(code)) {
      while (isDigit(text.charCodeAt(index))) index += 1;
    } else if (isLetter(code)) {
      while (isLetter(text.charCodeAt(index)) || isInnerApostrophe(text, index)) index += 1;
    } else {
      index += 1;
      continue;
    }
    const written = text.slice(start, index);
    const digits = isDigit(code);
    words.push({ start, end: index, text: written, plain: digits ? written : plain(written), digits });
  }
  return words;
}

/** In lower case, without accents, with the typewriter's apostrophe. */
export function plain(text: string): string {
  const lower = text.toLowerCase();
  for (let index = 0; index < lower.length; index += 1) {
    if (lower.charCodeAt(index) > 127) return withoutAccents(lower);
  }
  return lower;
}

function withoutAccents(lower: string): string {
  return lower
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll('’', "'")
    .replaceAll('ß', 'ss')
    .replaceAll('ł', 'l')
    .replaceAll('ø', 'o')
    .replaceAll('đ', 'd')
    .replaceAll('ı', 'i');
}

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Letters of any script, and combining marks; what else lies above Latin-1's signs is rare enough to pass as one. */
export function isLetter(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba;
  if (code === 0xd7 || code === 0xf7) return false;
  // Punctuation, symbols, and the marks of East Asian texts.
  return !(code >= 0x2000 && code < 0x2c00) && !(code >= 0x3000 && code < 0x3040) && code < 0xfe00;
}

/** Whether the word begins with a capital letter. */
export function isCapitalised({ text }: Word): boolean {
  const first = text.charAt(0);
  return first !== first.toLowerCase();
}

function isInnerApostrophe(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return (code === APOSTROPHE || code === TYPOGRAPHIC_APOSTROPHE) && isLetter(text.charCodeAt(index + 1));
}
