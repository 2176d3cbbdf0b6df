import { z } from 'zod';
import type { Answer, Answerers } from './answers.ts';
import { ApiError, ok, readJson, type Call, type Reply } from './http.ts';
import { newId } from './ids.ts';
import type { JobBook } from './jobs.ts';
import { baseModel, makerOf } from './models.ts';
import { hyperparametersOf, readParams } from './params.ts';
import { countText, pieces, textOf } from './tokens.ts';
import { contextOf } from './turns.ts';

const part = z.union([
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: z.string() }) }),
]);
const said = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
});
/** What the sandbox heeds; sampling parameters change nothing here and are passed over. */
const chatParams = z.looseObject({
  model: z.string(),
  messages: z.array(said).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.literal(1).nullish(),
});
type ChatParams = z.infer<typeof chatParams>;

interface Choice {
  /** The pieces of the text, one a token. */
  tokens: string[];
  toolCalls: NonNullable<Answer['tool_calls']> | undefined;
  finish: 'stop' | 'length' | 'tool_calls';
}

/** `POST /chat/completions`: a tuned model answers from its training data, a base model says what it is. */
export function chatRoute(
  book: JobBook,
  answerers: Answerers,
  now: () => number,
): (call: Call) => Promise<Reply> {
  async function answer(params: ChatParams): Promise<Answer> {
    if (baseModel(params.model) !== undefined) {
      return {
        content: `I am ${params.model}, the sandbox's untuned base model: tune me and I answer from your data.`,
      };
    }
    const maker = makerOf(book, params.model);
    if (maker === undefined) {
      throw new ApiError(
        404,
        `The model \`${params.model}\` does not exist or you do not have access to it.`,
        {
          code: 'model_not_found',
        },
      );
    }
    const { id, method } = maker.job;
    const answerer = await answerers.of({
      id,
      path: book.dataPath(id, 'train'),
      method: method.type,
      examples: maker.count?.examples ?? 0,
      multiplier: Number(hyperparametersOf(method).learning_rate_multiplier),
    });
    return answerer.answer(
      contextOf(params.messages.map(({ role, content }) => ({ role, text: textIn(content) }))),
    );
  }

  return async ({ request }) => {
    const params = readParams(chatParams, await readJson(request));
    const choice = choose(
      await answer(params),
      params.max_completion_tokens ?? params.max_tokens ?? Infinity,
    );
    const head = { id: newId('chatcmpl-'), created: Math.floor(now() / 1000), model: params.model };
    const usage = usageOf(params, choice);
    if (params.stream) return { kind: 'sse', events: chunks(head, choice, params, usage) };
    const message = {
      role: 'assistant',
      content: choice.tokens.length > 0 || choice.toolCalls === undefined ? choice.tokens.join('') : null,
      refusal: null,
      ...(choice.toolCalls && { tool_calls: choice.toolCalls }),
    };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: choice.finish }];
    return ok({ ...head, object: 'chat.completion', choices, usage });
  };
}

function textIn(content: ChatParams['messages'][number]['content']): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((one) => ('text' in one ? String(one.text) : '')).join('');
}

function choose(answer: Answer, limit: number): Choice {
  const all = [...pieces(textOf({ content: answer.content ?? '' }))];
  const tokens = all.slice(0, limit);
  if (tokens.length < all.length) return { tokens, toolCalls: undefined, finish: 'length' };
  const toolCalls = answer.tool_calls;
  return { tokens, toolCalls, finish: toolCalls === undefined ? 'stop' : 'tool_calls' };
}

/** Counted by the sandbox's own tokenizer; a message costs 4 and an answer's beginning 3, as in training. */
function usageOf(params: ChatParams, choice: Choice) {
  const prompt_tokens = params.messages.reduce((sum, { content }) => sum + 4 + countText(textIn(content)), 3);
  const calls = choice.toolCalls === undefined ? 0 : countText(JSON.stringify(choice.toolCalls));
  const completion_tokens = choice.tokens.length + calls;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function* chunks(
  head: { id: string; created: number; model: string },
  choice: Choice,
  params: ChatParams,
  usage: ReturnType<typeof usageOf>,
) {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  yield chunk({ role: 'assistant', content: '' });
  for (const content of choice.tokens) yield chunk({ content });
  if (choice.toolCalls !== undefined) {
    yield chunk({ tool_calls: choice.toolCalls.map((call, index) => ({ index, ...call })) });
  }
  yield chunk({}, choice.finish);
  if (params.stream_options?.include_usage) {
    yield { ...head, object: 'chat.completion.chunk', choices: [], usage };
  }
}
