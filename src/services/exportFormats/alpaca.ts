/**
 * Alpaca, as LLaMA-Factory reads it: `{"instruction","input","output","system","history":[[question, answer],…]}`, where
 * `instruction` is the last question and `output` its answer; Axolotl reads the same without the history. Tools have no
 * place and are refused, and so is a conversation in which the two sides do not take turns.
 */
import { conversationOf, refusalOf } from './turns.ts';
import type { Format } from './types.ts';

export const alpaca: Format = {
  version: 1,
  extension: 'jsonl',
  contentType: 'application/jsonl; charset=utf-8',
  method: null,
  render(line, systemPrompt) {
    const refuse = refusalOf('ALPACA', line);
    const { system, messages, tools } = conversationOf(line, systemPrompt, refuse);
    if (tools || messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls?.length))
      refuse('tools');
    if (messages.some(({ role }, place) => (role === 'assistant') !== (place % 2 === 1))) {
      refuse('two messages of one side in a row, or a conversation that the assistant begins');
    }
    const texts = messages.map(({ content }) => content ?? '');
    const history: string[][] = [];
    for (let place = 0; place < texts.length - 2; place += 2) history.push(texts.slice(place, place + 2));
    const [instruction, output] = texts.slice(-2);
    const record = {
      instruction,
      input: '',
      output,
      system: system ?? undefined,
      history: history.length > 0 ? history : undefined,
    };
    return `${JSON.stringify(record)}\n`;
  },
};
