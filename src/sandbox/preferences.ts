import { z } from 'zod';
import {
  chatMessage,
  judgeEnd,
  judgeMessages,
  LineFault,
  offered,
  parseLine,
  readExample,
  type ChatMessage,
  type Example,
  type Line,
} from './lines.ts';
import { countExample, countMessage, MAX_EXAMPLE_TOKENS } from './tokens.ts';

const preference = z.strictObject({
  input: z.strictObject({ messages: z.array(chatMessage).min(1), ...offered }),
  preferred_output: z.array(chatMessage).min(1),
  non_preferred_output: z.array(chatMessage).min(1),
});

/** How a job trains. */
export type MethodType = 'supervised' | 'dpo';

/** A line of a training file, whatever its format. */
export interface TrainingLine {
  /** What is to be learned from it: what is not has weight 0. */
  learned: Example;
  /** What it is billed as: the conversation with all its answers, each way of ending it up to the cap. */
  tokens: number;
}

/** Reads a line in the format of the method. Throws LineFault. */
export function readTrainingLine(line: Line, method: MethodType): TrainingLine {
  if (method === 'dpo') return readPreference(line);
  const learned = readExample(line);
  return { learned, tokens: countExample(learned) };
}

/**
 * A line of preference data: what was said, the answer that is preferred and the one that is not. A model that counts
 * words learns the preferred answer, and nothing of the other.
 */
function readPreference(line: Line): TrainingLine {
  const { input, preferred_output: preferred, non_preferred_output: other } = parseLine(line, preference);
  for (const said of [...input.messages, ...preferred, ...other]) judgeText(line, said);
  const unlearned = input.messages.map((said) =>
    said.role === 'assistant' ? { ...said, weight: 0 as const } : said,
  );
  for (const [key, output] of Object.entries({ preferred_output: preferred, non_preferred_output: other })) {
    judgeOutput(line, key, output);
    judgeMessages(line, [...unlearned, ...output]);
  }
  const learned = { ...input, messages: [...unlearned, ...preferred] };
  const rest = other.reduce((sum, message) => sum + countMessage(message), 0);
  return { learned, tokens: countExample(learned) + Math.min(rest, MAX_EXAMPLE_TOKENS) };
}

/** An output is the assistant's: it calls tools, hears what they answer, and speaks. */
function judgeOutput(line: Line, key: string, output: readonly ChatMessage[]): void {
  for (const [index, { role }] of output.entries()) {
    if (role === 'assistant' || role === 'tool') continue;
    throw new LineFault(line.number, `, key "${key}.${index}.role": must be assistant or tool.`);
  }
  judgeEnd(line, `, key "${key}"`, output);
}

/** Preference data is text alone, and has no weights. */
function judgeText(line: Line, said: ChatMessage): void {
  if ('weight' in said) throw new LineFault(line.number, ', key "weight": is of supervised lines alone.');
  const { content } = said;
  if (Array.isArray(content) && content.some((part) => part.type !== 'text'))
    throw new LineFault(line.number, ', key "content": may be text alone.');
}
