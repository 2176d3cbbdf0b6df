/** Counting tokens, against tiktoken (OpenAI's own, as WebAssembly) and gpt-tokenizer. */
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { get_encoding as getEncoding } from 'tiktoken';
import { tokenCounter, type TokenCounter } from '../src/services/tokens/counter.ts';
import { longestStall, median, race, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { conversations, randomWords, unbrokenPiece } from './texts.ts';

const MEGABYTE = 1_000_000;
/** Of tiktoken's speed. */
const GOALS = { conversations: 8, randomWords: 0.8 };
/** In milliseconds: longer, and others notice. */
const LONGEST_STALL = 50;
/** In seconds, for a piece of a megabyte. */
const PIECE_LIMIT = 5;
/** A piece that the peers still manage: theirs grows with its square. In characters. */
const PEERS_PIECE = 4000;

export const tokens: Benchmark = {
  name: 'tokens',
  group: 'data',
  async run(options) {
    const counter = await tokenCounter();
    return [
      await compare(counter, options, 'tokens', conversations, GOALS.conversations),
      await compare(counter, options, 'tokensRandomWords', randomWords, GOALS.randomWords),
      await onePiece(counter, options),
    ];
  },
};

/** Speed on texts that are new in every round, so that what is remembered helps no more than it does in use. */
async function compare(
  counter: TokenCounter,
  { scale, seed, rounds, tell }: BenchOptions,
  name: string,
  make: (seed: number, characters: number) => string[],
  goal: number,
): Promise<Figure> {
  tell(`${name}: ours, tiktoken and gpt-tokenizer in turns`);
  const tiktoken = getEncoding('o200k_base');
  const took = await race<string[]>(
    [
      { name: 'ours', run: (texts) => texts.map((text) => counter.count(text)) },
      { name: 'tiktoken', run: (texts) => texts.map((text) => tiktoken.encode(text, [], []).length) },
      { name: 'gptTokenizer', run: (texts) => texts.map((text) => countTokens(text, PLAIN)) },
    ],
    (round) => make(seed + round, scale * MEGABYTE),
    rounds,
  );
  tiktoken.free();
  const megabytes = Buffer.byteLength(make(seed, scale * MEGABYTE).join('')) / MEGABYTE;
  const speed = (contender: string) => megabytes / (took.get(contender) ?? NaN);
  return {
    name,
    unit: 'MB/s',
    ours: speed('ours'),
    limit: null,
    peer: speed('tiktoken'),
    goal: `${goal} times tiktoken`,
    reached: speed('ours') >= goal * speed('tiktoken'),
    also: { gptTokenizer: speed('gptTokenizer') },
  };
}

/** No text is special. */
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

/** A megabyte of letters without a break: it must not take the square of its length, nor hold anybody up. */
async function onePiece(counter: TokenCounter, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure> {
  tell('tokensOnePiece: letters without a break');
  checkAgainstPeer(counter, unbrokenPiece(seed, PEERS_PIECE));
  const seconds: number[] = [];
  const stalls: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const piece = unbrokenPiece(seed + round, scale * MEGABYTE);
    const start = performance.now();
    const stall = await longestStall(() => counter.countInTurns(piece));
    if (round === 0) continue;
    seconds.push((performance.now() - start) / 1000);
    stalls.push(stall);
  }
  const ours = median(seconds);
  const longest = Math.max(...stalls);
  return {
    name: 'tokensOnePiece',
    unit: 's',
    ours,
    limit: PIECE_LIMIT * scale,
    peer: null,
    goal: `within ${PIECE_LIMIT} s, no stall past ${LONGEST_STALL} ms`,
    reached: ours <= PIECE_LIMIT * scale && longest <= LONGEST_STALL,
    work: scale,
    also: { longestStallMs: longest },
  };
}

function checkAgainstPeer(counter: TokenCounter, piece: string): void {
  const tiktoken = getEncoding('o200k_base');
  const [ours, theirs] = [counter.count(piece), tiktoken.encode(piece, [], []).length];
  tiktoken.free();
  if (ours !== theirs) throw new Error(`Ours counts ${ours} tokens in an unbroken piece, tiktoken ${theirs}`);
}
