import { before } from './context.ts';
import { isListed } from './names.ts';
import { isDigit, isLetter, type Word } from './words.ts';
import type { Finding } from './kinds.ts';
import { isNumberWord } from './spoken.ts';

const LOCAL_LIMIT = 64;
const DOMAIN_LIMIT = 255;
const LOCAL_SIGNS = new Set(".!#$%&'*+/=?^_`{|}~-");
const AT = /\(at\)|\[at\]|@/gi;

/** `maria.lopez+news@example.co.uk`, in any alphabet, also with ` (at) `. */
export function writtenEmails(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { 0: sign, index } of text.matchAll(AT)) {
    const spaced = sign !== '@';
    const end = domainEnd(text, skipSpace(text, index + sign.length, spaced ? 1 : 0));
    const start = localStart(text, spaced && text.charAt(index - 1) === ' ' ? index - 1 : index);
    const base = spaced && text.charAt(index - 1) === ' ' ? index - 1 : index;
    if (start < base && end !== null) found.push({ kind: 'EMAIL', start, end, rule: 'email.written' });
  }
  return found;
}

function skipSpace(text: string, index: number, most: number): number {
  return most > 0 && text.charAt(index) === ' ' ? index + 1 : index;
}

function localStart(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < LOCAL_LIMIT && isLocal(text, start - 1)) start -= 1;
  while (start < end && !isAlphanumeric(text, start)) start += 1;
  return start;
}

/** Where the domain that begins at `start` ends; null when it has no dot with letters after it. */
function domainEnd(text: string, start: number): number | null {
  let end = start;
  while (end - start < DOMAIN_LIMIT && (isAlphanumeric(text, end) || '.-'.includes(text.charAt(end) || ' ')))
    end += 1;
  while (end > start && !isAlphanumeric(text, end - 1)) end -= 1;
  const dot = text.lastIndexOf('.', end - 1);
  if (dot <= start || end - dot < 3) return null;
  for (let index = dot + 1; index < end; index += 1) if (!isLetter(text.charCodeAt(index))) return null;
  return end;
}

function isLocal(text: string, index: number): boolean {
  return isAlphanumeric(text, index) || LOCAL_SIGNS.has(text.charAt(index));
}

function isAlphanumeric(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return isDigit(code) || isLetter(code);
}

const DOT = new Set(['dot', 'period', 'punto', 'punkt']);
const JOINTS = new Set([...DOT, 'underscore', 'dash', 'hyphen', 'minus', 'plus']);
const TOP_LEVEL = new Set(
  'com org net edu gov io co uk de fr es it nl be ch at pl pt ie eu us ca au nz in za ng br mx info me biz app dev ai tv cn jp ru se no dk fi cz'.split(
    ' ',
  ),
);
/** Before "at example dot com" these are no one's mailbox. */
const NO_MAILBOX = new Set(
  'look looked looking see saw is was it its us me here there visit site website page online shop store read bought ordered sold found find go went meet meeting are be live stay start mail email address'.split(
    ' ',
  ),
);
/** Nor are these anyone's domain: "at the time dot dot dot". */
const NO_DOMAIN = new Set([
  'the',
  'this',
  'that',
  'a',
  'an',
  'my',
  'your',
  'our',
  'some',
  'any',
  'all',
  'what',
  'which',
]);
const SPOKEN_PARTS = 24;

/** `john dot smith at example dot com`, also spelt out letter by letter. */
export function spokenEmails(text: string, words: Word[]): Finding[] {
  const found: Finding[] = [];
  for (const [index, word] of words.entries()) {
    if (word.plain !== 'at') continue;
    const domain = words[index + 1]?.plain === 'sign' ? index + 2 : index + 1;
    const last = spokenDomainEnd(text, words, domain);
    const first = last === null ? null : spokenLocalStart(text, words, index);
    const [from, to] = [words[first ?? -1], words[last ?? -1]];
    if (from && to) found.push({ kind: 'EMAIL', start: from.start, end: to.end, rule: 'email.spoken' });
  }
  return found;
}

function spokenDomainEnd(text: string, words: Word[], first: number): number | null {
  if (NO_DOMAIN.has(words[first]?.plain ?? '')) return null;
  let index = first;
  let end: number | null = null;
  // "g mail dot com" and "hot mail dot com" are two words for one.
  if (words[first + 1]?.plain === 'mail' && adjoin(text, words, first)) index += 1;
  // As are "harbour view dot com", where an e-mail is spoken of.
  else if (
    DOT.has(words[first + 2]?.plain ?? '') &&
    !JOINTS.has(words[first + 1]?.plain ?? '') &&
    adjoin(text, words, first) &&
    /e-?mail/.test(before(text, words[first]?.start ?? 0))
  )
    index += 1;
  for (let parts = 0; parts < SPOKEN_PARTS; parts += 1) {
    const [joint, next] = [words[index + 1], words[index + 2]];
    if (!words[index] || !joint || !next || !adjoin(text, words, index) || !adjoin(text, words, index + 1))
      break;
    if (!JOINTS.has(joint.plain) || JOINTS.has(next.plain)) break;
    index += 2;
    if (DOT.has(joint.plain) && TOP_LEVEL.has(next.plain)) end = index;
  }
  return end;
}

function spokenLocalStart(text: string, words: Word[], at: number): number | null {
  let first = at - 1;
  const last = words[first];
  if (!last || NO_MAILBOX.has(last.plain) || JOINTS.has(last.plain) || !adjoin(text, words, first))
    return null;
  for (let parts = 0; parts < SPOKEN_PARTS && first > 0; parts += 1) {
    const [here, previous] = [words[first], words[first - 1]];
    if (!here || !previous || !adjoin(text, words, first - 1)) break;
    if (JOINTS.has(previous.plain)) {
      const base = words[first - 2];
      if (!base || JOINTS.has(base.plain) || !adjoin(text, words, first - 2)) break;
      first -= 2;
      // "mary jane dot watson": two names said as one word.
      if (isListed(base.plain) && isListed(words[first - 1]?.plain ?? '') && adjoin(text, words, first - 1))
        first -= 1;
    } else if (isPiece(here) && (isPiece(previous) || isMailboxWord(previous))) first -= 1;
    else break;
  }
  return first;
}

/** A letter, or a number: said one after the other they make one word. */
function isPiece(word: Word): boolean {
  return word.digits || word.text.length === 1 || isNumberWord(word.plain);
}

function isMailboxWord({ plain }: Word): boolean {
  return (
    plain.length > 2 &&
    !NO_MAILBOX.has(plain) &&
    !/^(?:the|and|that|that's|it's|i'm|email's|for|you|your|my|to|on)$/.test(plain)
  );
}

/** Whether nothing but a space lies between the word and the next. */
function adjoin(text: string, words: Word[], index: number): boolean {
  const [word, next] = [words[index], words[index + 1]];
  return (
    word !== undefined &&
    next !== undefined &&
    next.start - word.end <= 2 &&
    !/[^\s,]/.test(text.slice(word.end, next.start))
  );
}
