/** Numbers as they are said: "five five five, oh one double four". */

const ONES: Readonly<Record<string, string>> = {
  zero: '0',
  oh: '0',
  o: '0',
  nought: '0',
  naught: '0',
  nil: '0',
  one: '1',
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
  niner: '9',
};
const TEENS: Readonly<Record<string, string>> = {
  ten: '10',
  eleven: '11',
  twelve: '12',
  thirteen: '13',
  fourteen: '14',
  fifteen: '15',
  sixteen: '16',
  seventeen: '17',
  eighteen: '18',
  nineteen: '19',
};
const TENS: Readonly<Record<string, string>> = {
  twenty: '2',
  thirty: '3',
  forty: '4',
  fourty: '4',
  fifty: '5',
  sixty: '6',
  seventy: '7',
  eighty: '8',
  ninety: '9',
};
const TIMES: Readonly<Record<string, number>> = { double: 2, triple: 3, treble: 3 };
const NOUGHTS: Readonly<Record<string, string>> = { hundred: '00', thousand: '000' };

const NUMBER_WORDS = new Set([ONES, TEENS, TENS, TIMES, NOUGHTS].flatMap((one) => Object.keys(one)));

export interface Spoken {
  digits: string;
  /** How many words said it. */
  words: number;
}

export function isNumberWord(word: string): boolean {
  return NUMBER_WORDS.has(word);
}

/** The digits that the words from the first on say, as one piece of a number; null when they say none. */
export function spokenDigits(
  first: string,
  second: string | undefined,
  third: string | undefined,
): Spoken | null {
  if (!NUMBER_WORDS.has(first)) return null;
  const times = Object.hasOwn(TIMES, first) ? TIMES[first] : undefined;
  if (times !== undefined) {
    const one = onesOf(second);
    if (one !== undefined) return { digits: one.repeat(times), words: 2 };
    return second !== undefined && /^\d$/.test(second) ? { digits: second.repeat(times), words: 2 } : null;
  }
  const one = onesOf(first);
  if (one !== undefined) {
    const noughts =
      one !== '0' && second !== undefined && Object.hasOwn(NOUGHTS, second) ? NOUGHTS[second] : undefined;
    return noughts === undefined ? { digits: one, words: 1 } : { digits: one + noughts, words: 2 };
  }
  if (Object.hasOwn(TEENS, first)) return { digits: TEENS[first] ?? '', words: 1 };
  if (!Object.hasOwn(TENS, first)) return null;
  const unit = onesOf(second);
  // "fifty oh one" is 50 and 1: only a unit belongs to the tens. "sixty five hundred" would be 65 and two noughts.
  const joined =
    unit !== undefined && unit !== '0' && !(third !== undefined && Object.hasOwn(NOUGHTS, third));
  return joined
    ? { digits: (TENS[first] ?? '') + unit, words: 2 }
    : { digits: `${TENS[first] ?? ''}0`, words: 1 };
}

function onesOf(word: string | undefined): string | undefined {
  return word !== undefined && Object.hasOwn(ONES, word) ? ONES[word] : undefined;
}
