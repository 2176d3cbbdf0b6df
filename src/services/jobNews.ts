/** What a provider says about a job, as changes and events of its run. Pure. */
import type { BaseModelPrice, Prisma, TrainingRun } from '../generated/prisma/client.ts';
import { trainingCostUsd } from './price.ts';
import type { JobCheckpoint, JobEvent, JobMetrics, ProviderJob } from './providers/port.ts';
import type { NewRunEvent } from './runChange.ts';
import { isFinal, nextStatus } from './runStatus.ts';

/** The columns of the run that follow the job. */
export type JobPatch = Pick<
  TrainingRun,
  | 'status'
  | 'resultModelId'
  | 'trainedTokens'
  | 'trainingCostUsd'
  | 'nEpochs'
  | 'batchSize'
  | 'learningRateMultiplier'
  | 'estimatedCompletionAt'
  | 'startedAt'
  | 'completedAt'
  | 'errorCode'
  | 'errorMessage'
>;

/** What a run must be known by to tell what a report makes of it. */
export type ReportedRun = JobPatch & Pick<TrainingRun, 'createdAt'>;

/** The run after a report; what the report does not tell stays. `now` stands in for times that it leaves out. */
export function afterReport(
  run: ReportedRun,
  job: ProviderJob,
  price: BaseModelPrice | null,
  now: Date,
): JobPatch {
  const status = nextStatus(run.status, job.status);
  const trainedTokens = job.trainedTokens === null ? run.trainedTokens : BigInt(job.trainedTokens);
  const failed = status === 'FAILED' ? job.error : null;
  // Providers tell whole seconds, and a quick job may never be seen at work: times must not run backwards for that.
  const seen =
    status === 'RUNNING' ? now : status === 'SUCCEEDED' ? latest(job.createdAt, run.createdAt) : null;
  const startedAt = run.startedAt ?? seen;
  return {
    status,
    trainedTokens,
    resultModelId: job.model ?? run.resultModelId,
    trainingCostUsd:
      trainedTokens !== null && price
        ? trainingCostUsd(trainedTokens, price.trainingUsdPerMTokens)
        : run.trainingCostUsd,
    nEpochs: run.nEpochs ?? job.hyperparameters.nEpochs,
    batchSize: run.batchSize ?? job.hyperparameters.batchSize,
    learningRateMultiplier: run.learningRateMultiplier ?? job.hyperparameters.learningRateMultiplier,
    estimatedCompletionAt: job.estimatedFinishAt ?? run.estimatedCompletionAt,
    startedAt,
    completedAt: isFinal(status) ? latest(job.finishedAt ?? now, startedAt ?? run.createdAt) : null,
    errorCode: failed?.code ?? run.errorCode,
    errorMessage: failed?.message ?? run.errorMessage,
  };
}

/** Whether a report leaves a run that is not over just as it is. */
export function tellsNothingNew(run: ReportedRun, job: ProviderJob): boolean {
  const patch = afterReport(run, job, null, job.createdAt);
  return !isFinal(patch.status) && KEYS.every((key) => isSame(run[key], patch[key]));
}

const KEYS = [
  'status',
  'resultModelId',
  'trainedTokens',
  'nEpochs',
  'batchSize',
  'learningRateMultiplier',
  'estimatedCompletionAt',
  'startedAt',
  'errorCode',
  'errorMessage',
] as const satisfies (keyof JobPatch)[];

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime());
}

function latest(...times: [Date, Date]): Date {
  return new Date(Math.max(...times.map(Number)));
}

/** Events of our own about what a report changes. */
export function changeEvents(run: ReportedRun, patch: JobPatch): NewRunEvent[] {
  if (patch.status !== run.status) {
    const failed = patch.status === 'FAILED';
    const why = failed && patch.errorMessage !== null ? `: ${patch.errorMessage}` : '.';
    return [
      { type: 'STATUS', level: failed ? 'ERROR' : 'INFO', message: `${run.status} → ${patch.status}${why}` },
    ];
  }
  const estimate = patch.estimatedCompletionAt;
  if (estimate === null || estimate.getTime() === run.estimatedCompletionAt?.getTime()) return [];
  return [{ type: 'PROGRESS', message: `Expected to be done at ${estimate.toISOString()}.` }];
}

export function providerEvent(event: JobEvent): NewRunEvent {
  return {
    type: event.kind,
    level: event.level,
    message: event.message,
    ...(event.metrics && { data: metricsJson(event.metrics) }),
    providerEventId: event.id,
    createdAt: event.createdAt,
  };
}

export function checkpointEvent(checkpoint: JobCheckpoint): NewRunEvent {
  return {
    type: 'CHECKPOINT',
    message: `Checkpoint ${checkpoint.model} at step ${checkpoint.step}.`,
    data: { ...metricsJson(checkpoint.metrics), model: checkpoint.model, step: checkpoint.step },
    providerEventId: checkpoint.id,
    createdAt: checkpoint.createdAt,
  };
}

export function metricsJson(metrics: JobMetrics): Prisma.InputJsonObject {
  return { ...metrics };
}
