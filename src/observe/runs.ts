/** Work on one training run: traced, and its log lines name the run. */
import { within } from './logContext.ts';
import { inSpan } from './spans.ts';

/** `what` is done with it, in a word: `advance`, `poll`. */
export function onRun<T>(
  { id: runId, tenantId }: { id: string; tenantId: string },
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const attributes = { 'tunesmith.run_id': runId, 'tunesmith.tenant_id': tenantId };
  return within({ runId, tenantId }, () => inSpan({ name: `run ${what}`, attributes }, work));
}
