/** Finding personal data: how much is found of what is labelled, how fast, and what redacting an export costs. */
import { findPersonalData } from '../src/services/personalData/find.ts';
import { PERSONAL_DATA_KINDS, type PersonalDataKind } from '../src/services/personalData/kinds.ts';
import { createPersonalDataSearch } from '../src/services/personalData/thread.ts';
import { readCorpus, scoreOf, type Line, type Score } from '../test/personalData/corpus.ts';
import { longestStall, median, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { conversations } from './texts.ts';

const MEGABYTE = 1_000_000;
const LONGEST_STALL = 50;
/** Examples of this many characters, of which an export of 100,000 is measured. */
const EXAMPLE = 1200;
const EXAMPLES = 100_000;
/** "Well under a few minutes", in seconds. */
const EXPORT_GOAL = 180;
/** Lines at a time; a tenth of the examples is measured. */
const PAGE = 500;

export const personalData: Benchmark = {
  name: 'personalData',
  group: 'data',
  async run(options) {
    const corpus = readCorpus();
    return [...quality(corpus), speed(corpus, options), await redacting(corpus, options)];
  },
};

const structured = (kind: PersonalDataKind): boolean => kind !== 'NAME';
const named = (kind: PersonalDataKind): boolean => kind === 'NAME';

function quality(corpus: Line[]): Figure[] {
  const all = scoreOf(corpus, findPersonalData);
  const heldOut = scoreOf(
    corpus.filter((line) => line.heldOut),
    findPersonalData,
  );
  return [
    share('structuredRecall', all, heldOut, structured, 'recall', 0.98),
    share('structuredPrecision', all, heldOut, structured, 'precision', 0.9),
    share('nameRecall', all, heldOut, named, 'recall', 0.85),
    share('namePrecision', all, heldOut, named, 'precision', 0.9),
  ];
}

function share(
  name: string,
  all: Map<PersonalDataKind, Score>,
  heldOut: Map<PersonalDataKind, Score>,
  which: (kind: PersonalDataKind) => boolean,
  what: 'recall' | 'precision',
  goal: number,
): Figure {
  const of = (scores: Map<PersonalDataKind, Score>, kinds: PersonalDataKind[]): number => {
    const held = kinds.flatMap((kind) => scores.get(kind) ?? []);
    const sum = (count: (score: Score) => number) => held.reduce((total, score) => total + count(score), 0);
    return what === 'recall'
      ? sum((score) => score.recalled) / sum((score) => score.labels)
      : sum((score) => score.right) / sum((score) => score.findings);
  };
  const kinds = PERSONAL_DATA_KINDS.filter(which);
  const ours = of(all, kinds);
  return {
    name,
    unit: 'share',
    ours,
    limit: 1,
    peer: null,
    goal: `at least ${goal}`,
    reached: ours >= goal,
    also: {
      heldOut: of(heldOut, kinds),
      ...Object.fromEntries(kinds.map((kind) => [kind, of(all, [kind])])),
    },
  };
}

/** Talk as it is, every tenth line of it with what the corpus has; new in every round. */
function texts(corpus: Line[], seed: number, characters: number): string[] {
  return conversations(seed, characters).map((text, index) =>
    index % 10 === 0 ? `${text} ${corpus[index % corpus.length]?.text ?? ''}` : text,
  );
}

function speed(corpus: Line[], { scale, seed, rounds, tell }: BenchOptions): Figure {
  tell('personalData: texts searched in this thread');
  const speeds: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const some = texts(corpus, seed + round, scale * MEGABYTE);
    const start = performance.now();
    for (const text of some) findPersonalData(text);
    const megabytes = Buffer.byteLength(some.join('')) / MEGABYTE;
    if (round > 0) speeds.push((megabytes / (performance.now() - start)) * 1000);
  }
  const ours = median(speeds);
  return {
    name: 'personalDataSpeed',
    unit: 'MB/s',
    ours,
    limit: null,
    peer: null,
    goal: 'at least 1',
    reached: ours >= 1,
  };
}

/** What an export under REDACT does with each line, in the thread that does it: redact, then inspect what was rendered. */
async function redacting(corpus: Line[], { scale, seed, tell }: BenchOptions): Promise<Figure> {
  const examples = Math.max(PAGE, Math.round((EXAMPLES / 10) * scale));
  tell(`personalDataExport: ${examples} examples redacted and inspected, one by one as an export does`);
  const search = createPersonalDataSearch();
  const lines = texts(corpus, seed, examples * EXAMPLE);
  const perExample = Math.max(1, Math.floor(lines.length / examples));
  await search.inspect(['{"messages":[]}']); // The thread starts.
  let seconds = 0;
  const stall = await longestStall(async () => {
    const start = performance.now();
    for (let index = 0; index < examples; index += 1) {
      const said = lines.slice(index * perExample, (index + 1) * perExample);
      const messages = said.map((content, turn) => ({
        role: turn % 2 === 0 ? 'user' : 'assistant',
        content,
      }));
      const [redacted] = await search.redact([{ systemPrompt: null, wordings: [messages] }]);
      await search.inspect([JSON.stringify({ messages: redacted?.wordings[0] })]);
    }
    seconds = (performance.now() - start) / 1000;
  });
  const ours = (seconds / examples) * EXAMPLES;
  return {
    name: 'personalDataExport',
    unit: 's for 100,000 examples',
    ours,
    limit: null,
    peer: null,
    goal: `less than ${EXPORT_GOAL}, no stall over ${LONGEST_STALL} ms`,
    reached: ours < EXPORT_GOAL && stall < LONGEST_STALL,
    also: { stallMs: stall, charactersAnExample: EXAMPLE },
  };
}
