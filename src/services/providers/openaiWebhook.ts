/** What OpenAI's webhooks say, once it is certain that OpenAI says it. */
import OpenAI from 'openai';
import { z } from 'zod';
import { InvalidInputError, InvalidSignatureError } from '../errors.ts';
import type { ReadWebhook } from './port.ts';
import { parseJson } from '../../parseJson.ts';

/** The events that tell of a job's end; the names of others may grow, and are none of ours. */
const JOB_EVENTS = new Set([
  'fine_tuning.job.succeeded',
  'fine_tuning.job.failed',
  'fine_tuning.job.cancelled',
]);
const SIGNED_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

const eventSchema = z.object({
  type: z.string(),
  data: z.object({ id: z.string() }).optional().catch(undefined),
});

/** Reads webhooks signed with `secret`, not more than five minutes ago, which is the SDK's own limit. */
export function createOpenAiWebhookReader(client: OpenAI, secret: string): ReadWebhook {
  return async ({ body, headers }) => {
    const signed = Object.fromEntries(SIGNED_HEADERS.map((name) => [name, String(headers[name] ?? '')]));
    const missing = SIGNED_HEADERS.filter((name) => signed[name] === '');
    if (missing.length > 0) throw new InvalidSignatureError(`The header ${missing.join(', ')} is missing.`);
    try {
      await client.webhooks.verifySignature(body, signed, secret);
    } catch (error) {
      if (error instanceof OpenAI.InvalidWebhookSignatureError)
        throw new InvalidSignatureError(`${error.message}.`);
      throw error;
    }
    const event = eventSchema.safeParse(parseJson(body));
    if (!event.success)
      throw new InvalidInputError([{ field: 'body', message: 'must be an event as JSON, with a type' }]);
    const { type, data } = event.data;
    return JOB_EVENTS.has(type) ? (data?.id ?? null) : null;
  };
}
