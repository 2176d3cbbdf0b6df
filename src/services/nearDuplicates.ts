/**
 * Which of many texts say nearly the same: MinHash with LSH banding finds the pairs that may, and the exact Jaccard
 * similarity of their word shingles decides. Pure and deterministic: the same texts in the same order give the same
 * groups. It computes for seconds; nearDuplicateSearch.ts runs it in a thread of its own.
 */
import { mix } from './shingles.ts';
import { createUnion, type Union } from './union.ts';

export const MIN_THRESHOLD = 0.5;
export const DEFAULT_THRESHOLD = 0.85;
/** How many texts can be told apart at most. */
export const MAX_TEXTS = 2 ** 21;

/** How many MinHash values a text may cost. */
const MAX_HASHES = 200;
/** How rarely a pair that is just similar enough may be missed. More similar ones are missed far more rarely. */
const MAX_MISSED = 0.001;

/**
 * The bands and the hashes in each. Two texts are compared when all hashes of any band are equal, which texts of
 * similarity s are with a probability of 1 - (1 - s^rows)^bands. More rows compare fewer pairs in vain.
 */
export function bandsFor(threshold: number): { bands: number; rows: number } {
  let best = { bands: 1, rows: 1 };
  for (let rows = 1; rows <= MAX_HASHES; rows += 1) {
    const equal = threshold ** rows;
    const bands = equal === 1 ? 1 : Math.ceil(Math.log(MAX_MISSED) / Math.log1p(-equal));
    if (bands * rows > MAX_HASHES) break;
    best = { bands, rows };
  }
  return best;
}

/** How much two shingle sets have in common: the share of the shingles of both that are in each, 0 to 1. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  const common = inCommon(a, b, 0);
  const all = a.length + b.length - common;
  return all === 0 ? 0 : common / all;
}

/** How many numbers two ascending lists share; -1 as soon as it cannot be `needed` any more. */
function inCommon(a: Uint32Array, b: Uint32Array, needed: number): number {
  let i = 0;
  let j = 0;
  let common = 0;
  // How many of each may be missing in the other.
  let spareA = a.length - needed;
  let spareB = b.length - needed;
  while (i < a.length && j < b.length) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === y) {
      common += 1;
      i += 1;
      j += 1;
    } else if (x < y) {
      i += 1;
      spareA -= 1;
      if (spareA < 0) return -1;
    } else {
      j += 1;
      spareB -= 1;
      if (spareB < 0) return -1;
    }
  }
  return common;
}

function similarEnough(a: Uint32Array, b: Uint32Array, threshold: number): boolean {
  const together = a.length + b.length;
  // Rounded down, so that it only spares work; the exact comparison follows.
  const needed = Math.floor((threshold / (1 + threshold)) * together);
  const common = inCommon(a, b, needed);
  return common > 0 && common / (together - common) >= threshold;
}

/**
 * The groups of texts that say nearly the same, as indexes of their shingle sets (`shingleSet` of each text): two texts
 * of a similarity of at least `threshold` (0.5 to 1) are in one group, and so are those that a chain of such pairs
 * links. Each group has two indexes or more, ascending; the groups stand in the order of their first ones. No pair is
 * linked that is not as similar as that; a pair just at the threshold is missed at most once in a thousand times.
 * Texts without any shingle are in no group.
 */
export function nearDuplicateGroups(sets: readonly Uint32Array[], threshold = DEFAULT_THRESHOLD): number[][] {
  if (!(threshold >= MIN_THRESHOLD && threshold <= 1)) {
    throw new RangeError(`The threshold must be ${MIN_THRESHOLD} to 1, not ${threshold}`);
  }
  if (sets.length > MAX_TEXTS) throw new RangeError(`At most ${MAX_TEXTS} texts can be compared`);
  const union = createUnion(sets.length);
  const distinct = joinEqual(sets, union);
  if (threshold < 1) joinSimilar(sets, distinct, threshold, union);
  return groupsOf(sets, union);
}

/** Joins the texts of equal shingles, and returns one of each, which stands for all of them from then on. */
function joinEqual(sets: readonly Uint32Array[], union: Union): Uint32Array {
  const distinct: number[] = [];
  const keys = new Float64Array(sets.length);
  for (const [index, set] of sets.entries()) {
    let hash = set.length;
    for (const shingle of set) hash = mix(hash ^ shingle);
    keys[index] = keyOf(hash, index);
  }
  for (const bucket of bucketsOf(keys, 1)) {
    const others: number[] = [];
    for (const index of bucket) {
      const set = sets[index];
      if (set === undefined || set.length === 0) continue;
      const twin = others.find((other) => similarEnough(sets[other] ?? set, set, 1));
      if (twin === undefined) others.push(index);
      else union.join(twin, index);
    }
    distinct.push(...others);
  }
  return Uint32Array.from(distinct).toSorted();
}

/** Joins the texts that are similar enough, band by band: so no more than one band's keys are held at a time. */
function joinSimilar(
  sets: readonly Uint32Array[],
  distinct: Uint32Array,
  threshold: number,
  union: Union,
): void {
  const { bands, rows } = bandsFor(threshold);
  const keys = new Float64Array(distinct.length);
  const similar = (a: number, b: number): boolean => {
    const [one, other] = [sets[a], sets[b]];
    return one !== undefined && other !== undefined && similarEnough(one, other, threshold);
  };
  for (let band = 0; band < bands; band += 1) {
    for (const [place, index] of distinct.entries()) {
      keys[place] = keyOf(bandHash(sets[index] ?? new Uint32Array(), band * rows, rows), index);
    }
    for (const bucket of bucketsOf(keys, 2)) joinBucket(bucket, similar, union);
  }
}

/** Joins what is similar among texts that may be. What is in one group already is not compared. */
function joinBucket(
  bucket: readonly number[],
  similar: (a: number, b: number) => boolean,
  union: Union,
): void {
  const clusters: number[][] = [];
  for (const index of bucket) {
    let own = [index];
    for (let place = clusters.length - 1; place >= 0; place -= 1) {
      const cluster = clusters[place];
      const first = cluster?.[0];
      if (cluster === undefined || first === undefined) continue;
      if (!union.joined(first, index)) {
        const twin = cluster.find((other) => similar(other, index));
        if (twin === undefined) continue;
        union.join(twin, index);
      }
      // The smaller joins the larger, so that no text is moved often.
      const [large, small] = cluster.length >= own.length ? [cluster, own] : [own, cluster];
      for (const member of small) large.push(member);
      own = large;
      clusters.splice(place, 1);
    }
    clusters.push(own);
  }
}

/** The least values of some hash functions over the shingles, as one hash. `first` is the number of the first of them. */
function bandHash(set: Uint32Array, first: number, rows: number): number {
  let hash = 0;
  for (let row = first; row < first + rows; row += 1) {
    const seed = mix(row + 1);
    const factor = mix(~row) | 1;
    let least = 0x7f_ff_ff_ff;
    for (let index = 0; index < set.length; index += 1) {
      const value = Math.imul((set[index] ?? 0) ^ seed, factor);
      if (value < least) least = value;
    }
    hash = mix(hash ^ least);
  }
  return hash;
}

/** A hash and an index in one number, which sorts by the hash first: 53 bits have room for 21 of an index. */
const INDEX_RANGE = MAX_TEXTS;
const keyOf = (hash: number, index: number): number => (hash >>> 0) * INDEX_RANGE + index;

/** The indexes whose hashes are equal, ascending, as far as there are at least `least` of them. Sorts the keys. */
function* bucketsOf(keys: Float64Array, least: number): Generator<number[]> {
  keys.sort();
  let bucket: number[] = [];
  let hash = -1;
  for (const key of keys) {
    const next = Math.floor(key / INDEX_RANGE);
    if (next !== hash) {
      if (bucket.length >= least) yield bucket;
      bucket = [];
      hash = next;
    }
    bucket.push(key % INDEX_RANGE);
  }
  if (bucket.length >= least) yield bucket;
}

function groupsOf(sets: readonly Uint32Array[], union: Union): number[][] {
  const groups = new Map<number, number[]>();
  for (const index of sets.keys()) {
    const root = union.rootOf(index);
    const group = groups.get(root);
    if (group) group.push(index);
    else groups.set(root, [index]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
