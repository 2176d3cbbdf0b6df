/**
 * What running jobs tell, where they are many: the provider's list does not say which of them have something new, so each
 * costs a request. The poll does not wait for those. All are asked in turn, the ones first that wait longest, and what a
 * job told is in no case lost: its end is written only with all that came before.
 */
import type { Database } from '../db/database.ts';
import { onRun } from '../observe/runs.ts';
import type { ReachCrashPoint } from './crashPoint.ts';
import { createCrew } from './crew.ts';
import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ProviderError } from './errors.ts';
import { takeForNews, type FollowedRun } from './followedRuns.ts';
import type { Provider, Providers } from './providers/port.ts';
import { createRunReports } from './runReport.ts';

/** From how many runs on the poll leaves what running jobs tell to this. */
export const NEWS_APART_FROM = 100;
/** As many as are taken at once. */
const BATCH = 160;
/** Requests under way at once. */
const CONCURRENCY = 16;
export interface RunNewsOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  reach?: ReachCrashPoint | undefined;
  onError: (error: unknown, run: { id: string }) => void;
}

export type RunNewsReader = ReturnType<typeof createRunNewsReader>;

export function createRunNewsReader({ db, providers, reach, onError }: RunNewsOptions) {
  const reports = createRunReports({ db, reach });

  return {
    /** Asks for the events of all whose turn it is, as far as it comes until `signal` is aborted. Returns how many. */
    async readNews(signal: AbortSignal): Promise<number> {
      const asked = providers.names().flatMap((name) => providers.get(name) ?? []);
      const counts = await Promise.all(asked.map((provider) => readAll(provider, signal)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };

  async function readAll(provider: Provider, signal: AbortSignal): Promise<number> {
    let count = 0;
    while (!signal.aborted) {
      const runs = await takeForNews(db, provider.name, { limit: BATCH, from: NEWS_APART_FROM });
      if (runs.length === 0) break;
      count += runs.length;
      if (!(await readBatch(provider, runs, signal))) break;
    }
    return count;
  }

  /** False when the provider does not want to be asked, or cannot be reached, for now. */
  async function readBatch(provider: Provider, runs: FollowedRun[], signal: AbortSignal): Promise<boolean> {
    const crew = createCrew(CONCURRENCY);
    let answers = true;
    for (const run of runs) {
      crew.add(async () => {
        if (!answers || signal.aborted) return;
        try {
          await onRun(run, 'news', async () =>
            reports.recordNews(
              run,
              await reports.fetchNews(provider, run, false, deadline(signal, REQUEST_TIMEOUT)),
            ),
          );
        } catch (error) {
          if (signal.aborted) return;
          if (!(error instanceof ProviderError)) onError(error, run);
          else if (error.retryable) answers = false; // What else it refuses, the poll finds out and tells.
        }
      });
    }
    await crew.done();
    return answers;
  }
}
