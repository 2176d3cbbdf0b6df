/**
 * Searches a text as it is stored, which may be JSON: a tool's arguments, a tool's answer. What JSON escapes hides is
 * found, and the findings' offsets are those of the text as it stands, so that replacing them leaves JSON.
 */
import { findPersonalData } from './find.ts';
import type { Finding } from './kinds.ts';
import { withoutPlaceholders } from './placeholders.ts';

export interface StoredFinding extends Finding {
  /** Whether it is a JSON number, so that a placeholder needs quotes of its own. */
  bare: boolean;
}

const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d[\d.eE+-]*/g;
/** A key tells what its value is: `"phone": 4155550132`. */
const KEY = /^[\w .-]{1,64}$/;

export function searchStored(text: string, find: Find = findPersonalData): StoredFinding[] {
  const search = (plain: string) => withoutPlaceholders(plain, find(plain));
  return isJson(text)
    ? searchJson(text, search)
    : search(text).map((finding) => ({ ...finding, bare: false }));
}

type Find = (text: string) => Finding[];

export function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function searchJson(json: string, search: Find): StoredFinding[] {
  const found: StoredFinding[] = [];
  let key = '';
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const string = token.startsWith('"');
    const isKey = string && /^\s*:/.test(json.slice(index + token.length, index + token.length + 32));
    const { text, offsets } = string ? decoded(token) : { text: token, offsets: null };
    const label = key === '' || isKey ? '' : `${labelOf(key)}: `;
    for (const finding of search(label + text)) {
      const start = Math.max(0, finding.start - label.length);
      const end = finding.end - label.length;
      if (end <= 0) continue;
      const at = (offset: number): number =>
        index + (offsets ? (offsets[offset] ?? token.length - 1) : offset + (string ? 1 : 0));
      found.push(
        string
          ? { ...finding, start: at(start), end: at(end), bare: false }
          : { ...finding, start: index, end: index + token.length, bare: true },
      );
    }
    key = isKey && KEY.test(text) ? text : '';
  }
  return found;
}

/** `customer_phoneNumber` as words, for the rules that go by what is said before. */
function labelOf(key: string): string {
  return key
    .replaceAll(/[_.-]/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

/** The string's text, and of each of its code units where it stands in the token; null where that is one further on. */
function decoded(token: string): { text: string; offsets: number[] | null } {
  if (!token.includes('\\')) return { text: token.slice(1, -1), offsets: null };
  const offsets: number[] = [];
  let index = 1;
  while (index < token.length - 1) {
    offsets.push(index);
    index += token.charAt(index) !== '\\' ? 1 : token.charAt(index + 1) === 'u' ? 6 : 2;
  }
  offsets.push(token.length - 1);
  return { text: String(JSON.parse(token)), offsets };
}
