/** Takes a launched run step by step to the provider. Whatever happens between two steps, the next worker goes on. */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import { onRun } from '../observe/runs.ts';
import { noCrash, type ReachCrashPoint } from './crashPoint.ts';
import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ExpectedError, PreflightFailedError, ProviderError } from './errors.ts';
import type { ExportService } from './export.ts';
import type { ExportFile } from './exportFiles.ts';
import { formatOf } from './exportFormats/index.ts';
import type { SplitInput } from './exportInput.ts';
import type { PreflightService } from './preflight.ts';
import { mergeWarnings, warningsIn } from './preflight/findings.ts';
import { configuredProvider } from './providerChoice.ts';
import type { Provider, ProviderFile, Providers } from './providers/port.ts';
import { changeClaimedRun, LeaseLostError, lockRun, changeRun, type RunChange } from './runChange.ts';
import { trainingFileName, validationFileName } from './runFiles.ts';
import type { RunLease } from './runLease.ts';
import { isFinal } from './runStatus.ts';
import { createRunSubmit } from './runSubmit.ts';
import { warningsOf } from './storedJson.ts';
import { serverViewer, type Viewer } from './viewer.ts';

/** How many runs are claimed at once; the next claim takes the next. */
const RUNS_A_CLAIM = 8;

/** The wait before another attempt doubles from the first to the last, in milliseconds; a random part of it is taken. */
const FIRST_BACKOFF = 2_000;
const LAST_BACKOFF = 5 * 60_000;

export interface RunWorkerOptions {
  db: Pick<Database, 'withTenant'>;
  providers: Providers;
  preflight: Pick<PreflightService, 'ofUpload'>;
  exports: Pick<
    ExportService,
    'exportDataset' | 'requireReady' | 'trainingFile' | 'validationFile' | 'openFile'
  >;
  lease: RunLease;
  /** See RunSubmitOptions; in milliseconds. */
  reconcileWait?: number | undefined;
  reach?: ReachCrashPoint | undefined;
  /** Told of what went wrong with a run and is not the run's own failure. */
  onError: (error: unknown, run: TrainingRun) => void;
}

export type RunWorker = ReturnType<typeof createRunWorker>;

export function createRunWorker({
  db,
  providers,
  preflight,
  exports,
  lease,
  reconcileWait = 60_000,
  reach = noCrash,
  onError,
}: RunWorkerOptions) {
  const jobs = createRunSubmit({ db, lease, reconcileWait, reach });

  return {
    /** Claims what is due and takes it as far as it goes. Returns how many runs it took. */
    async advanceDueRuns(signal: AbortSignal): Promise<number> {
      const runs = await lease.claim(['EXPORT', 'UPLOAD', 'SUBMIT', 'CLEANUP'], RUNS_A_CLAIM);
      await Promise.all(
        runs.map(async (run) => {
          reach('runClaimed', run.id);
          await onRun(run, 'advance', () => lease.whileHeld(run, signal, (held) => advance(run, held)));
          await lease.release([run]);
        }),
      );
      return runs.length;
    },
  };

  async function advance(claimed: TrainingRun, signal: AbortSignal): Promise<void> {
    let run = claimed;
    try {
      do run = await takeStep(run, signal);
      while (!signal.aborted && isDue(run));
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      if (signal.aborted) return;
      if (!(error instanceof ExpectedError)) onError(error, run);
      await changeClaimedRun(db, run, (now) => afterFailure(run, error, now)).catch((lost: unknown) => {
        if (!(lost instanceof LeaseLostError)) onError(lost, run);
      });
    }
  }

  async function takeStep(run: TrainingRun, signal: AbortSignal): Promise<TrainingRun> {
    const lost = `This server has no access to ${run.provider}. Configure it and the run goes on.`;
    const provider = configuredProvider(providers, run.provider, lost);
    switch (run.step) {
      case 'EXPORT':
        return freeze(run, signal);
      case 'UPLOAD':
        return upload(run, provider, signal);
      case 'SUBMIT':
        return submit(run, provider, signal);
      case 'CLEANUP':
        return cleanUp(run, provider, signal);
      default:
        return run;
    }
  }

  async function freeze(run: TrainingRun, signal: AbortSignal): Promise<TrainingRun> {
    const snapshot = await exports.exportDataset(
      workerOf(run),
      { datasetId: run.datasetId, format: 'OPENAI_CHAT_JSONL', split: splitOf(run) },
      signal,
    );
    const aside =
      snapshot.validationExampleCount > 0
        ? ` Set aside ${snapshot.validationExampleCount} for validation.`
        : '';
    const message = `Exported ${snapshot.exampleCount} examples, ${snapshot.bytes} bytes.${aside}`;
    return changeClaimedRun(db, run, () => ({
      set: { exportId: snapshot.id, step: 'UPLOAD', attempts: 0 },
      events: [{ type: 'PROGRESS', message }],
    }));
  }

  /** Uploads the next of the run's files that is not yet at the provider. */
  async function upload(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const snapshot = await exports.requireReady(workerOf(run), run.exportId ?? '');
    const validation = exports.validationFile(snapshot);
    if (run.trainingFileId === null) {
      const report = await preflight.ofUpload(workerOf(run), snapshot, run, signal);
      if (!report.ok) throw new PreflightFailedError(report);
      const file = await uploaded(run, 'training', exports.trainingFile(snapshot), provider, signal);
      return saveFile(run, `Uploaded the training file as ${file.id}.`, {
        trainingFileId: file.id,
        step: validation ? 'UPLOAD' : 'SUBMIT',
        warnings: mergeWarnings(warningsOf(run.warnings), warningsIn(report)),
      });
    }
    if (validation === null) return changeClaimedRun(db, run, () => ({ set: { step: 'SUBMIT' } }));
    const file = await uploaded(run, 'validation', validation, provider, signal);
    return saveFile(run, `Uploaded the validation file as ${file.id}.`, {
      validationFileId: file.id,
      step: 'SUBMIT',
    });
  }

  async function uploaded(
    run: TrainingRun,
    which: 'training' | 'validation',
    source: ExportFile,
    provider: Provider,
    signal: AbortSignal,
  ): Promise<ProviderFile> {
    const name = which === 'training' ? trainingFileName(run) : validationFileName(run);
    const { bytes } = source;
    // An earlier worker may have died after its upload: the file is known by its name and size.
    const found = await provider.findFiles(name, deadline(signal, REQUEST_TIMEOUT));
    const file =
      found.find((one) => one.bytes === bytes) ??
      (await provider.uploadFile({ name, bytes, open: () => exports.openFile(source), signal }));
    reach('uploadAnswered', run.id);
    return file;
  }

  async function saveFile(
    run: TrainingRun,
    message: string,
    set: NonNullable<RunChange['set']>,
  ): Promise<TrainingRun> {
    try {
      const saved = await changeClaimedRun(db, run, () => ({
        set: { ...set, attempts: 0 },
        events: [{ type: 'PROGRESS', message }],
      }));
      reach('uploadSaved', run.id);
      return saved;
    } catch (error) {
      if (error instanceof LeaseLostError) await cleanUpAgain(run);
      throw error;
    }
  }

  async function submit(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const { format } = await exports.requireReady(workerOf(run), run.exportId ?? '');
    const pairs = formatOf(format).method === 'DPO';
    return jobs.submit(
      run,
      pairs ? { type: 'DPO', beta: run.beta } : { type: 'SUPERVISED' },
      provider,
      signal,
    );
  }

  /** The provider keeps what was uploaded for a run only as long as the run needs it. */
  async function cleanUp(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    // Both names, whatever the run knows of: a worker may have died before it could save what it had uploaded.
    for (const name of [trainingFileName(run), validationFileName(run)]) {
      const files = await provider.findFiles(name, deadline(signal, REQUEST_TIMEOUT));
      for (const file of files) await provider.deleteFile(file.id, deadline(signal, REQUEST_TIMEOUT));
    }
    return changeClaimedRun(db, run, () => ({ set: { step: 'DONE', attempts: 0 } }));
  }

  /** A run that was cancelled while its file was on the way may have been cleaned up before the file arrived. */
  async function cleanUpAgain({ tenantId, id }: TrainingRun): Promise<void> {
    await db.withTenant(tenantId, async (tx) => {
      const run = await lockRun(tx, tenantId, id);
      if (isFinal(run.status)) await changeRun(tx, run, { step: 'CLEANUP', nextAttemptAt: run.now }, []);
    });
  }
}

/** Whether the run that was just changed can be taken on at once. */
function isDue({ step, status, nextAttemptAt, updatedAt }: TrainingRun): boolean {
  return step !== 'FOLLOW' && step !== 'DONE' && status !== 'NEEDS_REVIEW' && nextAttemptAt <= updatedAt;
}

function workerOf({ tenantId }: TrainingRun): Viewer {
  return serverViewer(tenantId, 'worker');
}

/** The split that a launch asked for; null when it asked for none. */
function splitOf({ validationShare, splitSeed, splitGroup }: TrainingRun): SplitInput | null {
  return validationShare === null ? null : { validationShare, seed: splitSeed, groupBy: splitGroup };
}

/** What becomes of a run whose step failed: another attempt later, or, when that cannot help, FAILED. */
function afterFailure(run: TrainingRun, error: unknown, now: Date): RunChange {
  const expected = error instanceof ExpectedError ? error : null;
  const final = expected !== null && !(expected instanceof ProviderError && expected.retryable);
  const message = expected?.message ?? 'Something unexpected went wrong; the server log has it.';
  if (final && run.step !== 'CLEANUP') {
    return {
      set: {
        status: 'FAILED',
        step: 'CLEANUP',
        errorCode: expected.code,
        errorMessage: message,
        completedAt: now,
        attempts: 0,
      },
      events: [{ type: 'STATUS', level: 'ERROR', message }],
    };
  }
  const asked = error instanceof ProviderError ? error.retryAfterSeconds : null;
  const wait = asked === null ? backoff(run.attempts) : asked * 1000;
  const later = { attempts: run.attempts + 1, nextAttemptAt: new Date(now.getTime() + wait) };
  if (run.step === 'CLEANUP') return { set: final ? { step: 'DONE' } : later }; // The run itself has been told to its end.
  return {
    set: later,
    events: [
      { type: 'MESSAGE', level: 'WARN', message: `${message} Trying again in ${Math.ceil(wait / 1000)} s.` },
    ],
  };
}

/** Full jitter (AWS, "Exponential Backoff And Jitter"): anything up to the doubled wait. */
function backoff(attempts: number): number {
  return Math.random() * Math.min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** attempts);
}
