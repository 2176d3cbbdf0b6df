/**
 * What a conversation tells of a text beyond its own words: an answer is known by the question before it ("What is your
 * name?" "Kalea Belanus."), and a name that was given once is known wherever it comes again.
 */
import { findPersonalData } from './find.ts';
import type { Finding, PersonalDataKind } from './kinds.ts';
import { isDistinctive } from './names.ts';
import { withoutPlaceholders } from './placeholders.ts';
import { isJson, searchStored, type StoredFinding } from './storedText.ts';
import { plain, wordsOf, type Word } from './words.ts';

export type Search = (text: string) => StoredFinding[];

/** Questions, and the words after which the rules expect an answer to them. */
const QUESTIONS: readonly { kind: PersonalDataKind; asks: RegExp; label: string }[] = [
  {
    kind: 'NAME',
    asks: /\b(?:your|the|full|first|last|their|his|her|what|which|family) name\b(?! of)|\bsurname\b|\bwho(?:'s| is| am i) (?:calling|speaking|this)\b|\bwhom? am i (?:speaking|talking) (?:to|with)\b/i,
    label: 'my name is ',
  },
  {
    kind: 'BIRTH_DATE',
    asks: /\bdate of birth\b|\bbirth ?(?:day|date)\b|\bwere you born\b|\bd\.?o\.?b\b/i,
    label: 'date of birth ',
  },
  {
    kind: 'PHONE',
    asks: /\b(?:phone|mobile|cell|contact|call ?back|telephone)\b.{0,24}\bnumber\b|\bnumber\b.{0,24}\b(?:reach|call|text)\b/i,
    label: 'my phone number is ',
  },
  { kind: 'ADDRESS', asks: /\b(?:zip|post(?:al)?) ?code\b/i, label: 'zip code is ' },
  {
    kind: 'NATIONAL_ID',
    asks: /\bsocial security\b|\bnational insurance\b/i,
    label: 'social security national insurance ',
  },
];
/** What a question for one of them holds: most texts hold none of it, and need no closer look. */
const MAY_ASK = /name|who|birth|born|d\.?o\.?b|number|code|security|insurance/i;
/** Where the question stands: in the last words before the answer. */
const QUESTION_LENGTH = 120;
/** An answer says little more than what was asked for. */
const LONGEST_ANSWER = 120;
const OPENINGS =
  /^(?:(?:sure|yes|yeah|yep|ok|okay|alright|certainly|of course|absolutely|hi|hello|thanks|thank you|um+|uh+|well|so|oh|it's|it is|that's|that is|that would be|it would be|i'm|i am)\b[\s,.!]*)+/i;

/** The findings in each text of one conversation, in its order. */
export function searchConversation(texts: readonly string[], search: Search): StoredFinding[][] {
  const found = texts.map((text, index) => withAnswer(text, texts[index - 1] ?? '', search(text)));
  const met = new Set(texts.flatMap((text, index) => distinctiveWords(text, found[index] ?? [])));
  if (met.size === 0) return found;
  const words = [...met];
  return texts.map((text, index) => {
    const known = found[index] ?? [];
    const lower = plain(text);
    if (!words.some((word) => lower.includes(word))) return known;
    return merged(
      known,
      searchStored(text, (one) => metAgain(one, met)),
    );
  });
}

function withAnswer(text: string, before: string, found: StoredFinding[]): StoredFinding[] {
  if (text.length > LONGEST_ANSWER || before === '' || isJson(text)) return found;
  const asked = before.slice(-QUESTION_LENGTH);
  if (!MAY_ASK.test(asked) || !/[?]|\b(?:please|may i|can i|could|what|tell me|who)\b/i.test(asked))
    return found;
  const skipped = OPENINGS.exec(text)?.[0].length ?? 0;
  return QUESTIONS.filter(({ asks }) => asks.test(asked)).reduce((all, { kind, label }) => {
    const shift = skipped - label.length;
    const answer = label + text.slice(skipped);
    const answers = withoutPlaceholders(answer, findPersonalData(answer))
      .filter((finding) => finding.kind === kind && finding.start >= label.length)
      .map((finding) => ({
        ...finding,
        start: finding.start + shift,
        end: finding.end + shift,
        bare: false,
      }));
    return merged(all, answers);
  }, found);
}

/** The words of the names found that hardly are anything but a name. */
function distinctiveWords(text: string, findings: readonly StoredFinding[]): string[] {
  return findings
    .filter(({ kind }) => kind === 'NAME')
    .flatMap(({ start, end }) => wordsOf(text.slice(start, end)).map(withoutGenitive))
    .filter(isDistinctive);
}

function metAgain(text: string, met: ReadonlySet<string>): Finding[] {
  return wordsOf(text).flatMap((word): Finding[] => {
    const base = withoutGenitive(word);
    if (!met.has(base)) return [];
    const end = word.end - (word.plain.length - base.length);
    return [{ kind: 'NAME', start: word.start, end, rule: 'name.again' }];
  });
}

function withoutGenitive(word: Word): string {
  return word.plain.endsWith("'s") ? word.plain.slice(0, -2) : word.plain;
}

/** Those of `more` that lie over none of `found` are added. */
function merged(found: StoredFinding[], more: readonly StoredFinding[]): StoredFinding[] {
  const added = more.filter(({ start, end }) => !found.some((one) => one.start < end && start < one.end));
  return added.length === 0 ? found : [...found, ...added].toSorted((a, b) => a.start - b.start);
}
