/**
 * Names of people: by what is said around them ("my name is …", "Mr …"), and by lists of names. Transcripts often have
 * no capital letters; then only lists and the surroundings help.
 */
import type { Finding } from './kinds.ts';
import { GIVEN_NAMES, SURNAMES } from './nameList.ts';
import { AMBIGUOUS_NAMES, NO_NAME, PARTICLES, PLACE_BEGINS, PLACE_ENDS } from './ordinaryWords.ts';
import { isEnglish } from './ordinaryEnglish.ts';
import { introductionBefore, isFollowedBySpeaking, type Introduction } from './introductions.ts';
import { isCapitalised, plain, type Word } from './words.ts';

const given = new Set(GIVEN_NAMES.split(' '));
const surnames = new Set(SURNAMES.split(' '));
/** A name has at most so many words. */
const LONGEST = 5;

export function names(text: string, words: Word[]): Finding[] {
  const found: Finding[] = [];
  const reader = readerOf(text, words);
  let index = 0;
  while (index < words.length) {
    const name = reader.nameAt(index);
    if (name === null) {
      index += 1;
      continue;
    }
    const [first, last] = [words[name.first], words[name.last]];
    if (first && last && !isPlace(name, words))
      found.push({ kind: 'NAME', start: first.start, end: nameEnd(last), rule: name.rule });
    index = name.last + 1;
  }
  return found;
}

/** "Santa Rosa", "John Wayne Airport", "Olive Garden Italian Restaurant": called after people, and none. */
function isPlace({ first, last, rule }: Name, words: Word[]): boolean {
  if (rule === 'name.stated' || rule === 'name.title') return false;
  const [previous, next] = [words[first - 1], words[last + 1]];
  // Without capital letters the parts of a place were not joined: "san", "jose".
  const capital = isCapitalised(words[first] ?? NOTHING);
  return (
    PLACE_BEGINS.has(words[first]?.plain ?? '') ||
    PLACE_ENDS.has(words[last]?.plain ?? '') ||
    (previous !== undefined && !capital && PLACE_BEGINS.has(previous.plain)) ||
    (next !== undefined && isCapitalised(next) === capital && PLACE_ENDS.has(next.plain))
  );
}

interface Name {
  first: number;
  last: number;
  rule: string;
}

function readerOf(text: string, words: Word[]) {
  /** Whether the speech-to-text wrote capitals at all: else their absence says nothing. */
  const cased = words.some(
    (word, index) => index > 0 && isCapitalised(word) && word.plain !== 'i' && !word.plain.startsWith("i'"),
  );

  function nameAt(index: number): Name | null {
    const word = words[index];
    if (!word || word.digits || word.text.length < 2) return null;
    const base = baseOf(word);
    const capital = isCapitalised(word);
    if (cased && !capital && !isListed(base) && !PARTICLES.has(base)) return null;
    const introduction = introductionBefore(text, words, index);
    if (NO_NAME.has(base) && !isNameAfterAll(word, introduction)) return null;
    const known = given.has(base);
    const ambiguous = AMBIGUOUS_NAMES.has(base);
    if (introduction !== null && fits(index, introduction))
      return extended(index, index, `name.${introduction}`, introduction);
    if (known && !ambiguous && (isCapitalised(word) || base.length > 3) && !isMidWord(index)) {
      return cased && !isCapitalised(word) ? null : extended(leftOf(index), index, 'name.given', null);
    }
    if (ambiguous && known && isCapitalised(word) && !startsSentence(index) && isSurname(index + 1)) {
      return extended(index, index, 'name.full', null);
    }
    if (surnames.has(base) && !ambiguous && isCapitalised(word) && isGiven(index + 1))
      return extended(index, index, 'name.full', null);
    if (
      isFollowedBySpeaking(text, words, index) &&
      (isCapitalised(word) ? known || surnames.has(base) : known && !ambiguous)
    ) {
      return extended(index, index, 'name.speaking', null);
    }
    return null;
  }

  /** Whether the word can be the name that the introduction announces. */
  function fits(index: number, introduction: Introduction): boolean {
    const word = words[index];
    if (!word) return false;
    const base = baseOf(word);
    const listed = given.has(base) || surnames.has(base);
    const capital = isCapitalised(word);
    // "my name is misspelled"
    const english = introduction === 'stated' && !cased && !listed && isEnglish(base);
    if (introduction === 'stated' || introduction === 'title')
      return capital || (!cased && !english) || (listed && !AMBIGUOUS_NAMES.has(base)) || PARTICLES.has(base);
    if (introduction === 'hinted')
      return capital && !AMBIGUOUS_NAMES.has(base) && surnames.has(base) && isListedNext(index + 1);
    if (cased) return capital && (listed || (!AMBIGUOUS_NAMES.has(base) && isSurname(index + 1)));
    return !AMBIGUOUS_NAMES.has(base) && (listed || (introduction === 'announced' && isUnknown(index)));
  }

  function extended(first: number, from: number, rule: string, introduction: Introduction | null): Name {
    let last = from;
    while (
      last - first + 1 < LONGEST &&
      last + 1 < words.length &&
      joins(last) &&
      goesOn(last + 1, introduction)
    )
      last += 1;
    while (
      last > from &&
      PARTICLES.has(words[last]?.plain ?? '') &&
      !(isCapitalised(words[last] ?? NOTHING) && cased)
    )
      last -= 1;
    return { first, last, rule };
  }

  /** Whether the word goes on with the name before it. */
  function goesOn(index: number, introduction: Introduction | null): boolean {
    const word = words[index];
    if (!word || word.digits) return false;
    const base = baseOf(word);
    if (PARTICLES.has(base) && joins(index)) {
      const next = words[index + 1];
      const hyphen = text.charAt(word.end) === '-';
      if (
        next &&
        !next.digits &&
        !NO_NAME.has(next.plain) &&
        (hyphen || isCapitalised(next) || (!cased && isListed(next.plain)))
      )
        return true;
    }
    const hyphened = text.charAt(word.start - 1) === '-';
    if (hyphened) return true;
    if (NO_NAME.has(base) || word.plain.includes("'s"))
      return isCapitalised(word) && word.plain.endsWith("'s") && isListed(base);
    if (cased) return isCapitalised(word) && (word.text.length > 1 || text.charAt(word.end) === '.');
    if (isListed(base)) return word.text.length > 1 && !(AMBIGUOUS_NAMES.has(base) && !surnames.has(base));
    return (
      isUnknown(index) ||
      (introduction === 'stated' &&
        index > 0 &&
        word.text.length > 3 &&
        !AMBIGUOUS_NAMES.has(base) &&
        isLastOfPhrase(index))
    );
  }

  /** Without capital letters: a word that is in no list, of names or of English, and so may be a rarer name. */
  function isUnknown(index: number): boolean {
    const word = words[index];
    if (!word || cased || word.digits || word.text.length < 3 || isMidWord(index)) return false;
    const base = baseOf(word);
    return (
      !base.includes("'") &&
      !isListed(base) &&
      !AMBIGUOUS_NAMES.has(base) &&
      !NO_NAME.has(base) &&
      !isEnglish(base)
    );
  }

  /** "my name is jabari whitlock": an unknown word is taken when nothing but a function word or the end follows. */
  function isLastOfPhrase(index: number): boolean {
    const next = words[index + 1];
    return !next || !joins(index) || NO_NAME.has(next.plain);
  }

  /** Surnames that stand first, as in "Nguyen Thi Lan". */
  function leftOf(index: number): number {
    let first = index;
    while (first > 0 && index - first < 2 && joins(first - 1)) {
      const previous = words[first - 1];
      if (!previous || !isCapitalised(previous) || NO_NAME.has(previous.plain) || !isListed(previous.plain))
        break;
      if (AMBIGUOUS_NAMES.has(previous.plain) && startsSentence(first - 1)) break;
      first -= 1;
    }
    return first;
  }

  /** Whether only a space, a hyphen, or the full stop of an initial lies between the word and the next. */
  function joins(index: number): boolean {
    const [word, next] = [words[index], words[index + 1]];
    if (!word || !next) return false;
    const gap = text.slice(word.end, next.start);
    return gap === ' ' || gap === '-' || (gap === '. ' && word.text.length === 1);
  }

  function isSurname(index: number): boolean {
    const word = words[index];
    return (
      word !== undefined &&
      joins(index - 1) &&
      isCapitalised(word) &&
      surnames.has(baseOf(word)) &&
      !NO_NAME.has(word.plain)
    );
  }

  function isGiven(index: number): boolean {
    const word = words[index];
    return (
      word !== undefined &&
      joins(index - 1) &&
      isCapitalised(word) &&
      given.has(baseOf(word)) &&
      !AMBIGUOUS_NAMES.has(word.plain)
    );
  }

  function isListedNext(index: number): boolean {
    const word = words[index];
    return (
      word !== undefined &&
      joins(index - 1) &&
      isCapitalised(word) &&
      isListed(baseOf(word)) &&
      !NO_NAME.has(word.plain)
    );
  }

  function startsSentence(index: number): boolean {
    const [word, previous] = [words[index], words[index - 1]];
    return !word || !previous || /[.!?:\n]/.test(text.slice(previous.end, word.start));
  }

  /** Whether the word is a piece of something longer: `anna_2`, `@anna`, `anna.example`, `/anna`. */
  function isMidWord(index: number): boolean {
    const word = words[index];
    if (!word) return true;
    return (
      '@_/#.=&'.includes(text.charAt(word.start - 1) || ' ') ||
      /^(?:[_@/=]|\.\w|\d)/.test(text.slice(word.end, word.end + 2))
    );
  }

  return { nameAt };
}

/** Function words that are names too, where a name must follow: "my name is will", "Ms May". */
function isNameAfterAll(word: Word, introduction: Introduction | null): boolean {
  if (introduction === 'title') return isCapitalised(word);
  return introduction === 'stated' && /^(?:will|may|bill|april|june|august)$/.test(word.plain);
}

const NOTHING: Word = { start: 0, end: 0, text: '', plain: '', digits: false };

/** Whether the word, in lower case and without accents, hardly is anything but a name. */
export function isDistinctive(word: string): boolean {
  return (
    word.length > 2 &&
    !AMBIGUOUS_NAMES.has(word) &&
    !NO_NAME.has(word) &&
    !PARTICLES.has(word) &&
    (given.has(word) || !isEnglish(word))
  );
}

export function isListed(base: string): boolean {
  return given.has(base) || surnames.has(base);
}

/** Without the genitive: "Noah's bike". "O'Connor" is looked up as "oconnor". */
function baseOf(word: Word): string {
  const base = word.plain.endsWith("'s") ? word.plain.slice(0, -2) : word.plain;
  return base.includes("'") && !NO_NAME.has(base) ? plain(base).replaceAll("'", '') : base;
}

/** The genitive's "'s" is not of the name. */
function nameEnd(word: Word): number {
  return /['’]s$/i.test(word.text) ? word.end - 2 : word.end;
}
