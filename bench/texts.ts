/** Texts to measure with, made from a seed. */
import { seededRandom, type SeededRandom } from './random.ts';

const OPENERS = [
  'Hi, this is',
  'Good morning,',
  'Hello,',
  'Thanks for calling,',
  "I'm sorry to hear that,",
  'Um,',
  'Okay,',
];
const SUBJECTS = [
  'my order',
  'the invoice',
  'your appointment',
  'the router',
  'our delivery',
  'that refund',
  'the contract',
];
const VERBS = [
  "hasn't arrived",
  'was cancelled',
  'needs a new date',
  "won't connect",
  'should be there by',
  'costs',
  'was paid on',
];
const DETAILS = [
  'Tuesday at half past three',
  '€49.90',
  'number 4471-209',
  'the 14th of March',
  'about 20 minutes',
  'Straße 12, München',
  'last week',
];
const CLOSERS = [
  'could you check that for me?',
  "I'll look into it right away.",
  'is that alright?',
  "that's all, thank you!",
  'let me put you through.',
];

/** What callers and agents say, about `characters` characters in all, one line a text. */
export function conversations(seed: number, characters: number): string[] {
  const { pick, below } = seededRandom(seed);
  return upTo(characters, () => {
    const sentences = Array.from({ length: 1 + below(4) }, () =>
      [
        pick(OPENERS),
        name(pick, below),
        pick(SUBJECTS),
        pick(VERBS),
        pick(DETAILS) + ',',
        pick(CLOSERS),
      ].join(' '),
    );
    return sentences.join(' ');
  });
}

/** Words that hardly ever come twice, about `characters` characters in all, a hundred a text. */
export function randomWords(seed: number, characters: number): string[] {
  const { below } = seededRandom(seed);
  return upTo(characters, () => Array.from({ length: 100 }, () => word(below, 3 + below(9))).join(' '));
}

/** Letters without a break. */
export function unbrokenPiece(seed: number, characters: number): string {
  return word(seededRandom(seed).below, characters);
}

function upTo(characters: number, next: () => string): string[] {
  const texts: string[] = [];
  for (let length = 0; length < characters; length += texts.at(-1)?.length ?? 0) texts.push(next());
  return texts;
}

function name(pick: SeededRandom['pick'], below: SeededRandom['below']): string {
  const syllables = ['an', 'be', 'ka', 'lo', 'mi', 'ri', 'sen', 'ta', 'vi', 'zo'];
  const letters = Array.from({ length: 2 + below(2) }, () => pick(syllables)).join('');
  return letters.charAt(0).toUpperCase() + letters.slice(1);
}

function word(below: SeededRandom['below'], length: number): string {
  const letters = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) letters[at] = 97 + below(26);
  return Buffer.from(letters).toString('latin1');
}
