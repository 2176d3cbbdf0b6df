import type { ExportPart } from '../../generated/prisma/client.ts';
import type { LineStage } from '../exportStage.ts';
import {
  exampleTokens,
  hasOwnSystemPrompt,
  messageTokens,
  systemPromptTokens,
  type Wording,
} from './chat.ts';
import { LONG_EXAMPLE } from './longExamples.ts';

/**
 * Counts an export's tokens as its lines are written: in the wording that stands in the file, also where personal data
 * was replaced. What was counted when an example was stored is not counted again. A preference pair is its conversation and both answers. The last of the stages.
 */
export const countExportTokens: LineStage = (frozen) => {
  const sums = { TRAINING: 0, VALIDATION: 0 };
  const longExamples: number[] = [];
  /** The system prompt's. */
  let prompt = 0;

  function add(part: ExportPart, tokens: number): void {
    sums[part] += tokens;
    if (part === 'TRAINING' && tokens > LONG_EXAMPLE) longExamples.push(tokens);
  }

  return {
    async begin() {
      prompt = await systemPromptTokens(frozen.systemPrompt);
    },
    async inspect(_text, { part, wording, original }) {
      const own = hasOwnSystemPrompt(wording.messages);
      const rejected = original === null ? 0 : await lastMessageTokens(original);
      add(part, (await exampleTokens(wording)) + (own ? 0 : prompt) + rejected);
    },
    inspectCounted(part, tokens, ownsPrompt) {
      add(part, tokens + (ownsPrompt ? 0 : prompt));
    },
    finish: () => ({
      tokens: BigInt(sums.TRAINING),
      longExamples,
      ...(frozen.validationExampleCount > 0 && { validationTokens: BigInt(sums.VALIDATION) }),
    }),
  };
};

async function lastMessageTokens({ messages }: Wording): Promise<number> {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  return messageTokens({ role: 'assistant', ...(typeof last === 'object' && last) });
}
