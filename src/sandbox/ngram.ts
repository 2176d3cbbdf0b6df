import { KeyTable } from './keytable.ts';

/** Sizes of the vocabulary (GPT-2's has 50,257 pieces) and of the tables: at most about 40 MB a model. */
const VOCABULARY = 50_000;
const MAX_CONTEXTS = 2 ** 19;
const MAX_FOLLOWERS = 2 ** 20;

const UNKNOWN = 0;
const START = 1;
/** The token that ends an answer. */
export const END = 2;
const FIRST_WORD = 3;

/** Contexts of an order are told apart by their size: 0, then 16, 32 and 52 bits. */
const ORDERS = 4;
const WORD = 0x1_0000;
const PAIR = WORD * WORD;
const CUES = 0xf_ffff;

/** What the model thought of a run of tokens: summed negative log-likelihood (nats), right first guesses, tokens. */
export interface Score {
  nll: number;
  hits: number;
  tokens: number;
}

/**
 * A small language model of answers, trained by counting. Four orders are interpolated by Witten and Bell's rule
 * (1991; Chen & Goodman 1998, section 2.5): with c the count of word w after context h, C the sum of c, and T the
 * number of different words seen after h,
 *
 *     P(w | h) = (m c + T P(w | shorter h)) / (m C + T)
 *
 * down to 1/50,000 for any word. The contexts are: none; one word; two words; and two words together with the cue,
 * a hash of what the answer replies to. So the model learns which answer belongs to which question, and backs off
 * to plain language where the question is new. `m` is the learning rate multiplier: how far counts are trusted.
 */
export class NgramModel {
  readonly #multiplier: number;
  readonly #ids = new Map<string, number>();
  readonly #words: string[] = ['', '', ''];
  readonly #contexts = new KeyTable(MAX_CONTEXTS);
  readonly #followers = new KeyTable(MAX_FOLLOWERS);
  #counts = new Uint32Array(this.#followers.capacity);
  #totals = new Uint32Array(this.#contexts.capacity);
  #kinds = new Uint32Array(this.#contexts.capacity);
  #favourites = new Uint16Array(this.#contexts.capacity);
  #favouriteCounts = new Uint32Array(this.#contexts.capacity);

  constructor(multiplier = 1) {
    this.#multiplier = multiplier;
  }

  /** A word's number, a new one when it is new and there is room. */
  idOf(word: string): number {
    const known = this.#ids.get(word);
    if (known !== undefined) return known;
    const id = this.#words.length;
    if (id >= VOCABULARY) return UNKNOWN;
    this.#ids.set(word, id);
    this.#words.push(word);
    return id;
  }

  /** How well the model foretells `ids[from..to)` as part of the answer `ids` to the cue. Learns nothing. */
  score(cue: number, ids: ArrayLike<number>, from = 0, to = ids.length): Score {
    let nll = 0;
    let hits = 0;
    for (let at = from; at < to; at += 1) {
      const found = this.#lookUp(cue, ids[at - 2] ?? START, ids[at - 1] ?? START);
      const word = ids[at] ?? UNKNOWN;
      nll -= Math.log(this.#probability(found, word));
      if (this.#guess(found) === word) hits += 1;
    }
    return { nll, hits, tokens: Math.max(0, to - from) };
  }

  /** Counts `ids[from..to)` as part of the answer `ids` to the cue. */
  learn(cue: number, ids: ArrayLike<number>, from = 0, to = ids.length): void {
    for (let at = from; at < to; at += 1) {
      const word = ids[at] ?? UNKNOWN;
      for (let order = 0; order < ORDERS; order += 1) {
        this.#count(keyOf(order, cue, ids[at - 2] ?? START, ids[at - 1] ?? START), word);
      }
    }
  }

  /** An answer made up word by word, until the model ends it, repeats itself or reaches `max` words. */
  generate(cue: number, max: number): string {
    const seen = new Set<number>();
    let text = '';
    let before = START;
    let last = START;
    for (let length = 0; length < max; length += 1) {
      // What mostly follows the longest known context reads better than the likeliest word over all orders.
      const word = this.#favourites[this.#lookUp(cue, before, last).at(-1) ?? 0] ?? END;
      if (word < FIRST_WORD || seen.has(last * WORD + word)) break;
      seen.add(last * WORD + word);
      text += this.#words[word] ?? '';
      before = last;
      last = word;
    }
    return text.trim();
  }

  /** The numbers of the contexts the model knows here, shortest first. An unknown one makes longer ones unknown. */
  #lookUp(cue: number, before: number, last: number): number[] {
    const found: number[] = [];
    for (let order = 0; order < ORDERS; order += 1) {
      const context = this.#contexts.find(keyOf(order, cue, before, last));
      if (context === -1) break;
      found.push(context);
    }
    return found;
  }

  #probability(contexts: readonly number[], word: number): number {
    let probability = 1 / VOCABULARY;
    for (const context of contexts) {
      const follower = this.#followers.find(context * WORD + word);
      const count = follower === -1 ? 0 : (this.#counts[follower] ?? 0) * this.#multiplier;
      const total = (this.#totals[context] ?? 0) * this.#multiplier;
      const kinds = this.#kinds[context] ?? 0;
      if (total + kinds > 0) probability = (count + kinds * probability) / (total + kinds);
    }
    return probability;
  }

  /** The likeliest among each context's own favourite: the true maximum but for rare ties between orders. */
  #guess(contexts: readonly number[]): number {
    let best = UNKNOWN;
    let bestProbability = 0;
    let last = -1;
    for (const context of contexts) {
      const word = this.#favourites[context] ?? UNKNOWN;
      if (word === last) continue;
      last = word;
      const probability = this.#probability(contexts, word);
      if (probability > bestProbability) [best, bestProbability] = [word, probability];
    }
    return best;
  }

  #count(key: number, word: number): void {
    const context = this.#contexts.insert(key);
    if (context === -1) return;
    if (context >= this.#totals.length) this.#growContexts();
    const follower = this.#followers.insert(context * WORD + word);
    if (follower === -1) return;
    if (follower >= this.#counts.length) this.#counts = grown(this.#counts, this.#followers.capacity);

    const count = (this.#counts[follower] ?? 0) + 1;
    this.#counts[follower] = count;
    this.#totals[context] = (this.#totals[context] ?? 0) + 1;
    if (count === 1) this.#kinds[context] = (this.#kinds[context] ?? 0) + 1;
    if (count > (this.#favouriteCounts[context] ?? 0)) {
      this.#favouriteCounts[context] = count;
      this.#favourites[context] = word;
    }
  }

  #growContexts(): void {
    const capacity = this.#contexts.capacity;
    this.#totals = grown(this.#totals, capacity);
    this.#kinds = grown(this.#kinds, capacity);
    this.#favouriteCounts = grown(this.#favouriteCounts, capacity);
    const favourites = new Uint16Array(capacity);
    favourites.set(this.#favourites);
    this.#favourites = favourites;
  }
}

/** The cue of an answer: a hash (FNV-1a, folded to 20 bits) of the words it replies to, never 0. */
export function cueOf(words: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const word of words) {
    for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ 0x20, 0x01000193);
  }
  return ((((hash >>> 20) ^ hash) >>> 0) % CUES) + 1;
}

function keyOf(order: number, cue: number, before: number, last: number): number {
  if (order === 0) return 0;
  if (order === 1) return last;
  const two = before * WORD + last;
  return order === 2 ? two : cue * PAIR + two;
}

function grown(array: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(array);
  return larger;
}
