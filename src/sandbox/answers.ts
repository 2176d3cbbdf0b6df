import { readExample, readLines, type ChatMessage } from './lines.ts';
import { cueOf, NgramModel } from './ngram.ts';
import { slices } from './slices.ts';
import { answerIds, turnCue, turnsOf, type Context } from './turns.ts';

/** Models kept ready, and answers one of them knows; of a longer file a regular sample is taken. */
const MAX_READY = 4;
const MAX_ANSWERS = 20_000;
/** What was said earlier counts this much beside the last message. */
const EARLIER_WEIGHT = 0.2;
/** An answer made up by the n-gram model ends here, in tokens. */
const MAX_MADE_UP = 80;

/** An answer: words, tool calls, or both. */
export type Answer = Pick<Extract<ChatMessage, { role: 'assistant' }>, 'content' | 'tool_calls'>;

/** What a tuned model can do. */
export interface Answerer {
  answer(context: Context): Answer;
}

/** A file's answerer, made when first asked for; the four used last are kept. */
export interface Answerers {
  of(job: { id: string; path: string; examples: number; multiplier: number }): Promise<Answerer>;
}

export function openAnswerers(signal: AbortSignal): Answerers {
  const ready = new Map<string, Promise<Answerer>>();
  return {
    of({ id, path, examples, multiplier }) {
      const known = ready.get(id) ?? load(path, examples, multiplier, signal);
      // Taken out and put back, the entry is the youngest; the oldest is first in a Map's order.
      ready.delete(id);
      ready.set(id, known);
      known.catch(() => ready.delete(id));
      for (const oldest of ready.keys()) {
        if (ready.size <= MAX_READY) break;
        ready.delete(oldest);
      }
      return known;
    },
  };
}

/**
 * Reads the training data a model was made from, and answers from it: with the answer whose context is most
 * similar, by the cosine of TF-IDF vectors over words (the last message weighs 1, earlier ones 0.2), so that a
 * question asked as it was trained finds its own answer. Where no word is shared, the n-gram model makes one up.
 */
async function load(
  path: string,
  examples: number,
  multiplier: number,
  signal: AbortSignal,
): Promise<Answerer> {
  const breathe = slices(signal);
  const stride = Math.max(1, Math.ceil(examples / MAX_ANSWERS));
  const model = new NgramModel(multiplier);
  const answers: Answer[] = [];
  const vectors: Map<string, number>[] = [];
  const frequency = new Map<string, number>();

  for await (const line of readLines(path)) {
    if (line.number % stride !== 0) continue;
    const example = readExample(line);
    for (const turn of turnsOf(example)) {
      const said = example.messages[turn.at];
      if (said?.role !== 'assistant' || answers.length >= MAX_ANSWERS) continue;
      model.learn(turnCue(turn), answerIds(model, example, turn));
      const vector = weigh(turn.context);
      for (const word of vector.keys()) frequency.set(word, (frequency.get(word) ?? 0) + 1);
      vectors.push(vector);
      answers.push({ content: said.content, ...(said.tool_calls && { tool_calls: said.tool_calls }) });
      await breathe();
    }
  }

  const idf = (word: string) => Math.log(1 + vectors.length / (frequency.get(word) ?? vectors.length));
  const postings = new Map<string, { answer: number; weight: number }[]>();
  for (const [answer, vector] of vectors.entries()) {
    const norm = lengthOf(vector, idf);
    for (const [word, count] of vector) {
      const list = postings.get(word) ?? [];
      list.push({ answer, weight: (count * idf(word)) / norm });
      postings.set(word, list);
    }
    await breathe();
  }

  return {
    answer(context) {
      const scores = new Float64Array(answers.length);
      let best = -1;
      let bestScore = 0;
      for (const [word, count] of weigh(context)) {
        for (const { answer, weight } of postings.get(word) ?? []) {
          const score = (scores[answer] ?? 0) + weight * count * idf(word);
          scores[answer] = score;
        }
      }
      for (const [answer, score] of scores.entries())
        if (score > bestScore + 1e-12) [best, bestScore] = [answer, score];
      return answers[best] ?? { content: model.generate(cueOf(context.last), MAX_MADE_UP) };
    },
  };
}

function weigh(context: Context): Map<string, number> {
  const vector = new Map<string, number>();
  for (const word of context.last) vector.set(word, (vector.get(word) ?? 0) + 1);
  for (const word of context.earlier) vector.set(word, (vector.get(word) ?? 0) + EARLIER_WEIGHT);
  return vector;
}

function lengthOf(vector: ReadonlyMap<string, number>, idf: (word: string) => number): number {
  let sum = 0;
  for (const [word, count] of vector) sum += (count * idf(word)) ** 2;
  return Math.sqrt(sum) || 1;
}
