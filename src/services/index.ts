import type { BaseModelService } from './baseModel.ts';
import type { CallTranscriptionService } from './callTranscription.ts';
import type { ChangeFeed } from './changeFeed.ts';
import type { Clock } from './clock.ts';
import type { CollectService } from './collect.ts';
import type { DatasetService } from './dataset.ts';
import type { DownloadLinks } from './downloadLinks.ts';
import type { ErasureService } from './erasure.ts';
import type { DuplicateService } from './duplicates.ts';
import type { ExampleService } from './example.ts';
import type { ExampleScanService } from './exampleScan.ts';
import type { ExportService } from './export.ts';
import type { PreflightService } from './preflight.ts';
import type { LineageService } from './lineage.ts';
import type { Providers } from './providers/port.ts';
import type { ReportService } from './report.ts';
import type { ReviewService } from './review.ts';
import type { ReviewQueue } from './reviewQueue.ts';
import type { ReviewStatusService } from './reviewStatus.ts';
import type { RunFeed } from './runFeed.ts';
import type { TrainingRunService } from './trainingRun.ts';
import type { WebhookService } from './webhook.ts';

/** All that the outside may ask of Tunesmith. */
export interface Services {
  baseModels: BaseModelService;
  callTranscriptions: CallTranscriptionService;
  changeFeed: ChangeFeed;
  clock: Clock;
  collect: CollectService;
  datasets: DatasetService;
  downloadLinks: DownloadLinks;
  erasures: ErasureService;
  duplicates: DuplicateService;
  examples: ExampleService;
  exampleScans: ExampleScanService;
  exports: ExportService;
  preflight: PreflightService;
  lineage: LineageService;
  providers: Providers;
  reports: ReportService;
  reviewQueue: ReviewQueue;
  reviews: ReviewService;
  reviewStatus: ReviewStatusService;
  runFeed: RunFeed;
  trainingRuns: TrainingRunService;
  webhooks: WebhookService;
}
