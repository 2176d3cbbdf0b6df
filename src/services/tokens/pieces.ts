/**
 * Where o200k_base cuts a text into pieces, before any of them becomes tokens. It does what OpenAI's pattern does,
 *
 *     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+('s|'t|'re|'ve|'m|'ll|'d)?
 *     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*('s|'t|'re|'ve|'m|'ll|'d)?
 *     \p{N}{1,3}
 *      ?[^\s\p{L}\p{N}]+[\r\n/]*
 *     \s*[\r\n]+
 *     \s+(?!\S)
 *     \s+
 *
 * without a regular expression, which would backtrack, over UTF-8: every character is looked at a bounded number of
 * times. Contractions are told in any case, `\s` is Unicode's White_Space as in Rust, where the pattern is at
 * home, and categories are those of the Unicode version that Node brings.
 */

// What a character can be part of; a letter without case and a combining mark are of both cases.
const UPPER = 1;
const LOWER = 2;
const NUMBER = 4;
const SPACE = 8;
const LINE_END = 16;
/** Neither space nor letter nor number; a combining mark is among them. */
const OTHER = 32;
/** May stand before a word as a part of it. */
const PREFIX = 64;

const CASED = UPPER | LOWER;
const MARK = UPPER | OTHER;

const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const BLANK = 0x20;

/** By code point; 0 where nobody has asked yet. Telling all at once would take longer than most texts need. */
const known = new Uint8Array(0x110000);

function flagsOf(codePoint: number): number {
  return known[codePoint] || (known[codePoint] = findFlags(String.fromCodePoint(codePoint)));
}

function findFlags(character: string): number {
  if (/[\r\n]/.test(character)) return SPACE | LINE_END;
  if (/\p{White_Space}/u.test(character)) return SPACE | PREFIX;
  if (/[\p{Lu}\p{Lt}]/u.test(character)) return UPPER;
  if (/\p{Ll}/u.test(character)) return LOWER;
  if (/\p{L}/u.test(character)) return CASED;
  if (/\p{M}/u.test(character)) return CASED | OTHER | PREFIX;
  if (/\p{N}/u.test(character)) return NUMBER;
  return OTHER | PREFIX;
}

for (let codePoint = 0; codePoint < 0x80; codePoint += 1) flagsOf(codePoint);

/** What the character that begins at `at` can be part of; 0 at the end of the text. */
function flagsAt(utf8: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const first = utf8[at]!;
  return first < 0x80 ? known[first]! : flagsOf(codePointAt(utf8, at, first));
}

function codePointAt(utf8: Uint8Array, at: number, first: number): number {
  const second = utf8[at + 1]! & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = utf8[at + 2]! & 0x3f;
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (utf8[at + 3]! & 0x3f);
}

function widthOf(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Where the characters end, from `at` on, that are any of `wanted`. */
function runEnd(utf8: Uint8Array, at: number, end: number, wanted: number): number {
  let next = at;
  while (next < end) {
    const first = utf8[next]!;
    if (first < 0x80) {
      if ((known[first]! & wanted) === 0) break;
      next += 1;
    } else {
      if ((flagsOf(codePointAt(utf8, next, first)) & wanted) === 0) break;
      next += widthOf(first);
    }
  }
  return next;
}

/** Where the piece ends that begins at `at`, which lies before `end`, the end of the text. */
export function pieceEnd(utf8: Uint8Array, at: number, end: number): number {
  const flags = flagsAt(utf8, at, end);
  const next = at + widthOf(utf8[at]!);
  if ((flags & CASED) !== 0 && (flags & OTHER) === 0) return wordEnd(utf8, at, end, true);
  if ((flags & PREFIX) !== 0) {
    const word = wordEnd(utf8, next, end, (flags & MARK) !== MARK);
    if (word > next) return word;
    // What follows a combining mark is no word of its own kind: then the mark is one by itself.
    if ((flags & MARK) === MARK) return withContraction(utf8, next, end);
  }
  if ((flags & NUMBER) !== 0) return numberEnd(utf8, next, end);
  const signs = utf8[at] === BLANK ? next : at;
  const signsEnd = runEnd(utf8, signs, end, OTHER);
  if (signsEnd > signs) return lineEndsAndSlashes(utf8, signsEnd, end);
  return spaceEnd(utf8, at, end);
}

/**
 * Where the word ends that begins at `at`; `at` itself when there is none. The first alternative of the pattern wants
 * something of the lower case at the end and gives back upper case letters for it; the second takes those alone, unless
 * `mayBeUpper` is false: then the first has another way to match, without what stands before.
 */
function wordEnd(utf8: Uint8Array, at: number, end: number, mayBeUpper: boolean): number {
  let next = at;
  let lastOfBoth = -1;
  let flags = 0;
  while (next < end) {
    const first = utf8[next]!;
    flags = first < 0x80 ? known[first]! : flagsOf(codePointAt(utf8, next, first));
    if ((flags & UPPER) === 0) break;
    next += widthOf(first);
    if ((flags & LOWER) !== 0) lastOfBoth = next;
  }
  if (next < end && (flags & LOWER) !== 0 && (flags & UPPER) === 0) {
    return withContraction(utf8, runEnd(utf8, next, end, LOWER), end);
  }
  if (lastOfBoth !== -1) return withContraction(utf8, lastOfBoth, end);
  return next > at && mayBeUpper ? withContraction(utf8, next, end) : at;
}

/** Where a word that ends at `at` ends together with its `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`. */
function withContraction(utf8: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end || utf8[at] !== APOSTROPHE) return at;
  const first = utf8[at + 1]! | 0x20;
  // Of bytes, 0x20 makes letters small and nothing else a letter but for the signs between the cases, which these are not.
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return at + 2; // s t m d
  if (at + 2 >= end) return at;
  const second = utf8[at + 2]! | 0x20;
  if (utf8[at + 1] === 0xc5 && utf8[at + 2] === 0xbf) return at + 3; // ſ is an s, too, where case does not count.
  const two = (second === 0x65 && (first === 0x72 || first === 0x76)) || (first === 0x6c && second === 0x6c);
  return two ? at + 3 : at; // re ve ll
}

/** Up to three numbers in all; one ends at `at`. */
function numberEnd(utf8: Uint8Array, at: number, end: number): number {
  let next = at;
  for (let more = 0; more < 2 && (flagsAt(utf8, next, end) & NUMBER) !== 0; more += 1) {
    next += widthOf(utf8[next]!);
  }
  return next;
}

function lineEndsAndSlashes(utf8: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && (utf8[next] === SLASH || (known[utf8[next]!]! & LINE_END) !== 0)) next += 1;
  return next;
}

/**
 * White space goes up to its last line end, if it has one; else all of it but the last character, which belongs to what
 * comes next, unless nothing does.
 */
function spaceEnd(utf8: Uint8Array, at: number, end: number): number {
  let next = at;
  let last = at;
  let lineEnd = -1;
  while (next < end) {
    const flags = flagsAt(utf8, next, end);
    if ((flags & SPACE) === 0) break;
    last = next;
    next += widthOf(utf8[next]!);
    if ((flags & LINE_END) !== 0) lineEnd = next;
  }
  if (lineEnd !== -1) return lineEnd;
  return next === end || last === at ? next : last;
}
