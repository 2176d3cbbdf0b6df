/** Finding near-duplicates among 100,000 examples with planted pairs of known similarity: speed, recall, precision, memory. */
import { withNearDuplicateSearch } from '../src/services/nearDuplicateSearch.ts';
import { DEFAULT_THRESHOLD } from '../src/services/nearDuplicates.ts';
import { longestStall, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { seededRandom } from './random.ts';

const EXAMPLES = 100_000;
/** In seconds. */
const GOAL = 60;
const RECALL_GOAL = 0.95;
const LONGEST_STALL = 50;
const PAGE = 500;
const VOCABULARY = 5000;

export const nearDuplicates: Benchmark = {
  name: 'nearDuplicates',
  group: 'data',
  run: async (options) => [await measure(options)],
};

async function measure({ scale, seed, tell }: BenchOptions): Promise<Figure> {
  const texts = plantedTexts(seed, Math.round(EXAMPLES * scale));
  tell(`nearDuplicates: ${texts.length} examples, a tenth of them planted`);
  const before = process.memoryUsage().rss;
  let [seconds, peak, groups]: [number, number, number[][]] = [0, before, []];
  const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50);
  const stall = await longestStall(() =>
    withNearDuplicateSearch(async (search) => {
      const start = performance.now();
      for (let from = 0; from < texts.length; from += PAGE) {
        const page = texts.slice(from, from + PAGE);
        await search.add(page.map((text) => JSON.stringify([{ role: 'user', content: text }])));
      }
      groups = await search.groups(DEFAULT_THRESHOLD);
      seconds = (performance.now() - start) / 1000;
    }),
  );
  clearInterval(watching);
  const { recall, planted, precision } = judge(texts, groups);
  return {
    name: 'nearDuplicates',
    unit: 's',
    ours: seconds,
    limit: GOAL,
    peer: null,
    goal: `under ${GOAL} s, recall ${RECALL_GOAL}, precision 1, no stall over ${LONGEST_STALL} ms`,
    reached: seconds < GOAL && recall >= RECALL_GOAL && precision === 1 && stall < LONGEST_STALL,
    work: texts.length,
    also: {
      recall,
      precision,
      planted,
      groups: groups.length,
      stallMs: stall,
      megabytes: (peak - before) / 1e6,
    },
  };
}

/** Every tenth text is the one before it with up to five words exchanged. */
function plantedTexts(seed: number, count: number): string[] {
  const { below, pick, random } = seededRandom(seed);
  const vocabulary = Array.from({ length: VOCABULARY }, (_, index) => `w${index.toString(36)}`);
  // Some words are said far more often than others.
  const word = () => vocabulary[Math.floor(VOCABULARY * random() ** 2)] ?? pick(vocabulary);
  const texts: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const words =
      (index % 10 === 9 ? texts.at(-1)?.split(' ') : null) ?? Array.from({ length: 60 + below(180) }, word);
    if (index % 10 === 9)
      for (let change = below(6); change > 0; change -= 1) words[below(words.length)] = word();
    texts.push(words.join(' '));
  }
  return texts;
}

/** By the similarity of shingles compared as texts, with nothing of the product's own code. */
function judge(texts: readonly string[], groups: readonly number[][]) {
  const groupOf = new Map(groups.flatMap((group, place) => group.map((index) => [index, place] as const)));
  let [planted, found] = [0, 0];
  for (let index = 9; index < texts.length; index += 10) {
    if (jaccard(texts[index - 1] ?? '', texts[index] ?? '') < DEFAULT_THRESHOLD) continue;
    planted += 1;
    const group = groupOf.get(index);
    if (group !== undefined && group === groupOf.get(index - 1)) found += 1;
  }
  // A member belongs to its group when another of it is as similar as asked.
  let [members, right] = [0, 0];
  for (const group of groups) {
    for (const one of group) {
      members += 1;
      const similar = (other: number) =>
        other !== one && jaccard(texts[one] ?? '', texts[other] ?? '') >= DEFAULT_THRESHOLD;
      if (group.some(similar)) right += 1;
    }
  }
  return {
    planted,
    recall: planted === 0 ? 1 : found / planted,
    precision: members === 0 ? 1 : right / members,
  };
}

function jaccard(a: string, b: string): number {
  const [one, other] = [shingles(a), shingles(b)];
  let common = 0;
  for (const shingle of one) if (other.has(shingle)) common += 1;
  return common / (one.size + other.size - common);
}

function shingles(text: string): Set<string> {
  const words = text.split(' ');
  return new Set(words.slice(2).map((word, index) => `${words[index]} ${words[index + 1]} ${word}`));
}
