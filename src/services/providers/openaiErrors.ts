/** What can go wrong with OpenAI's API, as ProviderError with codes that stay when the SDK or the wording changes. */
import { APIError } from 'openai';
import { z } from 'zod';
import { ProviderError } from '../errors.ts';

export interface ErrorContext {
  provider: string;
  /** Cut out of whatever the provider says, should it ever repeat it. */
  apiKey: string;
  /** Where a wrong key is put right. */
  keyHint: string;
}

/** Codes under which OpenAI says that money is missing; the HTTP status differs. */
const QUOTA_CODES = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active']);

/** Refusals that another attempt may overcome: the server gave up waiting, or something held a lock. */
const PASSING_REFUSALS = new Set([408, 409, 425]);

/** An hour named by a broken proxy must not park a run for years: the longest wait that is believed, in seconds. */
const LONGEST_RETRY_AFTER = 86_400;

/** The provider's own words are cut to this many characters: a gateway answers with a page of HTML. */
const LONGEST_DETAIL = 500;

/** The request was never answered, or not wholly: what became of it at the provider is unknown. */
export function unreachable(context: ErrorContext, why: string): ProviderError {
  return new ProviderError(
    'PROVIDER_UNREACHABLE',
    `${context.provider} could not be reached: ${why}. If this lasts, check the network and the provider's address.`,
    true,
  );
}

/** The provider said yes, but in a form that we cannot read: what became of the request is unknown. */
export function unreadable(context: ErrorContext, why: string): ProviderError {
  return new ProviderError(
    'PROVIDER_ANSWER_UNREADABLE',
    `${context.provider} answered something that is not its API: ${clean(context, why)}. Check the provider's address and for a proxy in between.`,
    true,
  );
}

/** What was thrown while asking, as a ProviderError; null for what is no failure of the provider's but ours. */
export function toProviderError(context: ErrorContext, error: unknown): ProviderError | null {
  if (error instanceof APIError) {
    return typeof error.status === 'number'
      ? refusal(context, error, error.status)
      : unreachable(context, networkCode(error) ?? 'the connection failed');
  }
  // The SDK reads a body without translating what goes wrong there.
  if (error instanceof SyntaxError) return unreadable(context, 'broken JSON');
  const broken = networkCode(error);
  return broken === null ? null : unreachable(context, broken);
}

const final = (code: string, message: string) => new ProviderError(code, message, false);

function refusal(context: ErrorContext, error: APIError, status: number): ProviderError {
  const { provider } = context;
  const { code, type, detail } = readBody(context, error);
  const retryAfter = retryAfterSeconds(error.headers);
  const passing = (name: string, message: string) => new ProviderError(name, message, true, retryAfter);

  if (QUOTA_CODES.has(code) || QUOTA_CODES.has(type)) {
    return final(
      'PROVIDER_QUOTA_EXCEEDED',
      `${provider} says that the account has no quota left. Add credit there, then launch again.`,
    );
  }
  if (code === 'training_not_available') {
    return final(
      'PROVIDER_TRAINING_NOT_AVAILABLE',
      `${provider} no longer lets this organisation launch fine-tuning jobs. Launch on another provider; the export can be used there as it is.`,
    );
  }
  if (status === 429) {
    return passing('PROVIDER_RATE_LIMITED', `${provider} asks for fewer requests: ${detail}`);
  }
  if (status === 401) {
    // Its own message repeats a part of the key.
    return final('PROVIDER_UNAUTHORIZED', `${provider} does not accept the API key. ${context.keyHint}`);
  }
  if (status === 403) {
    return final('PROVIDER_FORBIDDEN', `The API key may not do this at ${provider}: ${detail}`);
  }
  if (status === 404) return final('PROVIDER_NOT_FOUND', `${provider} does not have it: ${detail}`);
  if (status >= 500) return passing('PROVIDER_FAILED', `${provider} failed (HTTP ${status}): ${detail}`);
  if (status < 400) {
    return final(
      'PROVIDER_REFUSED',
      `${provider} answered with a redirect (HTTP ${status}), which is not followed: it could repeat a launch. Check the provider's address.`,
    );
  }
  const message = `${provider} refused (HTTP ${status}): ${detail}`;
  return PASSING_REFUSALS.has(status)
    ? passing('PROVIDER_REFUSED', message)
    : final('PROVIDER_REFUSED', message);
}

const errorBody = z.union([
  z.string().transform((message) => ({ message, code: '', type: '' })),
  z.object({
    message: z.string().catch(''),
    code: z.string().catch(''),
    type: z.string().catch(''),
  }),
]);

/** The SDK hands over the body's `error`, of whatever shape; a body that is no JSON stands in its message only. */
function readBody(context: ErrorContext, error: APIError) {
  const { message, code, type } = errorBody.safeParse(error.error).data ?? {
    message: '',
    code: '',
    type: '',
  };
  return { code, type, detail: clean(context, message || error.message) };
}

function clean({ apiKey }: ErrorContext, text: string): string {
  const storable = text.replaceAll('\u0000', '').toWellFormed().replaceAll(/\s+/g, ' ').trim();
  const safe = apiKey === '' ? storable : storable.replaceAll(apiKey, '***');
  return safe.length > LONGEST_DETAIL ? `${safe.slice(0, LONGEST_DETAIL).toWellFormed()}…` : safe;
}

/** The system's or undici's code at the bottom of an error (`ECONNRESET`, `UND_ERR_SOCKET`), or null. */
function networkCode(error: unknown): string | null {
  let deepest: string | null = null;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const nested = cause instanceof AggregateError ? cause.errors : [];
    for (const one of [cause, ...nested]) {
      if (one instanceof Error && 'code' in one && typeof one.code === 'string') deepest = one.code;
    }
  }
  return deepest;
}

/**
 * How long the answer asks to be left alone, in whole seconds, 0 to 86,400; null when it does not say. `retry-after-ms`
 * is OpenAI's own; `Retry-After` gives seconds or a date, which is compared with the answer's own, as clocks differ.
 */
function retryAfterSeconds(headers: Headers | undefined, now = Date.now()): number | null {
  const [inMs, after] = [headers?.get('retry-after-ms')?.trim(), headers?.get('retry-after')?.trim()];
  if (inMs && Number.isFinite(Number(inMs))) return believed(Number(inMs) / 1000);
  if (!after) return null;
  if (Number.isFinite(Number(after))) return believed(Number(after));
  const until = Date.parse(after);
  if (Number.isNaN(until)) return null;
  const sent = Date.parse(headers?.get('date') ?? '');
  return believed((until - (Number.isNaN(sent) ? now : sent)) / 1000);
}

function believed(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 0), LONGEST_RETRY_AFTER);
}
