/** The tokens of o200k_base: which bytes are one, and which comes first when pieces are put together (its rank). */
import { setImmediate as turn } from 'node:timers/promises';

/** How many tokens are read before others get their turn: 5 to 10 ms. */
const SLICE = 20_000;
/** The table's size, a power of two: at most half of it is taken. */
const SLOTS = 1 << 19;
const NO_RANK = -1;

export interface Vocabulary {
  /** The longest token, in bytes. */
  longest: number;
  /** The token's rank, or -1 when the bytes are none. `hash` is theirs. */
  rankOf(utf8: Uint8Array, from: number, to: number, hash: number): number;
  /** As rankOf, for two bytes. */
  pairRankOf(first: number, second: number): number;
}

/** A number of 32 bits for some bytes. Equal bytes have equal ones; whether others differ is for the caller to look. */
export function hashOf(utf8: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at += 1) hash = (Math.imul(hash, 0x01000193) + utf8[at]! + 1) | 0;
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** Reads the ranks that come with js-tiktoken: 2 MB of source and a tenth of a second, so only once and when needed. */
export async function loadVocabulary(): Promise<Vocabulary> {
  const { default: encoding } = await import('js-tiktoken/ranks/o200k_base');
  // One line: `! 0` says that the first rank is 0, then the tokens in base64, in the order of their ranks.
  const source = encoding.bpe_ranks;
  const pool = Buffer.alloc(Math.ceil((source.length * 3) / 4));
  const starts: number[] = [0];
  const slots = new Int32Array(2 * SLOTS).fill(NO_RANK);
  const pairs = new Int32Array(0x10000).fill(NO_RANK);
  let longest = 0;

  let at = readHeader(source);
  while (at < source.length) {
    await turn();
    for (let read = 0; read < SLICE && at < source.length; read += 1) {
      const blank = source.indexOf(' ', at);
      const end = blank === -1 ? source.length : blank;
      add(source.slice(at, end));
      at = end + 1;
    }
  }
  const bounds = Uint32Array.from(starts);

  return {
    longest,
    pairRankOf: (first, second) => pairs[(first << 8) | second]!,
    rankOf(utf8, from, to, hash) {
      for (let slot = slotOf(hash); ; slot = next(slot)) {
        const rank = slots[slot + 1]!;
        if (rank === NO_RANK) return NO_RANK;
        if (slots[slot] === hash && isToken(rank, utf8, from, to)) return rank;
      }
    },
  };

  function add(base64: string): void {
    const rank = starts.length - 1;
    const from = starts[rank]!;
    const to = from + pool.write(base64, from, 'base64');
    starts.push(to);
    longest = Math.max(longest, to - from);
    if (to - from === 2) pairs[pool.readUInt16BE(from)] = rank;
    const hash = hashOf(pool, from, to);
    let slot = slotOf(hash);
    while (slots[slot + 1] !== NO_RANK) slot = next(slot);
    slots[slot] = hash;
    slots[slot + 1] = rank;
  }

  function isToken(rank: number, utf8: Uint8Array, from: number, to: number): boolean {
    const start = bounds[rank]!;
    if (bounds[rank + 1]! - start !== to - from) return false;
    for (let offset = to - from - 1; offset >= 0; offset -= 1) {
      if (pool[start + offset] !== utf8[from + offset]) return false;
    }
    return true;
  }
}

/** Where the hash's place in the table is, and, past one that is taken, the next. */
const slotOf = (hash: number) => (hash >>> 13) << 1;
const next = (slot: number) => (slot + 2) & (2 * SLOTS - 1);

function readHeader(source: string): number {
  const header = '! 0 ';
  if (!source.startsWith(header) || source.includes('\n')) {
    throw new Error('The ranks of o200k_base are not in the form of js-tiktoken 1.0');
  }
  return header.length;
}
