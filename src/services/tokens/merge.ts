/**
 * Byte-pair merging: a piece begins as its bytes; of all neighbours that together are a token the pair of the lowest
 * rank becomes one, the leftmost of equals, until no pair is a token. What counts here is how many are left.
 */
import { hashOf, type Vocabulary } from './vocabulary.ts';

const NONE = 0x7fffffff;

/** Up to this many bytes looking for the lowest rank each time is faster than keeping pairs in order. */
export const SHORT = 96;

export type CountShort = (utf8: Uint8Array, from: number, to: number) => number;

/** How many tokens a piece of up to SHORT bytes is. */
export function createShortMerge(vocabulary: Vocabulary): CountShort {
  const starts = new Int32Array(SHORT + 2);
  /** Of each part with the one after it. */
  const ranks = new Int32Array(SHORT + 1);
  const { longest } = vocabulary;

  return (utf8, from, to) => {
    let parts = to - from;
    for (let part = 0; part <= parts; part += 1) starts[part] = from + part;
    for (let part = 0; part < parts - 1; part += 1) {
      const rank = vocabulary.pairRankOf(utf8[from + part]!, utf8[from + part + 1]!);
      ranks[part] = rank === -1 ? NONE : rank;
    }
    for (;;) {
      let lowest = NONE;
      let at = 0;
      for (let part = 0; part < parts - 1; part += 1) {
        if (ranks[part]! < lowest) {
          lowest = ranks[part]!;
          at = part;
        }
      }
      if (lowest === NONE) return parts;
      parts -= 1;
      for (let part = at + 1; part <= parts; part += 1) {
        starts[part] = starts[part + 1]!;
        ranks[part] = ranks[part + 1]!;
      }
      if (at > 0) ranks[at - 1] = rankAt(utf8, at - 1);
      if (at < parts - 1) ranks[at] = rankAt(utf8, at);
    }
  };

  function rankAt(utf8: Uint8Array, part: number): number {
    return rankBetween(vocabulary, longest, utf8, starts[part]!, starts[part + 2]!);
  }
}

function rankBetween(
  vocabulary: Vocabulary,
  longest: number,
  utf8: Uint8Array,
  from: number,
  to: number,
): number {
  if (to - from > longest) return NONE;
  const rank = vocabulary.rankOf(utf8, from, to, hashOf(utf8, from, to));
  return rank === -1 ? NONE : rank;
}

/** Pairs are kept as one number, rank before place: a double holds 53 bits, a rank needs 18. */
const PLACES = 2 ** 32;

/**
 * The same for a piece of any length, in steps: pairs wait in a heap, so that n bytes take n log n. A pair that has
 * changed meanwhile stays in it, and is told by its rank, which is no longer its place's.
 */
export function createLongMerge(vocabulary: Vocabulary, utf8: Uint8Array, from: number, to: number) {
  const size = to - from;
  const after = new Int32Array(size + 1);
  const before = new Int32Array(size + 1);
  const ranks = new Int32Array(size + 1).fill(NONE);
  const heap = createHeap(size);
  const { longest } = vocabulary;
  let parts = size;
  for (let place = 0; place <= size; place += 1) {
    after[place] = place + 1;
    before[place] = place - 1;
  }
  let prepared = 0;

  return {
    /** Goes on for about `effort` pairs; the number of tokens once it is known, else null. */
    step(effort: number): number | null {
      let left = effort;
      for (; prepared < size - 1 && left > 0; prepared += 1, left -= 1) {
        const rank = vocabulary.pairRankOf(utf8[from + prepared]!, utf8[from + prepared + 1]!);
        if (rank !== -1) put(prepared, rank);
      }
      for (; left > 0; left -= 1) {
        const key = heap.take();
        if (key === undefined) return parts;
        const place = key % PLACES;
        if (ranks[place] === (key - place) / PLACES) join(place);
      }
      return null;
    },
  };

  function put(place: number, rank: number): void {
    ranks[place] = rank;
    if (rank !== NONE) heap.put(rank * PLACES + place);
  }

  function join(place: number): void {
    const gone = after[place]!;
    const next = after[gone]!;
    after[place] = next;
    before[next] = place;
    ranks[gone] = NONE;
    parts -= 1;
    put(place, next < size ? rankAt(place, after[next]!) : NONE);
    const previous = before[place]!;
    if (previous >= 0) put(previous, rankAt(previous, next));
  }

  function rankAt(place: number, end: number): number {
    return rankBetween(vocabulary, longest, utf8, from + place, from + end);
  }
}

/** Numbers, the lowest first. */
function createHeap(expected: number) {
  let keys = new Float64Array(Math.max(16, expected));
  let size = 0;

  return {
    put(key: number): void {
      if (size === keys.length) {
        const larger = new Float64Array(2 * size);
        larger.set(keys);
        keys = larger;
      }
      let at = size;
      size += 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (keys[parent]! <= key) break;
        keys[at] = keys[parent]!;
        at = parent;
      }
      keys[at] = key;
    },

    take(): number | undefined {
      if (size === 0) return undefined;
      const lowest = keys[0]!;
      size -= 1;
      const key = keys[size]!;
      let at = 0;
      for (let child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && keys[child + 1]! < keys[child]!) child += 1;
        if (keys[child]! >= key) break;
        keys[at] = keys[child]!;
        at = child;
      }
      keys[at] = key;
      return lowest;
    },
  };
}
