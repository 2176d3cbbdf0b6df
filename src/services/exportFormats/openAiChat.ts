/** OpenAI's chat format, which Azure, Together, Fireworks and the open trainers read too. */
import { CHAT_LINE_VERSION, renderChatLine } from '../jsonl.ts';
import type { Format } from './types.ts';

export const openAiChat: Format = {
  version: CHAT_LINE_VERSION,
  extension: 'jsonl',
  contentType: 'application/jsonl; charset=utf-8',
  method: 'SUPERVISED',
  plain: true,
  render: ({ wording }, systemPrompt) => `${renderChatLine({ systemPrompt, ...wording })}\n`,
};
