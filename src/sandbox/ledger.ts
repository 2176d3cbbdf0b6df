import { z } from 'zod';

/** Under this key of a job's metadata the product writes the id of the run that the job is for. */
export const RUN_ID_KEY = 'tunesmith_run_id';

const ledgerJob = z.strictObject({
  jobId: z.string(),
  /** The run named in the metadata, or null when it names none. */
  runId: z.string().nullable(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  /** Whether a cancel of it was carried out. */
  cancelled: z.boolean(),
});

/** What a ledger holds, as plain data. */
export const ledgerReading = z.strictObject({
  /** In the order in which they were made. */
  jobs: z.array(ledgerJob),
  /** How often each route was asked by a holder of the key, as 'POST /v1/fine_tuning/jobs', however it was answered. */
  requests: z.record(z.string(), z.number()),
});

export type LedgerJob = z.infer<typeof ledgerJob>;
export type LedgerReading = z.infer<typeof ledgerReading>;

/** Every job that a sandbox made since it started. It is kept beside the job book, so that each can check the other. */
export interface Ledger {
  read(): LedgerReading;
  /** The jobs of each run; more than one is a run that was paid for twice. */
  jobsByRun(): Map<string, LedgerJob[]>;
}

/** The side of the ledger that the routes write on. */
export interface LedgerKeeper extends Ledger {
  /** A job was made. */
  made(job: { id: string; metadata: Record<string, string> | null }): void;
  cancelled(jobId: string): void;
  /** A request came for a route. */
  asked(route: { method: string; path: string }): void;
}

export function openLedger(now: () => number): LedgerKeeper {
  const jobs: LedgerJob[] = [];
  const requests: Record<string, number> = {};
  return {
    read: () => ({ jobs: jobs.map((job) => ({ ...job })), requests: { ...requests } }),
    jobsByRun: () => jobsByRun(jobs),
    made({ id, metadata }) {
      jobs.push({ jobId: id, runId: metadata?.[RUN_ID_KEY] ?? null, createdAt: now(), cancelled: false });
    },
    cancelled(jobId) {
      for (const job of jobs) if (job.jobId === jobId) job.cancelled = true;
    },
    asked({ method, path }) {
      const route = `${method} ${path}`;
      requests[route] = (requests[route] ?? 0) + 1;
    },
  };
}

/** Jobs by the run they are for, in order; those that name no run are left out. */
export function jobsByRun(jobs: readonly LedgerJob[]): Map<string, LedgerJob[]> {
  const byRun = new Map<string, LedgerJob[]>();
  for (const job of jobs) {
    if (job.runId !== null) byRun.set(job.runId, [...(byRun.get(job.runId) ?? []), { ...job }]);
  }
  return byRun;
}
