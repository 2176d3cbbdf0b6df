/** Puts placeholders in the place of findings: the same value, and the same person, has the same one in a conversation. */
import type { CountByKind, PersonalDataKind } from './kinds.ts';
import { numberRuns } from './numbers.ts';
import { peopleOf, type People } from './people.ts';
import { highestNumbers, placeholder } from './placeholders.ts';
import { searchConversation, type Search } from './dialogue.ts';
import { searchStored, type StoredFinding } from './storedText.ts';
import { wordsOf } from './words.ts';

/** Replacing a finding may bring another to light, what stood around it being gone; so it is searched again, so often. */
const MOST_PASSES = 4;

export interface Redacted {
  texts: string[];
  /** How often each kind was replaced. */
  replaced: CountByKind;
}

/** The texts of one conversation, in its order, with placeholders. The same texts give the same. */
export function redactTexts(
  texts: readonly string[],
  search: Search = (text) => searchStored(text),
): Redacted {
  const replaced: CountByKind = {};
  let now: string[] = [...texts];
  let numbers: Numbers | null = null;
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const findings = searchConversation(now, search);
    if (findings.every(({ length }) => length === 0)) break;
    numbers ??= createNumbers(texts);
    numbers.meet(now.flatMap((text, index) => namesIn(text, findings[index] ?? [])));
    const { of } = numbers;
    now = now.map((text, index) => replaceIn(text, findings[index] ?? [], of));
    for (const { kind } of findings.flat()) replaced[kind] = (replaced[kind] ?? 0) + 1;
  }
  return { texts: now, replaced };
}

function replaceIn(
  text: string,
  findings: StoredFinding[],
  of: (kind: PersonalDataKind, value: string) => number,
): string {
  let replaced = '';
  let from = 0;
  for (const { kind, start, end, bare } of findings) {
    const mark = placeholder(kind, of(kind, text.slice(start, end)));
    replaced += text.slice(from, start) + (bare ? `"${mark}"` : mark);
    from = end;
  }
  return replaced + text.slice(from);
}

function namesIn(text: string, findings: StoredFinding[]): string[] {
  return findings.filter(({ kind }) => kind === 'NAME').map(({ start, end }) => text.slice(start, end));
}

interface Numbers {
  meet(names: string[]): void;
  of: (kind: PersonalDataKind, value: string) => number;
}

/** Numbers values by kind in the order of their coming, after those that the texts have placeholders for already. */
function createNumbers(texts: readonly string[]): Numbers {
  const last = new Map<PersonalDataKind, number>();
  for (const text of texts) highestNumbers(text, last);
  const known = new Map<string, number>();
  const names: string[] = [];
  let people: People = peopleOf([]);
  return {
    meet(more) {
      names.push(...more);
      people = peopleOf(names);
    },
    of(kind, value) {
      const key = `${kind} ${kind === 'NAME' ? people.keyOf(value) : sameValue(kind, value)}`;
      const number = known.get(key) ?? (last.get(kind) ?? 0) + 1;
      if (!known.has(key)) {
        known.set(key, number);
        last.set(kind, number);
      }
      return number;
    },
  };
}

const BY_DIGITS: ReadonlySet<PersonalDataKind> = new Set(['PHONE', 'CARD']);
const SAID: Readonly<Record<string, string>> = {
  dot: '.',
  period: '.',
  underscore: '_',
  dash: '-',
  hyphen: '-',
  plus: '+',
  at: '@',
};

/** Equal for a value however it is written or said, as far as that is plain. */
function sameValue(kind: PersonalDataKind, value: string): string {
  const words = wordsOf(value);
  if (BY_DIGITS.has(kind)) {
    const digits = numberRuns(value, words)
      .digits.map((run) => run.digits)
      .join('');
    // "+1 212 555 0143" and "(212) 555-0143" are one number.
    if (digits !== '') return kind === 'PHONE' ? digits.slice(-9) : digits;
  }
  if (kind === 'EMAIL') {
    return value.includes('@')
      ? value.toLowerCase()
      : words.map(({ plain }) => SAID[plain] ?? plain).join('');
  }
  const spaced = kind === 'ADDRESS' || kind === 'BIRTH_DATE';
  return spaced ? words.map(({ plain }) => plain).join(' ') : value.toLowerCase().replaceAll(/[\s-]+/g, '');
}
