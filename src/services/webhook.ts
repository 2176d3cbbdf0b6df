/**
 * What providers tell by themselves. It is a hint: of a webhook only the job's id is believed, and the poller looks for
 * itself. Without webhooks everything happens as well, a tick later.
 */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { WebhookNotSetUpError } from './errors.ts';
import type { Providers, WebhookRequest } from './providers/port.ts';
import type { RunPoller } from './runPoller.ts';

export interface WebhookServiceOptions {
  db: Pick<Database, 'asSystem'>;
  providers: Providers;
  poller: Pick<RunPoller, 'pollOne'>;
  onError: (error: unknown, run: TrainingRun) => void;
}

export type WebhookService = ReturnType<typeof createWebhookService>;

export function createWebhookService({ db, providers, poller, onError }: WebhookServiceOptions) {
  const closing = new AbortController();
  /** The runs to look at, by id: a job that is told of twice is looked at once. */
  const waiting = new Map<string, TrainingRun>();
  let looking: Promise<void> | undefined;

  return {
    /**
     * Notes that a job of `provider` is worth a look, and looks after that, in the background. Unknown jobs and events of
     * other kinds are taken without a word, so that the provider does not repeat them. Throws WebhookNotSetUpError,
     * InvalidSignatureError, InvalidInputError.
     */
    async receive(provider: string, request: WebhookRequest): Promise<void> {
      const jobId = await readerOf(provider)(request);
      if (jobId === null) return;
      const runs = await db.asSystem((tx) =>
        tx.trainingRun.findMany({ where: { provider, providerJobId: jobId, step: 'FOLLOW' } }),
      );
      for (const run of runs) waiting.set(run.id, run);
      if (waiting.size > 0) looking ??= look();
    },

    /** Throws WebhookNotSetUpError unless webhooks of this provider can be received. */
    expect: (provider: string): void => void readerOf(provider),

    /** Breaks off what is being looked at; the next tick or start looks anyway. */
    async close(): Promise<void> {
      closing.abort();
      await looking;
    },
  };

  function readerOf(provider: string) {
    const read = providers.get(provider)?.readWebhook;
    if (!read) throw new WebhookNotSetUpError(provider);
    return read;
  }

  /** One after the other: a hundred jobs that end at once are not to become a hundred requests at once. */
  async function look(): Promise<void> {
    for (const [id, run] of waiting) {
      waiting.delete(id);
      try {
        await poller.pollOne(run, closing.signal);
      } catch (error) {
        if (!closing.signal.aborted) onError(error, run);
      }
    }
    looking = undefined;
  }
}
