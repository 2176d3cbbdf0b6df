/** The corpus of lines, files and launches with what the provider's documents say of them; see test/conformance/README.md. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const verdict = {
  name: z.string(),
  /** What says so. */
  document: z.string(),
  /** The rules by which it is refused; none when it is taken. */
  refusedBy: z.array(z.string()).default([]),
  /** The rules that advise against it though it is taken. */
  notes: z.array(z.string()).default([]),
};

const lineCase = z
  .strictObject({ ...verdict, line: z.unknown().optional(), raw: z.string().optional() })
  .transform(({ line, raw, ...rest }) => ({ ...rest, text: raw ?? JSON.stringify(line) }));

const part = z.union([
  z.string(),
  z.strictObject({ base64: z.string() }),
  z.strictObject({ repeat: z.string(), times: z.number() }),
  z.strictObject({ words: z.number() }),
  z.looseObject({ messages: z.array(z.unknown()) }),
]);
const fileCase = z.strictObject({
  ...verdict,
  format: z.string().default('OPENAI_CHAT_JSONL'),
  part: z.enum(['TRAINING', 'VALIDATION']).default('TRAINING'),
  /** How many good lines come first. */
  examples: z.number(),
  /** The lines after them. */
  more: z.array(part).default([]),
  mark: z.boolean().default(false),
  newline: z.string().default('\n'),
  /** What stands at the end of the last line. */
  end: z.string().optional(),
  /** The size to be told in place of the true one. */
  declaredBytes: z.number().optional(),
  /** Taken, but not to its end. */
  cut: z.boolean().default(false),
});
export type FileCase = z.infer<typeof fileCase>;

const launchCase = z.strictObject({
  ...verdict,
  method: z.enum(['supervised', 'dpo']),
  settings: z.strictObject({
    suffix: z.string().optional(),
    seed: z.number().optional(),
    hyperparameters: z
      .strictObject({
        nEpochs: z.number(),
        batchSize: z.number(),
        learningRateMultiplier: z.number(),
        beta: z.number(),
      })
      .partial()
      .optional(),
  }),
});

function read<T extends z.ZodType>(name: string, schema: T): z.output<T>[] {
  const text = readFileSync(new URL(`../conformance/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => schema.parse(JSON.parse(line)));
}

export const chatCases = read('chat', lineCase);
export const preferenceCases = read('preferences', lineCase);
export const fileCases = read('files', fileCase);
export const launchCases = read('launches', launchCase);

const GOOD: Record<string, (n: number) => string> = {
  OPENAI_CHAT_JSONL: (n) => JSON.stringify({ messages: [...asked(n), ...answered(`It is ${n}.`)] }),
  OPENAI_DPO_JSONL: (n) =>
    JSON.stringify({
      input: { messages: asked(n) },
      preferred_output: answered(`It is ${n}.`),
      non_preferred_output: answered('Who knows.'),
    }),
  SHAREGPT: (n) => JSON.stringify({ conversations: [{ from: 'human', value: `Question ${n}?` }] }),
  ALPACA: (n) => JSON.stringify({ instruction: `Question ${n}?`, output: `It is ${n}.` }),
  CSV: (n) => `"Question ${n}?","It is ${n}."`,
};
const asked = (n: number) => [{ role: 'user', content: `What is the answer to question ${n}?` }];
const answered = (content: string) => [{ role: 'assistant', content }];

/** The bytes of a case's file. */
export function bytesOf({ format, examples, more, mark, newline, end }: FileCase): Buffer {
  const good = GOOD[format];
  if (good === undefined) throw new Error(`No good lines are known of ${format}`);
  const lines = [
    ...Array.from({ length: examples }, (_, n) => Buffer.from(good(n))),
    ...more.map(bytesOfPart),
  ];
  const last = lines.length - 1;
  const ended = lines.flatMap((line, index) => [
    line,
    Buffer.from(index === last ? (end ?? newline) : newline),
  ]);
  return Buffer.concat([Buffer.from(mark ? '\uFEFF' : ''), ...ended]);
}

function bytesOfPart(given: z.output<typeof part>): Buffer {
  if (typeof given === 'string') return Buffer.from(given);
  if ('base64' in given && typeof given.base64 === 'string') return Buffer.from(given.base64, 'base64');
  if ('repeat' in given && typeof given.repeat === 'string')
    return Buffer.alloc(Number(given.times), given.repeat);
  if ('words' in given)
    return Buffer.from(
      JSON.stringify({ messages: [...asked(-1), ...answered('so '.repeat(Number(given.words)))] }),
    );
  return Buffer.from(JSON.stringify(given));
}
