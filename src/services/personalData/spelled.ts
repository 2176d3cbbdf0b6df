/** Names that are spelt out: "belanus b e l a n u s", "it is spelled k a l e a". */
import type { Finding } from './kinds.ts';
import type { Word } from './words.ts';

const FEWEST_LETTERS = 3;
const SPELLS = /^(?:spelled|spelt|spelling)$/;

export function spelledNames(text: string, words: Word[]): Finding[] {
  const found: Finding[] = [];
  let index = 0;
  while (index < words.length) {
    const count = lettersFrom(text, words, index);
    const name = count < FEWEST_LETTERS ? null : nameOf(words, index, count);
    if (name) found.push(name);
    index += Math.max(1, count);
  }
  return found;
}

/** How many single letters follow each other. */
function lettersFrom(text: string, words: Word[], first: number): number {
  let index = first;
  while (words[index]?.text.length === 1 && !words[index]?.digits) {
    const [here, next] = [words[index], words[index + 1]];
    index += 1;
    if (!here || !next || !/^[\s,.-]{1,2}$/.test(text.slice(here.end, next.start))) break;
  }
  return index - first;
}

/** With the word before that the letters spell, if they do. */
function nameOf(words: Word[], first: number, count: number): Finding | null {
  const letters = words.slice(first, first + count);
  const [previous, last] = [words[first - 1], letters.at(-1)];
  if (!previous || !last) return null;
  const said = letters.map(({ plain }) => plain).join('');
  const spelt = previous.plain === said;
  if (
    !spelt &&
    !SPELLS.test(previous.plain) &&
    !(previous.plain === 'is' && SPELLS.test(words[first - 2]?.plain ?? ''))
  )
    return null;
  const start = (spelt ? previous : letters[0])?.start ?? last.start;
  return { kind: 'NAME', start, end: last.end, rule: 'name.spelled' };
}
