/** Whether a word is one of English, so that one that is none may be a name where transcripts have no capital letters. */
import { WORDS } from './wordList.ts';

/** What words end with beside their own form; the list holds those forms alone. */
export const ENDINGS = ['s', 'ed', 'ing', 'ly'];

/** What people say that stands in no list of words. */
const SAID =
  'gonna gotta wanna kinda sorta dunno lemme gimme ain mhm hmm umm uhm uhh ahh ohh erm huh yay nah nope thx lol hiya apps wifi';

let words: Set<string> | null = null;

export function isEnglish(word: string): boolean {
  words ??= new Set(`${WORDS} ${SAID}`.split(' '));
  const known = words;
  return (
    known.has(word) ||
    ENDINGS.some((ending) => word.endsWith(ending) && known.has(word.slice(0, -ending.length)))
  );
}
