/** What is said before a name. */
import type { Word } from './words.ts';

/**
 * `stated`: a name must follow ("my name is"), listed or not. `title`: likewise ("Mr"). `addressed`: a name often
 * follows ("it's", "thanks"), so only what looks like one is taken. `announced`: likewise, and hardly a thing or a make
 * ("my colleague", "this is"). `hinted`: a name may follow ("with", "to").
 */
export type Introduction = 'stated' | 'title' | 'announced' | 'addressed' | 'hinted';

const list = (phrases: string): string[] => phrases.split(/\s*\|\s*/).map((phrase) => phrase.trim());

const TITLES = new Set(
  list(
    'mr | mrs | ms | mister | dr | prof | professor | senor | senora | senorita | herr | frau | monsieur | madame | mme | signor | signora | sr | sra',
  ),
);

const PHRASES: Record<'stated' | 'announced' | 'addressed' | 'hinted', Set<string>> = {
  stated: new Set(
    list(
      `my name is | my name's | name's | full name is | name is | names is | my names | first name | first name is | last name | last name is | surname | surname is
      | family name | family name is | given name is | middle name is | maiden name is | in the name of | under the name | under the name of | i am called | i'm called
      | on behalf of | je m'appelle | mein name ist | ich heisse | me llamo | mi nombre es | mi chiamo | il mio nome e | mon nom est | meu nome e | ik heet | mijn naam is
      | a lady called | a man called | a guy called | a woman called | somebody called | someone called | a lady named | a man named | someone named | goes by | signed by
      | ask for | asked for | speaking with | speaking to | speak with | speak to | talking to | talk to | spoke with | spoke to | spoken to | spoken with | reservation is for | booking is for
      | account holder is | contact is | transfer me to | seller is | belongs to`,
    ),
  ),
  announced: new Set(
    list(
      `this is | i'm | i am | hi | hello | hey | dear | good morning | good afternoon | good evening | morning | call me | you're through to | you're talking to | nurse | sister | brother | husband
      | wife | son | daughter | mother | father | mom | mum | dad | boss | colleague | friend | neighbour | neighbor | partner | manager | engineer | therapist | stylist | lawyer | patient | patient's
      | appointment with | haircut with | booking for | reservation for | book it for | tickets are for | booking under | it's under | booked under | be under | is under | put it under | who is calling
      | who's calling | name please`,
    ),
  ),
  addressed: new Set(
    list(
      `it's | that's | thanks | thank you | through to | agent | doctor | miss | madam | technician | driver | customer | beneficiary | sorry | please | congratulations | bye | goodbye | cheers
      | regards | sincerely | called | named | attn | attention | account for | yes | sure | okay | ok | tell`,
    ),
  ),
  hinted: new Set(
    list(
      `with | for | by | from | under | and | or | to | told | ask | asked | no | welcome | have | spoke | today is | is | was | it is | that is | name | of | meet | per | cc | order for`,
    ),
  ),
};
/** What a question that a name answers ends with. */
const ASKED = new Set(
  list("is calling | who's calling | speaking with | speaking to | talking to | name please | your name"),
);
const LONGEST_PHRASE = 4;
const lastWord = (phrase: string): string => phrase.slice(phrase.lastIndexOf(' ') + 1);
/** What introductions end with: most words need no closer look. */
const LAST_WORDS = new Set([
  ...TITLES,
  ...[...ASKED].map(lastWord),
  ...Object.values(PHRASES).flatMap((phrases) => [...phrases].map(lastWord)),
]);
/** "my name, uh, is" and "my name is: Anna"; after a question its mark. */
const GAP = /^[\s,:–-]{1,3}$|^[.?] $/;

/** The introduction that ends right before the word, the surest where there are several. */
export function introductionBefore(text: string, words: Word[], index: number): Introduction | null {
  const previous = words[index - 1];
  const word = words[index];
  if (!previous || !word || !LAST_WORDS.has(previous.plain)) return null;
  const gap = text.slice(previous.end, word.start);
  if (!GAP.test(gap)) return null;
  if (TITLES.has(previous.plain)) return 'title';
  if (gap === '. ') return null; // Of abbreviated titles alone.
  let phrase = '';
  let introduction: Introduction | null = null;
  for (let length = 1; length <= LONGEST_PHRASE && index - length >= 0; length += 1) {
    const part = words[index - length];
    if (!part || part.digits) break;
    phrase = length === 1 ? part.plain : `${part.plain} ${phrase}`;
    if (gap === '? ') {
      if (ASKED.has(phrase)) return 'announced';
      if (length === 2) break;
      continue;
    }
    if (PHRASES.stated.has(phrase)) return 'stated';
    if (PHRASES.announced.has(phrase)) introduction = 'announced';
    else if (PHRASES.addressed.has(phrase)) introduction = 'addressed';
    else if (PHRASES.hinted.has(phrase)) introduction ??= 'hinted';
    const further = words[index - length - 1];
    if (!further || !/^,?\s$/.test(text.slice(further.end, part.start))) break;
  }
  return introduction;
}

/** "Chidi Okonkwo speaking", "Anna here". */
export function isFollowedBySpeaking(text: string, words: Word[], index: number): boolean {
  for (let ahead = 1; ahead <= 3; ahead += 1) {
    const [word, next] = [words[index + ahead - 1], words[index + ahead]];
    if (!word || !next || text.slice(word.end, next.start) !== ' ') return false;
    if (next.plain === 'speaking' || next.plain === 'here') return true;
  }
  return false;
}
