/**
 * Preference pairs as OpenAI trains on them: the answer that a reviewer repaired is preferred over the example's first
 * wording, which the call or a model gave. Weights are left out: of a pair only the two answers are learned.
 */
import { chatLineOf, type ChatFileMessage } from '../jsonl.ts';
import type { Format } from './types.ts';

export const openAiDpo: Format = {
  version: 1,
  extension: 'jsonl',
  contentType: 'application/jsonl; charset=utf-8',
  method: 'DPO',
  pairs: true,
  render({ wording, original }, systemPrompt) {
    if (original === null) throw new Error('The example has no first wording');
    const { messages, ...rest } = chatLineOf({ systemPrompt, ...wording });
    const first = chatLineOf({ systemPrompt, ...original });
    const pair = {
      input: { messages: messages.slice(0, -1).map(unweighted), ...rest },
      preferred_output: messages.slice(-1).map(unweighted),
      non_preferred_output: first.messages.slice(-1).map(unweighted),
    };
    return `${JSON.stringify(pair)}\n`;
  },
};

function unweighted(message: ChatFileMessage): ChatFileMessage {
  return { ...message, weight: undefined };
}
