/** A text as the set of its word shingles: every run of three neighbouring words, hashed. Pure. */
import { z } from 'zod';

/** How many neighbouring words are one shingle. Of two they say little about the order, of five one word changes five. */
const SHINGLE_WORDS = 3;

const FNV_OFFSET = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

const SEPARATOR = 0;
const PART_OF_WORD = 1;
/** A letter of a script that puts no spaces between words counts as a word of its own. */
const WORD_BY_ITSELF = 2;
type Kind = typeof SEPARATOR | typeof PART_OF_WORD | typeof WORD_BY_ITSELF;

const LETTER = /[\p{L}\p{N}\p{M}]/u;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** The kinds of the characters of 16 bits, looked up once each; beyond them a text rarely has any. */
const known = new Uint8Array(0x1_00_00).fill(255);

function kindOf(code: number): Kind {
  const remembered = known[code];
  if (remembered === SEPARATOR || remembered === PART_OF_WORD || remembered === WORD_BY_ITSELF)
    return remembered;
  const character = String.fromCodePoint(code);
  const spaced = UNSPACED.test(character) ? WORD_BY_ITSELF : PART_OF_WORD;
  const kind = LETTER.test(character) ? spaced : SEPARATOR;
  if (code < known.length) known[code] = kind;
  return kind;
}

/** The hash of each word, in order: of what is left when case, punctuation and white space do not count. */
function wordHashes(text: string): number[] {
  const plain = text.normalize('NFKC').toLowerCase();
  const words: number[] = [];
  let hash = FNV_OFFSET;
  let inWord = false;
  for (let index = 0; index < plain.length; index += 1) {
    const code = plain.codePointAt(index) ?? 0;
    if (code > 0xff_ff) index += 1;
    const kind = kindOf(code);
    if (inWord && kind !== PART_OF_WORD) {
      words.push(hash);
      inWord = false;
    }
    if (kind === SEPARATOR) continue;
    hash = Math.imul((inWord ? hash : FNV_OFFSET) ^ code, FNV_PRIME);
    inWord = true;
    if (kind === WORD_BY_ITSELF) {
      words.push(hash);
      inWord = false;
    }
  }
  if (inWord) words.push(hash);
  return words;
}

/** Spreads the bits of a number over all 32. */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85_eb_ca_6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * The text's shingles as hashes, ascending and each once. A text of fewer than three words is one shingle, so that it
 * equals only a text of the same words; one without words (`…`, `👍`) is a shingle of its characters, and an empty one
 * has none. Two different shingles share a hash once in four thousand million times, which moves a similarity by less
 * than the thousandth part of it.
 */
export function shingleSet(text: string): Uint32Array {
  const words = wordHashes(text);
  if (words.length === 0) {
    const characters = text.normalize('NFKC').replaceAll(/\s+/gu, '');
    for (let index = 0; index < characters.length; index += 1) words.push(characters.charCodeAt(index));
    return words.length === 0 ? new Uint32Array() : Uint32Array.of(hashOf(words, 0, words.length));
  }
  const count = Math.max(1, words.length - SHINGLE_WORDS + 1);
  const hashes = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) {
    hashes[index] = hashOf(words, index, Math.min(index + SHINGLE_WORDS, words.length));
  }
  return ascendingOnce(hashes);
}

function hashOf(words: readonly number[], from: number, to: number): number {
  let hash = to - from;
  for (let index = from; index < to; index += 1) hash = mix(hash ^ (words[index] ?? 0)) + index - from;
  return mix(hash);
}

function ascendingOnce(hashes: Uint32Array): Uint32Array {
  hashes.sort();
  let kept = 0;
  for (const hash of hashes) {
    if (kept > 0 && hashes[kept - 1] === hash) continue;
    hashes[kept] = hash;
    kept += 1;
  }
  return hashes.subarray(0, kept);
}

const spokenSchema = z.array(
  z.object({
    role: z.string(),
    content: z.string().nullish(),
    tool_calls: z
      .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
      .nullish(),
  }),
);

/**
 * What is said in an example, as one text: the contents of its messages in order, and the tools that are called. The
 * system message is left out: it is the same instruction in many examples, and would make all of them alike.
 */
export function conversationText(messages: unknown): string {
  const texts: string[] = [];
  for (const { role, content, tool_calls: calls } of spokenSchema.parse(messages)) {
    if (role === 'system') continue;
    if (content) texts.push(content);
    for (const { function: called } of calls ?? []) texts.push(called.name, called.arguments);
  }
  return texts.join('\n');
}
