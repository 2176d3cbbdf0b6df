/** A conversation with a tuned model. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { ModelNotReadyError } from './errors.ts';
import type { ChatAnswer, Provider } from './providers/port.ts';
import { unstorable } from './text.ts';

/** How long a person waits for the provider's answer, in milliseconds. */
const CHAT_TIMEOUT = 60_000;

export const chatSchema = z.object({
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'user', 'assistant']),
        content: z
          .string()
          .max(200_000)
          .refine((text) => unstorable(text) === null, 'is not valid text'),
      }),
    )
    .min(1, 'must hold at least one message')
    .max(200, 'may hold at most 200 messages'),
  maxTokens: z.number().int().min(1).max(32_768).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
});

export type ChatInput = z.input<typeof chatSchema>;
export type Chat = z.output<typeof chatSchema>;
/**
 * Asks the model that the run has tuned; the system prompt it was trained with is put first unless the messages bring
 * one. Throws ModelNotReadyError, ProviderError.
 */
export async function askModel(
  db: Pick<Database, 'withTenant'>,
  provider: Provider,
  run: TrainingRun,
  { messages, maxTokens = null, temperature = null }: Chat,
): Promise<ChatAnswer> {
  if (run.resultModelId === null) throw new ModelNotReadyError(run.status);
  const systemPrompt = await trainedPrompt(db, run);
  const withPrompt =
    systemPrompt === null || messages[0]?.role === 'system'
      ? messages
      : [{ role: 'system' as const, content: systemPrompt }, ...messages];
  return provider.chat(
    { model: run.resultModelId, messages: withPrompt, maxTokens, temperature },
    AbortSignal.timeout(CHAT_TIMEOUT),
  );
}

async function trainedPrompt(
  db: Pick<Database, 'withTenant'>,
  { tenantId, exportId }: TrainingRun,
): Promise<string | null> {
  if (exportId === null) return null;
  const where = { id: exportId, tenantId };
  const snapshot = await db.withTenant(tenantId, (tx) => tx.export.findFirst({ where }));
  return snapshot?.systemPrompt ?? null;
}
