/** Counts the tokens of o200k_base, the encoding of gpt-4o, gpt-4.1 and what is tuned from them. Exact. */
import { setImmediate as turn } from 'node:timers/promises';
import { createLongMerge, createShortMerge, SHORT } from './merge.ts';
import { pieceEnd } from './pieces.ts';
import { hashOf, loadVocabulary, type Vocabulary } from './vocabulary.ts';

/** What is counted before others get their turn: some 5 ms of the slowest text there is. */
const BYTES_A_SLICE = 16_384;
const PAIRS_A_SLICE = 8192;
/** A text that has no more bytes than this is counted at one go. */
const AT_ONCE = 16_384;

/** The pieces whose number of tokens is remembered: this many, none longer than so many bytes. */
const REMEMBERED = 1 << 16;
const REMEMBERED_BYTES = 32;

export interface TokenCounter {
  /**
   * How many tokens the text is. What looks like a special token (`<|endoftext|>`) is text like any other, and half of
   * a surrogate pair is U+FFFD, as it would be in a file. Holds the thread up for as long as it takes.
   */
  count(text: string): number;
  /** Of all the texts, each by itself; lets others have their turn every few milliseconds when there is much of them. */
  countInTurns(...texts: string[]): Promise<number>;
}

let loading: Promise<TokenCounter> | undefined;

/** The counter, which all share. The first call takes a tenth of a second, without holding anybody up. */
export function tokenCounter(): Promise<TokenCounter> {
  return (loading ??= loadVocabulary().then(createCounter));
}

function createCounter(vocabulary: Vocabulary): TokenCounter {
  const countPiece = createPieceCounter(vocabulary);
  const encoder = new TextEncoder();
  const shared = new Uint8Array(3 * AT_ONCE);

  return {
    count(text) {
      const { utf8, end } = bytesOf(text);
      let tokens = 0;
      for (let at = 0; at < end;) {
        const next = pieceEnd(utf8, at, end);
        tokens += next - at <= SHORT ? countPiece(utf8, at, next) : countLong(utf8, at, next);
        at = next;
      }
      return tokens;
    },

    async countInTurns(...texts) {
      let tokens = 0;
      let counted = 0;
      for (const text of texts) {
        tokens += text.length <= AT_ONCE ? this.count(text) : await countText(text);
        counted += text.length;
        if (counted < AT_ONCE) continue;
        counted = 0;
        await turn();
      }
      return tokens;
    },
  };

  async function countText(text: string): Promise<number> {
    const utf8 = encoder.encode(text);
    let tokens = 0;
    let turnAt = BYTES_A_SLICE;
    for (let at = 0; at < utf8.length;) {
      const next = pieceEnd(utf8, at, utf8.length);
      tokens += next - at <= SHORT ? countPiece(utf8, at, next) : await countLongInTurns(utf8, at, next);
      at = next;
      if (at >= turnAt) {
        turnAt = at + BYTES_A_SLICE;
        await turn();
      }
    }
    return tokens;
  }

  /** The text in UTF-8; a short one in memory that the next text overwrites. */
  function bytesOf(text: string): { utf8: Uint8Array; end: number } {
    if (text.length > AT_ONCE) {
      const utf8 = encoder.encode(text);
      return { utf8, end: utf8.length };
    }
    return { utf8: shared, end: encoder.encodeInto(text, shared).written };
  }

  function countLong(utf8: Uint8Array, from: number, to: number): number {
    return createLongMerge(vocabulary, utf8, from, to).step(Infinity) ?? 0;
  }

  async function countLongInTurns(utf8: Uint8Array, from: number, to: number): Promise<number> {
    const merge = createLongMerge(vocabulary, utf8, from, to);
    for (;;) {
      const tokens = merge.step(PAIRS_A_SLICE);
      if (tokens !== null) return tokens;
      await turn();
    }
  }
}

/**
 * Most pieces are one token. Of the others the last ones are remembered, each in the one place that its hash gives it,
 * where the next that hashes so replaces it: a few megabytes, whatever is counted.
 */
function createPieceCounter(vocabulary: Vocabulary) {
  const merge = createShortMerge(vocabulary);
  const pieces = new Uint8Array(REMEMBERED * REMEMBERED_BYTES);
  const lengths = new Uint8Array(REMEMBERED);
  const counts = new Uint8Array(REMEMBERED);

  return (utf8: Uint8Array, from: number, to: number): number => {
    const length = to - from;
    if (length === 1) return 1;
    const hash = hashOf(utf8, from, to);
    if (vocabulary.rankOf(utf8, from, to, hash) !== -1) return 1;
    if (length > REMEMBERED_BYTES) return merge(utf8, from, to);
    const place = hash >>> 16;
    const start = place * REMEMBERED_BYTES;
    if (lengths[place] === length && isSame(start, utf8, from, length)) return counts[place]!;
    const count = merge(utf8, from, to);
    for (let offset = 0; offset < length; offset += 1) pieces[start + offset] = utf8[from + offset]!;
    lengths[place] = length;
    counts[place] = count;
    return count;
  };

  function isSame(start: number, utf8: Uint8Array, from: number, length: number): boolean {
    for (let offset = 0; offset < length; offset += 1) {
      if (pieces[start + offset] !== utf8[from + offset]) return false;
    }
    return true;
  }
}
