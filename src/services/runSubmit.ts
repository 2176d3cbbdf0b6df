/**
 * Making the provider's job, which is what costs money: never twice for one run. The intent is saved before the act,
 * and an act whose outcome is not known is looked for, not repeated.
 */
import type { Database } from '../db/database.ts';
import type { TrainingRun } from '../generated/prisma/client.ts';
import type { ReachCrashPoint } from './crashPoint.ts';
import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ProviderError } from './errors.ts';
import type { NewJob, Provider, ProviderJob, TrainingMethod } from './providers/port.ts';
import { adoption } from './runAdoption.ts';
import { changeClaimedRun, LeaseLostError, type RunChange } from './runChange.ts';
import type { RunLease } from './runLease.ts';

/** How often a job may be created for a run; only the proof, as far as there is one, that there is none leads to the second. */
const MOST_SUBMISSIONS = 2;

export interface RunSubmitOptions {
  db: Pick<Database, 'withTenant'>;
  lease: RunLease;
  /**
   * After a create whose answer was lost, the provider's list must come back without the job twice, this long apart,
   * before the job is created again; in milliseconds.
   */
  reconcileWait: number;
  reach: ReachCrashPoint;
}

export function createRunSubmit({ db, lease, reconcileWait, reach }: RunSubmitOptions) {
  /** A create has to be answered within half of the lease: nobody else may believe it dead while it is under way. */
  const createTimeout = lease.milliseconds / 2;

  return {
    /** Takes a run in the step SUBMIT on: creates its job, or finds out what became of the attempt to. */
    async submit(
      run: TrainingRun,
      method: TrainingMethod,
      provider: Provider,
      signal: AbortSignal,
    ): Promise<TrainingRun> {
      if (run.submitIntentAt !== null) return reconcile(run, provider, signal);
      return run.cancelRequestedAt === null ? create(run, method, provider, signal) : giveUp(run);
    },
  };

  async function create(
    run: TrainingRun,
    method: TrainingMethod,
    provider: Provider,
    signal: AbortSignal,
  ): Promise<TrainingRun> {
    const heldSince = performance.now();
    if (!(await lease.renew(run))) throw new LeaseLostError(`The claim on run ${run.id} has lapsed`);
    const intended = await changeClaimedRun(db, run, (now) => ({
      set: { submitIntentAt: now, submitAttempts: run.submitAttempts + 1, submitCheckedAt: null },
    }));
    reach('submitIntended', run.id);
    reach('workerPaused', run.id);
    // This process may have stood still since. Nothing is sent that could outlast the claim: who takes the run over
    // then would look for a job that is made only later.
    if (performance.now() - heldSince + createTimeout > lease.milliseconds) {
      await withdraw(intended, run);
      throw new LeaseLostError(`The claim on run ${run.id} is too old to create its job`);
    }
    try {
      const job = await provider.createJob(jobOf(run, method), deadline(signal, createTimeout));
      reach('submitAnswered', run.id);
      return await adopt(intended, job, `Submitted as job ${job.id}.`);
    } catch (error) {
      // Only an answer that says so proves that there is no job; everything else is looked into by `reconcile`.
      if (!(error instanceof ProviderError) || !provesNoJob(error)) throw error;
      await withdraw(intended, run);
      throw error;
    }
  }

  /** Takes the intent back, since nothing came of it. Throws LeaseLostError when another has seen it already. */
  async function withdraw(intended: TrainingRun, before: TrainingRun): Promise<void> {
    await changeClaimedRun(db, intended, () => ({
      set: { submitIntentAt: null, submitAttempts: before.submitAttempts },
    }));
  }

  /** A cancel came while it was not known whether there is a job, and now it is known that there is none. */
  function giveUp(run: TrainingRun): Promise<TrainingRun> {
    return changeClaimedRun(db, run, (now) => ({
      set: { status: 'CANCELLED', step: 'CLEANUP', completedAt: now, attempts: 0 },
      events: [{ type: 'STATUS', message: 'Cancelled: the provider has no job for this run.' }],
    }));
  }

  async function reconcile(run: TrainingRun, provider: Provider, signal: AbortSignal): Promise<TrainingRun> {
    const jobs = await provider.findJobs(run.id, deadline(signal, REQUEST_TIMEOUT));
    const first = jobs.at(-1);
    if (first) return adopt(run, first, `Found job ${first.id}, whose creation had not been answered.`);
    return changeClaimedRun(db, run, (now) => {
      const checkedAt = run.submitCheckedAt;
      if (checkedAt === null) return lookAgain(now);
      const due = new Date(checkedAt.getTime() + reconcileWait);
      if (now < due) return { set: { nextAttemptAt: due } };
      return run.submitAttempts < MOST_SUBMISSIONS ? createAgain() : needsReview();
    });
  }

  function lookAgain(now: Date): RunChange {
    const message = 'The answer to the submission was lost. The provider lists no job yet; looking again.';
    return {
      set: { submitCheckedAt: now, nextAttemptAt: new Date(now.getTime() + reconcileWait) },
      events: [{ type: 'MESSAGE', level: 'WARN', message }],
    };
  }

  async function adopt(run: TrainingRun, job: ProviderJob, message: string): Promise<TrainingRun> {
    const adopted = await changeClaimedRun(db, run, (now) => adoption(run, job, now, message));
    reach('submitSaved', run.id);
    return adopted;
  }
}

function createAgain(): RunChange {
  const message = 'The provider has listed no job twice: submitting once more.';
  return {
    set: { submitIntentAt: null, submitCheckedAt: null },
    events: [{ type: 'MESSAGE', level: 'WARN', message }],
  };
}

function needsReview(): RunChange {
  const message =
    'Two submissions were not answered and no job is listed. Look at the provider whether there is one, then say so with resolveTrainingRun.';
  return {
    set: { status: 'NEEDS_REVIEW', errorCode: 'SUBMISSION_UNSETTLED', errorMessage: message },
    events: [{ type: 'STATUS', level: 'ERROR', message }],
  };
}

function jobOf(run: TrainingRun, method: TrainingMethod): NewJob {
  return {
    baseModel: run.baseModel,
    trainingFileId: run.trainingFileId ?? '',
    validationFileId: run.validationFileId,
    method,
    runId: run.id,
    suffix: run.suffix,
    seed: run.seed,
    hyperparameters: {
      nEpochs: run.nEpochs,
      batchSize: run.batchSize,
      learningRateMultiplier: run.learningRateMultiplier,
    },
  };
}

function provesNoJob(error: ProviderError): boolean {
  return !error.retryable || error.code === 'PROVIDER_RATE_LIMITED';
}
