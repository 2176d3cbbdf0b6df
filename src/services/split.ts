/** Divides examples into a training and a validation part without tearing apart what belongs together. Pure. */
import { createHash } from 'node:crypto';
import { createUnion } from './union.ts';

/** The fewest examples that are left for training: below that no provider takes the file. */
export const MIN_TRAINING = 10;

/** Why examples belong together. */
export type Tie = 'CALL' | 'PHONE_NUMBER' | 'SAME_TEXT' | 'NEAR_DUPLICATE';
const TIES: readonly Tie[] = ['CALL', 'PHONE_NUMBER', 'SAME_TEXT', 'NEAR_DUPLICATE'];

export interface TiedGroup {
  /** Indexes of the examples, ascending. */
  members: number[];
  ties: Tie[];
}

/** Which examples are for validation, or the groups that are in the way, the largest first. */
export type Division = { validation: Uint8Array } | { inTheWay: TiedGroup[] };

/** How many examples of a group a refusal names. */
export const NAMED_EXAMPLES = 5;
/** How many groups a refusal names at most. */
const NAMED_GROUPS = 10;

/** 53 bits of a hash as a number: what two such numbers say about the order of two texts says nothing about the texts. */
export function orderKey(...parts: string[]): number {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return digest.readUIntBE(0, 6) * 32 + (digest.readUInt8(6) & 31);
}

/** The text of an example as it counts for being the same: ignoring case and white space. */
export function sameText(userMessage: string, assistantResponse: string): string {
  return JSON.stringify([plain(userMessage), plain(assistantResponse)]);
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

export type Groups = ReturnType<typeof createGroups>;

/** Collects what belongs together among `size` examples, which are numbered from 0. */
export function createGroups(size: number) {
  const union = createUnion(size);
  /** The ties of the group, at its root, as bits. */
  const ties = new Uint8Array(size);
  const named = new Map<string, number>();

  function join(a: number, b: number, tie: Tie): void {
    const [root, child] = union.join(a, b);
    ties[root] = (ties[root] ?? 0) | (ties[child] ?? 0) | (1 << TIES.indexOf(tie));
  }

  return {
    size,
    rootOf: union.rootOf,
    join,
    /** Joins the example with all others that were given this name. */
    joinByName(index: number, tie: Tie, name: string): void {
      const key = `${tie} ${name}`;
      const first = named.get(key);
      if (first === undefined) named.set(key, index);
      else join(first, index, tie);
    },
    tiesOf: (root: number): Tie[] => TIES.filter((_, bit) => ((ties[root] ?? 0) & (1 << bit)) !== 0),
  };
}

/**
 * Takes whole groups for validation until the share is met: in the order that `seeded` gives them, each that still fits,
 * and then one more if that comes nearer to the share. So as long as there are single examples the share is met exactly,
 * and otherwise missed by at most half of the smallest group left for training; only where even the smallest group is
 * larger than the share, that group alone is taken. Refuses when training would keep fewer than 10 examples, or fewer
 * than validation gets.
 *
 * `content` and `seeded` are the order keys of the examples' texts, without and with the seed: a group stands where its
 * member with the least `content` does, so that large groups come first no more often than small ones.
 */
export function divide(groups: Groups, content: Float64Array, seeded: Float64Array, share: number): Division {
  const { size } = groups;
  const sizes = new Int32Array(size);
  const speakers = new Int32Array(size).fill(-1);
  for (let index = 0; index < size; index += 1) {
    const root = groups.rootOf(index);
    sizes[root] = (sizes[root] ?? 0) + 1;
    const speaker = speakers[root] ?? -1;
    if (speaker === -1 || (content[index] ?? 0) < (content[speaker] ?? 0)) speakers[root] = index;
  }
  // Half of an odd number is rounded down: validation gets no more than training.
  const wanted = Math.max(1, Math.min(Math.round(share * size), Math.floor(size / 2)));
  const taken = new Set<number>();
  let count = 0;
  let smallest = -1;
  for (const root of rootsInOrder(speakers, seeded)) {
    const members = sizes[root] ?? 0;
    if (count + members <= wanted) {
      taken.add(root);
      count += members;
    } else if (smallest === -1 || members < (sizes[smallest] ?? 0)) smallest = root;
  }
  if (smallest !== -1) {
    const members = sizes[smallest] ?? 0;
    const nearer = count + members - wanted < wanted - count;
    if ((count === 0 || nearer) && enoughLeft(size, count + members)) {
      taken.add(smallest);
      count += members;
    }
  }
  if (count === 0 || !enoughLeft(size, count)) return { inTheWay: largestGroups(groups, sizes) };
  return {
    validation: Uint8Array.from({ length: size }, (_, index) => (taken.has(groups.rootOf(index)) ? 1 : 0)),
  };
}

function enoughLeft(size: number, validation: number): boolean {
  return size - validation >= Math.max(MIN_TRAINING, validation);
}

/** The roots by the keys of who speaks for them. Sorted as numbers, which takes milliseconds, not a tenth of a second. */
function* rootsInOrder(speakers: Int32Array, seeded: Float64Array): Generator<number> {
  const roots = new Map<number, number>();
  for (const [root, speaker] of speakers.entries()) {
    if (speaker === -1) continue;
    let key = seeded[speaker] ?? 0;
    while (roots.has(key)) key += 1;
    roots.set(key, root);
  }
  for (const key of Float64Array.from(roots.keys()).toSorted()) yield roots.get(key) ?? 0;
}

function largestGroups(groups: Groups, sizes: Int32Array): TiedGroup[] {
  const members = new Map<number, number[]>();
  for (let index = 0; index < groups.size; index += 1) {
    const root = groups.rootOf(index);
    if ((sizes[root] ?? 0) < 2) continue;
    const group = members.get(root);
    if (group) group.push(index);
    else members.set(root, [index]);
  }
  return [...members]
    .toSorted(([a, one], [b, other]) => other.length - one.length || a - b)
    .slice(0, NAMED_GROUPS)
    .map(([root, group]) => ({ members: group, ties: groups.tiesOf(root) }));
}
