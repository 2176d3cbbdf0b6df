/** One request to OpenAI's API: its deadline, the check of its answer and its failure, in one place. */
import type { z } from 'zod';
import { ProviderError } from '../errors.ts';
import { toProviderError, unreachable, unreadable, type ErrorContext } from './openaiErrors.ts';

/** What every request gives to the SDK. */
interface SentOptions {
  signal: AbortSignal;
  timeout: number;
  maxRetries: 0;
}

type Request = <Schema extends z.ZodType>(
  answer: Schema,
  limits: { signal: AbortSignal; timeoutMs: number },
  send: (options: SentOptions) => PromiseLike<unknown>,
) => Promise<z.output<Schema>>;

/**
 * Returns what sends one request, never two, and reads its answer. Its throws are ProviderErrors but for faults of
 * this program.
 *
 * The SDK's own timeout ends with the answer's headers, so a body that stalls would be waited for without end, and its
 * listener stays on the signal it was given, which here may live as long as the worker: hence a signal for each request.
 */
export function createRequest(context: ErrorContext): Request {
  return async (answer, { signal, timeoutMs }, send) => {
    const deadline = new AbortController();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      deadline.abort();
    }, timeoutMs);
    const giveUp = () => deadline.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (signal.aborted) throw unreachable(context, 'the request was broken off before it was sent');
      const body = await send({ signal: deadline.signal, timeout: timeoutMs, maxRetries: 0 });
      const read = answer.safeParse(body);
      if (read.success) return read.data;
      throw unreadable(context, typeof body === 'string' ? `"${body.slice(0, 100)}"` : faultsOf(read.error));
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      const known = toProviderError(context, error);
      // An answer that came before the signal did is worth more than the signal.
      if (known !== null && known.code !== 'PROVIDER_UNREACHABLE') throw known;
      if (late) throw unreachable(context, `no answer within ${timeoutMs / 1000} s`);
      if (signal.aborted) throw unreachable(context, 'the request was broken off');
      throw known ?? error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  };
}

/** Which fields are not as they should be; what stands in them is left out. */
function faultsOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'the answer'}: ${message}`)
    .join('; ');
}
