import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import {
  type BaseModel,
  type Dataset,
  type ExportFormat,
  type TrainingRun,
} from '../generated/prisma/client.ts';
import { askModel, chatSchema, type ChatInput } from './askModel.ts';
import type { BaseModelService } from './baseModel.ts';
import type { BudgetService } from './budget.ts';
import { cancelJob } from './cancelJob.ts';
import type { Clock } from './clock.ts';
import { noCrash, type ReachCrashPoint } from './crashPoint.ts';
import { lockDataset } from './dataset.ts';
import {
  ExportTaintedError,
  InsufficientExamplesError,
  InvalidInputError,
  NotFoundError,
  PreflightFailedError,
  RequestKeyReusedError,
  RunNotCancellableError,
} from './errors.ts';
import { formatOf } from './exportFormats/index.ts';
import { isTainted } from './exportTaint.ts';
import type { EstimateService } from './estimate.ts';
import { parseInput } from './input.ts';
import { launchSchema, PAIRS_ALONE, requestHash, type LaunchInput, type LaunchRequest } from './launch.ts';
import { isReady, type ReadyExport } from './exportFiles.ts';
import type { PreflightService } from './preflight.ts';
import { warningsIn } from './preflight/findings.ts';
import { configuredProvider, requireProvider } from './providerChoice.ts';
import type { ChatAnswer, Provider, Providers } from './providers/port.ts';
import { askToCancel } from './runCancel.ts';
import { changeRun, lockRun } from './runChange.ts';
import type { RunPoller } from './runPoller.ts';
import { resolveRun, type Resolution } from './runResolve.ts';
import { isFinal } from './runStatus.ts';
import { requireSplittable } from './splitOutlook.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit, type AuditNote } from './audit.ts';
import { isUniqueViolation } from './uniqueViolation.ts';

/** How long a person waits for the provider's answer, in milliseconds. */
const CANCEL_TIMEOUT = 15_000;

export type TrainingRunService = ReturnType<typeof createTrainingRunService>;

export function createTrainingRunService({
  db,
  providers,
  baseModels,
  estimates,
  budget,
  poller,
  preflight,
  clock,
  reach = noCrash,
}: {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  providers: Providers;
  baseModels: Pick<BaseModelService, 'requireTrainable' | 'priceOn'>;
  estimates: Pick<EstimateService, 'ofLaunch'>;
  budget: Pick<BudgetService, 'lock' | 'requireRoom'>;
  poller: RunPoller;
  preflight: Pick<PreflightService, 'ofLaunch'>;
  clock: Clock;
  reach?: ReachCrashPoint | undefined;
}) {
  return {
    /**
     * Records the wish for a run and answers at once; the worker exports, uploads and submits. The same requestKey
     * gives the same run. Throws InvalidInputError, NotFoundError, ExportTaintedError, InsufficientExamplesError,
     * BaseModelUnavailableError, SplitImpossibleError, PreflightFailedError, RequestKeyReusedError, BudgetExceededError.
     */
    async launch(viewer: Viewer, input: LaunchInput): Promise<TrainingRun> {
      const request = parseInput(launchSchema, input);
      const hash = requestHash(request);
      const before = await launchedBefore(viewer, request, hash);
      if (before) return before;

      const provider = requireProvider(providers, request.provider, 'input.provider');
      const { model, warnings } = await baseModels.requireTrainable(provider.name, request.baseModel);
      const price = await baseModels.priceOn(model.id, clock.now());
      const look = (tx: Tx) => trainingMaterial(tx, viewer, request, model);
      const material = await db.withTenant(viewer.tenantId, look);
      const { split } = request;
      if (split) await requireSplittable(db, material.dataset, split);
      const report = await preflight.ofLaunch(viewer, material, model, request);
      if (!report.ok) throw new PreflightFailedError(report);
      try {
        const launched = await db.withTenant(viewer.tenantId, async (tx) => {
          await budget.lock(tx, viewer);
          // Once more, under locks. Of what was changed meanwhile the worker sees the very file.
          const { dataset, snapshot, have } = await look(tx);
          const nEpochs = request.hyperparameters?.nEpochs ?? null;
          const estimate = await estimates.ofLaunch(tx, { dataset, snapshot }, model, price, nEpochs);
          await budget.requireRoom(tx, viewer, provider.name, estimate?.costUsd.upper ?? null);
          const run = await tx.trainingRun.create({
            data: {
              tenantId: viewer.tenantId,
              datasetId: dataset.id,
              exportId: snapshot?.id ?? null,
              step: snapshot ? 'UPLOAD' : 'EXPORT',
              provider: provider.name,
              baseModel: model.name,
              requestKey: request.requestKey ?? null,
              requestHash: new Uint8Array(hash),
              nEpochs,
              batchSize: request.hyperparameters?.batchSize ?? null,
              learningRateMultiplier: request.hyperparameters?.learningRateMultiplier ?? null,
              beta: request.hyperparameters?.beta ?? null,
              validationShare: request.split?.validationShare ?? null,
              splitSeed: request.split?.seed ?? null,
              splitGroup: request.split?.groupBy ?? null,
              suffix: request.suffix ?? null,
              seed: request.seed ?? null,
              priceId: price?.id ?? null,
              estimatedLowerUsd: estimate?.costUsd.lower ?? null,
              estimatedCostUsd: estimate?.costUsd.expected ?? null,
              estimatedUpperUsd: estimate?.costUsd.upper ?? null,
              warnings: [...warnings, ...warningsIn(report)].map(({ code, message }) => ({ code, message })),
            },
          });
          const accepted = await changeRun(tx, { ...run, now: run.createdAt }, {}, [
            {
              type: 'STATUS',
              message: `Launch of ${model.name} on ${provider.name} with ${have} examples accepted.`,
            },
          ]);
          await audit(tx, viewer, 'LAUNCH_TRAINING_RUN', run.id, {
            provider: provider.name,
            baseModel: model.name,
            estimatedUpperUsd: estimate?.costUsd.upper ?? null,
          });
          reach('launchUncommitted', run.id);
          return accepted;
        });
        reach('launchCommitted', launched.id);
        return launched;
      } catch (error) {
        // Another launch with this key was committed between the look and the insert.
        const after = isUniqueViolation(error) ? await launchedBefore(viewer, request, hash) : null;
        if (after) return after;
        throw error;
      }
    },

    /** Asks the provider now, if there is a job to ask about. Throws NotFoundError, ProviderError. */
    async refresh(viewer: Viewer, id: string): Promise<TrainingRun> {
      const run = await requireRun(viewer, id);
      if (!isFinal(run.status) && run.providerJobId !== null) await poller.pollOne(run);
      return requireRun(viewer, id);
    },

    /**
     * Cancels a run: at once while there is no job yet or a person has looked for one (NEEDS_REVIEW), else at the
     * provider. The wish is kept, so that it is repeated when the provider cannot be reached.
     * Throws NotFoundError, RunNotCancellableError, ProviderError.
     */
    async cancel(viewer: Viewer, id: string): Promise<TrainingRun> {
      const run = await db.withTenant(viewer.tenantId, async (tx) => {
        const current = await lockRun(tx, viewer.tenantId, id);
        if (isFinal(current.status)) throw new RunNotCancellableError(current.status);
        await audit(tx, viewer, 'CANCEL_TRAINING_RUN', id);
        return askToCancel(tx, current, viewer.subject);
      });
      if (run.providerJobId === null || isFinal(run.status)) return run;
      const refusal = await cancelJob(
        providerOf(run),
        run.providerJobId,
        AbortSignal.timeout(CANCEL_TIMEOUT),
      );
      reach('cancelSent', run.id);
      await poller.pollOne(run);
      const after = await requireRun(viewer, id);
      if (refusal === null || after.status === 'CANCELLED') return after;
      // A job that has just ended refuses to be cancelled.
      throw isFinal(after.status) ? new RunNotCancellableError(after.status) : refusal;
    },

    /**
     * Settles a run in NEEDS_REVIEW: with the job that a person found at the provider, or as given up.
     * Throws InvalidInputError, NotFoundError, RunNotInReviewError, ProviderError.
     */
    async resolve(viewer: Viewer, id: string, resolution: Resolution): Promise<TrainingRun> {
      const run = await requireRun(viewer, id);
      return resolveRun(db, providerOf(run), viewer, run, resolution);
    },

    /** Asks the model that a run has tuned. Throws InvalidInputError, NotFoundError, ModelNotReadyError, ProviderError. */
    async ask(viewer: Viewer, id: string, input: ChatInput): Promise<ChatAnswer> {
      const chat = parseInput(chatSchema, input);
      const run = await requireRun(viewer, id);
      await db.withTenant(viewer.tenantId, (tx) => audit(tx, viewer, 'ASK_MODEL', id));
      return askModel(db, providerOf(run), run, chat);
    },
  };

  async function launchedBefore(
    viewer: Viewer,
    request: LaunchRequest,
    hash: Buffer,
  ): Promise<TrainingRun | null> {
    if (request.requestKey == null) return null;
    const where = { tenantId: viewer.tenantId, requestKey: request.requestKey };
    const run = await db.withTenant(viewer.tenantId, (tx) => tx.trainingRun.findFirst({ where }));
    if (run && !hash.equals(run.requestHash)) throw new RequestKeyReusedError();
    return run;
  }

  /** The provider that a run was launched on. Throws ProviderError when this server has no access to it any more. */
  function providerOf(run: TrainingRun): Provider {
    const lost = `This server has no access to ${run.provider}, where the run was launched. Configure it, then try again.`;
    return configuredProvider(providers, run.provider, lost);
  }

  async function requireRun(viewer: Viewer, id: string): Promise<TrainingRun> {
    const run = await db.withTenant(viewer.tenantId, (tx) =>
      tx.trainingRun.findFirst({ where: { id, tenantId: viewer.tenantId } }),
    );
    if (!run) throw new NotFoundError('training run', id);
    return run;
  }
}

/**
 * What the run is to be trained on, and how many examples that is. Throws NotFoundError, ExportTaintedError,
 * InvalidInputError, InsufficientExamplesError.
 */
async function trainingMaterial(
  tx: Tx,
  viewer: Viewer,
  { datasetId, exportId, hyperparameters }: LaunchRequest,
  { minExamples }: BaseModel,
): Promise<{ dataset: Dataset; snapshot: ReadyExport | null; have: number }> {
  const { tenantId } = viewer;
  if (exportId != null) {
    const found = await tx.export.findFirst({
      where: { id: exportId, tenantId, state: 'READY' },
      include: { dataset: true },
    });
    if (!found || !isReady(found)) throw new NotFoundError('export', exportId);
    const { dataset, ...snapshot } = found;
    refuseUntrained(snapshot.format, hyperparameters?.beta ?? null);
    // Whoever erases a caller has the lock first, and is seen; or later, and sees the run.
    await lockDataset(tx, viewer, dataset.id);
    if (await isTainted(tx, snapshot)) throw new ExportTaintedError();
    return enough({ dataset, snapshot, have: snapshot.exampleCount });
  }
  const dataset = await tx.dataset.findFirst({ where: { id: datasetId ?? '', tenantId } });
  if (!dataset) throw new NotFoundError('dataset', datasetId ?? '');
  return enough({ dataset, snapshot: null, have: dataset.validatedCount });

  function enough<Material extends { have: number }>(material: Material): Material {
    if (material.have < minExamples) throw new InsufficientExamplesError(material.have, minExamples);
    return material;
  }
}

/** Throws InvalidInputError when no provider trains on such an export, or not with what was asked. */
function refuseUntrained(format: ExportFormat, beta: number | null): void {
  const { method } = formatOf(format);
  if (method === null) {
    const message = `must be an export in OPENAI_CHAT_JSONL or OPENAI_DPO_JSONL, not in ${format}, which providers do not train on`;
    throw new InvalidInputError([{ field: 'input.exportId', message }]);
  }
  if (beta !== null && method !== 'DPO') {
    throw new InvalidInputError([{ field: 'input.hyperparameters.beta', message: PAIRS_ALONE }]);
  }
}

function audit(tx: Tx, viewer: Viewer, action: AuditNote['action'], id: string, detail = {}) {
  return recordAudit(tx, viewer, { action, subjectType: 'TrainingRun', subjectId: id, detail });
}
