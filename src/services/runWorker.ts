/** Takes a launched run step by step to the provider. Whatever happens between two steps, the next worker goes on. */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { deadline } from './deadline.ts';
import { ExpectedError, ProviderError } from './errors.ts';
import type { ExportService } from './export.ts';
import type { Provider, ProviderJob, Providers } from './providers/port.ts';
import { changeRun, LeaseLostError, lockClaimedRun, type NewRunEvent, type RunPatch } from './runChange.ts';
import { claimDueRuns, releaseRuns, whileClaimed } from './runLease.ts';
import { nextStatus } from './runStatus.ts';

/** How many runs one tick takes; the next tick takes the next. */
const RUNS_A_TICK = 8;

/** Creating a job must be answered within this time, well inside of the lease; in milliseconds. */
const CREATE_TIMEOUT = 30_000;
const REQUEST_TIMEOUT = 15_000;

/** The wait before another attempt doubles from the first to the last, in milliseconds; a random part of it is taken. */
const FIRST_BACKOFF = 2_000;
const LAST_BACKOFF = 5 * 60_000;

export interface RunWorkerOptions {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  exports: Pick<ExportService, 'exportDataset' | 'requireReady' | 'openFile'>;
  /**
   * After a create whose answer was lost, the provider's list must come back without the job twice, this long apart,
   * before the job is created again; in milliseconds.
   */
  reconcileWait?: number;
  /** Told of what went wrong with a run and is not the run's own failure. */
  onError: (error: unknown, run: TrainingRun) => void;
}

export type RunWorker = ReturnType<typeof createRunWorker>;

export function createRunWorker({
  db,
  providers,
  exports,
  reconcileWait = 60_000,
  onError,
}: RunWorkerOptions) {
  return {
    /** Claims what is due and takes it as far as it goes. Returns how many runs it took. */
    async advanceDueRuns(signal: AbortSignal): Promise<number> {
      const runs = await claimDueRuns(db, ['EXPORT', 'UPLOAD', 'SUBMIT', 'CLEANUP'], RUNS_A_TICK);
      await Promise.all(runs.map((run) => whileClaimed(db, run, signal, (running) => advance(run, running))));
      await releaseRuns(db, runs);
      return runs.length;
    },
  };

  async function advance(claimed: TrainingRun, signal: AbortSignal): Promise<void> {
    let run = claimed;
    try {
      while (!signal.aborted && isDue(run)) run = await takeStep(run, signal);
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      if (signal.aborted) return;
      if (!(error instanceof ExpectedError)) onError(error, run);
      await save(run, ...afterFailure(run, error)).catch((lost: unknown) => {
        if (!(lost instanceof LeaseLostError)) onError(lost, run);
      });
    }
  }

  async function takeStep(run: TrainingRun, signal: AbortSignal): Promise<TrainingRun> {
    const provider = providers.get(run.provider);
    if (!provider)
      throw new ProviderError(
        'PROVIDER_NOT_CONFIGURED',
        `This server has no access to ${run.provider}. Configure it and the run goes on.`,
        true,
      );
    switch (run.step) {
      case 'EXPORT':
        return freeze(run, signal);
      case 'UPLOAD':
        return upload(run, provider, signal);
      case 'SUBMIT':
        if (run.submitIntentAt !== null) return reconcile(run, provider, signal);
        return run.cancelRequestedAt === null ? submit(run, provider, signal) : giveUp(run);
      case 'CLEANUP':
        return cleanUp(run, provider, signal);
      default:
        return run;
    }
  }

  async function freeze(run: TrainingRun, signal: AbortSignal): Promise<TrainingRun> {
    const viewer = { tenantId: run.tenantId, subject: 'worker' };
    const snapshot = await exports.exportDataset(
      viewer,
      { datasetId: run.datasetId, format: 'OPENAI_CHAT_JSONL' },
      signal,
    );
    return save(run, { exportId: snapshot.id, step: 'UPLOAD', attempts: 0 }, [
      {
        type: 'PROGRESS',
        message: `Exported ${snapshot.exampleCount} examples, ${snapshot.bytes ?? 0} bytes.`,
      },
    ]);
  }

  async function upload(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const viewer = { tenantId: run.tenantId, subject: 'worker' };
    const snapshot = await exports.requireReady(viewer, run.exportId ?? '');
    const name = fileName(run);
    const bytes = Number(snapshot.bytes);
    // An earlier worker may have died after its upload: the file is known by its name and size.
    const uploaded = (await provider.findFiles(name, deadline(signal, REQUEST_TIMEOUT))).find(
      (file) => file.bytes === bytes,
    );
    const file =
      uploaded ??
      (await provider.uploadFile({ name, bytes, open: () => exports.openFile(snapshot), signal }));
    return save(run, { trainingFileId: file.id, step: 'SUBMIT', attempts: 0 }, [
      { type: 'PROGRESS', message: `Uploaded the training file as ${file.id}.` },
    ]);
  }

  /** The intent is saved before the act: whoever finds it without a job knows that there may be one. */
  async function submit(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const intent = {
      submitIntentAt: new Date(),
      submitAttempts: run.submitAttempts + 1,
      submitCheckedAt: null,
    };
    const intended = await save(run, intent, []);
    try {
      const job = await provider.createJob(
        {
          baseModel: run.baseModel,
          trainingFileId: run.trainingFileId ?? '',
          runId: run.id,
          suffix: run.suffix,
          seed: run.seed,
          hyperparameters: {
            nEpochs: run.nEpochs,
            batchSize: run.batchSize,
            learningRateMultiplier: run.learningRateMultiplier,
          },
        },
        deadline(signal, CREATE_TIMEOUT),
      );
      return await adopt(intended, job, `Submitted as job ${job.id}.`);
    } catch (error) {
      // Only an answer that says so proves that there is no job; everything else is looked into by `reconcile`.
      if (!(error instanceof ProviderError) || !provesNoJob(error)) throw error;
      await save(intended, { submitIntentAt: null, submitAttempts: run.submitAttempts }, []);
      throw error;
    }
  }

  /** A cancel came while it was not known whether there is a job, and now it is known that there is none. */
  function giveUp(run: TrainingRun): Promise<TrainingRun> {
    return save(run, { status: 'CANCELLED', step: 'CLEANUP', completedAt: new Date(), attempts: 0 }, [
      { type: 'STATUS', message: 'Cancelled: the provider has no job for this run.' },
    ]);
  }

  async function reconcile(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const jobs = await provider.findJobs(run.id, deadline(signal, REQUEST_TIMEOUT));
    const first = jobs.at(-1);
    if (first) return adopt(run, first, `Found job ${first.id}, whose creation had not been answered.`);

    const now = Date.now();
    if (run.submitCheckedAt === null) {
      return save(run, { submitCheckedAt: new Date(now), nextAttemptAt: new Date(now + reconcileWait) }, [
        {
          type: 'MESSAGE',
          level: 'WARN',
          message: 'The answer to the submission was lost. The provider lists no job yet; looking again.',
        },
      ]);
    }
    if (now - run.submitCheckedAt.getTime() < reconcileWait) {
      return save(run, { nextAttemptAt: new Date(run.submitCheckedAt.getTime() + reconcileWait) }, []);
    }
    if (run.submitAttempts < 2) {
      return save(run, { submitIntentAt: null, submitCheckedAt: null }, [
        {
          type: 'MESSAGE',
          level: 'WARN',
          message: 'The provider has listed no job twice: submitting once more.',
        },
      ]);
    }
    return save(
      run,
      {
        status: 'NEEDS_REVIEW',
        errorCode: 'SUBMISSION_UNSETTLED',
        errorMessage:
          'Two submissions were not answered and no job is listed. Look at the provider whether there is one.',
      },
      [
        {
          type: 'STATUS',
          level: 'ERROR',
          message: 'It cannot be settled whether the provider has a job for this run.',
        },
      ],
    );
  }

  function adopt(run: TrainingRun, job: ProviderJob, message: string): Promise<TrainingRun> {
    return save(
      run,
      {
        providerJobId: job.id,
        step: 'FOLLOW',
        status: nextStatus(run.status, job.status),
        attempts: 0,
        nextAttemptAt: new Date(),
      },
      [{ type: 'STATUS', message }],
    );
  }

  /** The provider keeps what was uploaded for a run only as long as the run needs it. */
  async function cleanUp(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const files = await provider.findFiles(fileName(run), deadline(signal, REQUEST_TIMEOUT));
    for (const file of files) await provider.deleteFile(file.id, deadline(signal, REQUEST_TIMEOUT));
    return save(run, { step: 'DONE', attempts: 0 }, []);
  }

  async function save(claimed: TrainingRun, patch: RunPatch, events: NewRunEvent[]): Promise<TrainingRun> {
    return db.withTenant(claimed.tenantId, async (tx) =>
      changeRun(tx, await lockClaimedRun(tx, claimed), patch, events),
    );
  }
}

function isDue({ step, status, nextAttemptAt }: TrainingRun): boolean {
  return step !== 'FOLLOW' && step !== 'DONE' && status !== 'NEEDS_REVIEW' && nextAttemptAt <= new Date();
}

/** Under this name the provider knows the run's training file. */
function fileName(run: TrainingRun): string {
  return `tunesmith-${run.id}.jsonl`;
}

function provesNoJob(error: ProviderError): boolean {
  return !error.retryable || error.code === 'PROVIDER_RATE_LIMITED';
}

/** What becomes of a run whose step failed: another attempt later, or, when that cannot help, FAILED. */
function afterFailure(run: TrainingRun, error: unknown): [RunPatch, NewRunEvent[]] {
  const expected = error instanceof ExpectedError ? error : null;
  const final = expected !== null && !(expected instanceof ProviderError && expected.retryable);
  const message = expected?.message ?? 'Something unexpected went wrong; the server log has it.';
  if (final && run.step !== 'CLEANUP') {
    return [
      {
        status: 'FAILED',
        step: 'CLEANUP',
        errorCode: expected.code,
        errorMessage: message,
        completedAt: new Date(),
        attempts: 0,
      },
      [{ type: 'STATUS', level: 'ERROR', message }],
    ];
  }
  const asked = error instanceof ProviderError ? error.retryAfterSeconds : null;
  const wait = asked === null ? backoff(run.attempts) : asked * 1000;
  const later = { attempts: run.attempts + 1, nextAttemptAt: new Date(Date.now() + wait) };
  if (run.step === 'CLEANUP') return [final ? { step: 'DONE' } : later, []]; // The run itself has been told to its end.
  return [
    later,
    [{ type: 'MESSAGE', level: 'WARN', message: `${message} Trying again in ${Math.ceil(wait / 1000)} s.` }],
  ];
}

/** Full jitter (AWS, "Exponential Backoff And Jitter"): anything up to the doubled wait. */
function backoff(attempts: number): number {
  return Math.random() * Math.min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** attempts);
}
