/** Puts the services together: what they need of the outside comes in, what the app and the jobs call comes out. */
import type { Database } from './db/database.ts';
import type { Job } from './jobs/scheduler.ts';
import { advanceErasures } from './jobs/advanceErasures.ts';
import { advanceRuns } from './jobs/advanceRuns.ts';
import { maintainDatabase } from './jobs/maintainDatabase.ts';
import { countTokens } from './jobs/countTokens.ts';
import { pollRuns } from './jobs/pollRuns.ts';
import { readRunNews } from './jobs/readRunNews.ts';
import { scanExamples } from './jobs/scanExamples.ts';
import { sweepJobs } from './jobs/sweepJobs.ts';
import { sweepExports } from './jobs/sweepExports.ts';
import { createApiKeyService } from './services/apiKey.ts';
import { createBaseModelService } from './services/baseModel.ts';
import { createCallTranscriptionService } from './services/callTranscription.ts';
import { createChangeFeed } from './services/changeFeed.ts';
import { notedClock, type Clock } from './services/clock.ts';
import { createCollectService } from './services/collect.ts';
import { createDatasetService } from './services/dataset.ts';
import { createDownloadLinks, type DownloadKey } from './services/downloadLinks.ts';
import { createErasureService } from './services/erasure.ts';
import { createDuplicateService } from './services/duplicates.ts';
import { createExampleService } from './services/example.ts';
import { createExampleScanService } from './services/exampleScan.ts';
import { createExportService } from './services/export.ts';
import { personalDataStage } from './services/exportPersonalData.ts';
import type { ReachCrashPoint } from './services/crashPoint.ts';
import type { ExportStore } from './services/exportStore/port.ts';
import { createJobSweep, type JobSweep } from './services/jobSweep.ts';
import type { Services } from './services/index.ts';
import { createLineageService } from './services/lineage.ts';
import { createPersonalDataSearch } from './services/personalData/thread.ts';
import type { Providers } from './services/providers/port.ts';
import { createReportService } from './services/report.ts';
import { createPrecedence } from './services/precedence.ts';
import { createPreflightService } from './services/preflight.ts';
import { createReviewService } from './services/review.ts';
import { createReviewQueue } from './services/reviewQueue.ts';
import { createReviewStatusService } from './services/reviewStatus.ts';
import { createRunFeed } from './services/runFeed.ts';
import { createRunLease, type RunLease } from './services/runLease.ts';
import { createRunNewsReader, type RunNewsReader } from './services/runNews.ts';
import { createRunPoller, type RunPoller } from './services/runPoller.ts';
import { createRunWorker, type RunWorker } from './services/runWorker.ts';
import { createTokenBacklog, type TokenBacklog } from './services/tokenBacklog.ts';
import { countExportTokens } from './services/tokens/exportTokens.ts';
import { createBudgetService } from './services/budget.ts';
import { createEstimateService } from './services/estimate.ts';
import { createTrainingRunService } from './services/trainingRun.ts';
import { createWebhookService } from './services/webhook.ts';

export interface SystemOptions {
  db: Database;
  store: ExportStore;
  providers: Providers;
  clock: Clock;
  /** The first signs links, all verify them. */
  downloadKeys: readonly DownloadKey[];
  /** The address under which clients reach the server, known once it listens. */
  publicUrl: () => string;
  /** How long an example is held for a reviewer, in seconds. */
  reviewLeaseSeconds?: number | undefined;
  /** What the crash test sets; see RunSubmitOptions, RunLease, RunPollerOptions and crashPoint.ts. */
  reconcileWait?: number | undefined;
  leaseSeconds?: number | undefined;
  missingFor?: number | undefined;
  reach?: ReachCrashPoint | undefined;
  /** Told of what goes wrong in the background. */
  onError: (error: unknown, about: { runId?: string }) => void;
}

export interface System {
  services: Services;
  worker: RunWorker;
  poller: RunPoller;
  newsReader: RunNewsReader;
  jobSweep: JobSweep;
  lease: RunLease;
  tokenBacklog: TokenBacklog;
  maintain: () => Promise<void>;
}

export function createSystem(options: SystemOptions): System {
  const { db, store, providers, downloadKeys, publicUrl, onError, reach } = options;
  const clock = notedClock(options.clock);
  const onRunError = (error: unknown, run: { id: string }) => onError(error, { runId: run.id });
  const baseModels = createBaseModelService({ db, clock });
  const estimates = createEstimateService({ db, baseModels, providers, clock });
  const budget = createBudgetService({ db, providers, clock });
  const personalData = createPersonalDataSearch();
  const exports = createExportService({
    db,
    store,
    clock,
    stages: [personalDataStage(db, personalData), countExportTokens],
    reach,
  });
  const lease = createRunLease({ db, leaseSeconds: options.leaseSeconds });
  const preflight = createPreflightService({ db, providers, baseModels, exports });
  const { reconcileWait, missingFor } = options;
  const poller = createRunPoller({ db, providers, lease, reach, onError: onRunError, missingFor });
  const worker = createRunWorker({
    db,
    providers,
    preflight,
    exports,
    lease,
    reconcileWait,
    reach,
    onError: onRunError,
  });
  const precedence = createPrecedence();
  const exampleScans = createExampleScanService({ db, search: personalData, precedence });
  return {
    worker,
    poller,
    newsReader: createRunNewsReader({ db, providers, reach, onError: onRunError }),
    lease,
    tokenBacklog: createTokenBacklog({ db }),
    jobSweep: createJobSweep({ db, providers, onError: onRunError }),
    maintain: () => db.maintain(),
    services: {
      apiKeys: createApiKeyService({ db, clock, onError: (error) => onError(error, {}) }),
      baseModels,
      budget,
      callTranscriptions: createCallTranscriptionService({ db }),
      changeFeed: createChangeFeed({ db }),
      clock,
      collect: createCollectService({ db, precedence }),
      datasets: createDatasetService({ db }),
      estimates,
      downloadLinks: createDownloadLinks({ keys: downloadKeys, clock, baseUrl: publicUrl }),
      erasures: createErasureService({ db, store, providers, onError: (error) => onError(error, {}) }),
      duplicates: createDuplicateService({ db }),
      examples: createExampleService({ db }),
      exampleScans,
      exports,
      preflight,
      lineage: createLineageService({ db }),
      providers,
      reports: createReportService({ db, exampleScans }),
      reviewQueue: createReviewQueue({ db, leaseSeconds: options.reviewLeaseSeconds }),
      reviews: createReviewService({ db }),
      reviewStatus: createReviewStatusService({ db }),
      runFeed: createRunFeed({ db }),
      trainingRuns: createTrainingRunService({
        db,
        providers,
        baseModels,
        estimates,
        budget,
        poller,
        preflight,
        clock,
        reach,
      }),
      webhooks: createWebhookService({ db, providers, poller, onError: onRunError }),
    },
  };
}

/** The work that is done on a schedule. `pollPattern` says how often runs are looked after. */
export function createJobs(
  { services, worker, poller, newsReader, jobSweep, tokenBacklog, maintain }: System,
  pollPattern: string,
  sweepPattern = '30 */5 * * * *',
): Job[] {
  return [
    advanceRuns(worker, pollPattern),
    pollRuns(poller, pollPattern),
    readRunNews(newsReader, pollPattern),
    sweepJobs(jobSweep, sweepPattern),
    scanExamples(services.exampleScans),
    sweepExports(services.exports, services.clock),
    countTokens(tokenBacklog, '15 * * * * *'),
    advanceErasures(services.erasures),
    maintainDatabase(maintain),
  ];
}
