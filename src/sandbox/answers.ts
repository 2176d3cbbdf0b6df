import { readLines, type ChatMessage } from './lines.ts';
import { cueOf, NgramModel } from './ngram.ts';
import { readTrainingLine, type MethodType } from './preferences.ts';
import { slices } from './slices.ts';
import { answerIds, turnCue, turnsOf, type Context } from './turns.ts';

/** Models kept ready, and answers one of them knows; of a longer file a regular sample is taken. */
const MAX_READY = 4;
const MAX_ANSWERS = 20_000;
/** The n-gram model, there only for questions that share no word with the data, learns the first of them. */
const MAX_LEARNED = 2_000;
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

/** What a tuned model was trained on, and how. */
export interface Trained {
  path: string;
  method: MethodType;
  examples: number;
  multiplier: number;
}

/** A file's answerer, made when first asked for; the four used last are kept. */
export interface Answerers {
  of(job: Trained & { id: string }): Promise<Answerer>;
}

export function openAnswerers(signal: AbortSignal): Answerers {
  const ready = new Map<string, Promise<Answerer>>();
  return {
    of({ id, ...trained }) {
      const known = ready.get(id) ?? load(trained, signal);
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
async function load({ path, method, examples, multiplier }: Trained, signal: AbortSignal): Promise<Answerer> {
  const breathe = slices(signal);
  const stride = Math.max(1, Math.ceil(examples / MAX_ANSWERS));
  const model = new NgramModel(multiplier);
  const answers: Answer[] = [];
  const postings = new Map<string, Posting>();

  for await (const line of readLines(path)) {
    if (line.number % stride !== 0) continue;
    const { learned: example } = readTrainingLine(line, method);
    for (const turn of turnsOf(example)) {
      const said = example.messages[turn.at];
      if (said?.role !== 'assistant' || answers.length >= MAX_ANSWERS) continue;
      if (answers.length < MAX_LEARNED) model.learn(turnCue(turn), answerIds(model, example, turn));
      for (const [word, count] of weigh(turn.context)) post(postings, word, answers.length, count);
      answers.push({ content: said.content, ...(said.tool_calls && { tool_calls: said.tool_calls }) });
      await breathe();
    }
  }

  const idf = ({ answers: having }: Posting) => Math.log(1 + answers.length / having.length);
  const lengths = new Float64Array(answers.length);
  for (const posting of postings.values()) {
    for (const [at, answer] of posting.answers.entries()) {
      lengths[answer] = (lengths[answer] ?? 0) + ((posting.counts[at] ?? 0) * idf(posting)) ** 2;
    }
    await breathe();
  }

  return {
    answer(context) {
      const scores = new Float64Array(answers.length);
      for (const [word, count] of weigh(context)) {
        const posting = postings.get(word);
        if (posting === undefined) continue;
        const weight = count * idf(posting) ** 2;
        for (const [at, answer] of posting.answers.entries()) {
          scores[answer] =
            (scores[answer] ?? 0) + (weight * (posting.counts[at] ?? 0)) / Math.sqrt(lengths[answer] ?? 1);
        }
      }
      let best = -1;
      let bestScore = 0;
      // The margin keeps rounding from choosing between answers to the same words: the first one wins.
      for (const [answer, score] of scores.entries())
        if (score > bestScore + 1e-9) [best, bestScore] = [answer, score];
      return answers[best] ?? { content: model.generate(cueOf(context.last), MAX_MADE_UP) };
    },
  };
}

/** The answers whose context has a word, and how much of it: two plain arrays, many times smaller than objects. */
interface Posting {
  answers: number[];
  counts: number[];
}

function post(postings: Map<string, Posting>, word: string, answer: number, count: number): void {
  const posting = postings.get(word);
  if (posting === undefined) postings.set(word, { answers: [answer], counts: [count] });
  else {
    posting.answers.push(answer);
    posting.counts.push(count);
  }
}

function weigh(context: Context): Map<string, number> {
  const vector = new Map<string, number>();
  for (const word of context.last) vector.set(word, (vector.get(word) ?? 0) + 1);
  for (const word of context.earlier) vector.set(word, (vector.get(word) ?? 0) + EARLIER_WEIGHT);
  return vector;
}
