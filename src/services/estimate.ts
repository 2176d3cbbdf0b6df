/** What training would cost, and how well earlier estimates did. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { BaseModel, BaseModelPrice, Dataset, Export } from '../generated/prisma/client.ts';
import type { BaseModelService } from './baseModel.ts';
import type { Clock } from './clock.ts';
import { estimateCost, type CostEstimate, type Material } from './costEstimate.ts';
import { BaseModelUnavailableError, NoEstimateError, NotFoundError } from './errors.ts';
import { parseInput } from './input.ts';
import type { Providers } from './providers/port.ts';
import { storableText } from './text.ts';
import { datasetTokens } from './tokens/datasetTokens.ts';
import { cutOf, cutOfDataset } from './tokens/longExamples.ts';
import type { Viewer } from './viewer.ts';

const argsSchema = z.object({
  provider: storableText('The provider', 100).nullish(),
  baseModel: storableText('The base model', 200)
    .refine((text) => text !== '', 'must name a base model; `baseModels` lists them')
    .nullish(),
  nEpochs: z.number().int().min(1).max(50).nullish(),
});

export type EstimateArgs = z.input<typeof argsSchema>;

/** How far estimates were off, over runs that ended with a cost; errors are relative: 0.1 is a tenth too little. */
export interface EstimateAccuracy {
  count: number;
  meanAbsoluteError: number | null;
  medianAbsoluteError: number | null;
  bias: number | null;
}

export type EstimateService = ReturnType<typeof createEstimateService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  baseModels: Pick<BaseModelService, 'requireTrainable' | 'firstTrainable' | 'priceOn'>;
  providers: Pick<Providers, 'default'>;
  clock: Clock;
}

export function createEstimateService({ db, baseModels, providers, clock }: Deps) {
  return {
    /**
     * Of what the dataset would export now. Without a provider it is the default one, or whoever trains the base model;
     * without a base model the first by name that the provider trains today.
     * Throws InvalidInputError, NotFoundError, BaseModelUnavailableError, NoEstimateError.
     */
    async ofDataset(viewer: Viewer, datasetId: string, args: EstimateArgs): Promise<CostEstimate> {
      const { model, price, nEpochs } = await requireTerms(args);
      const material = await db.withTenant(viewer.tenantId, async (tx) => {
        const dataset = await tx.dataset.findFirst({ where: { id: datasetId, tenantId: viewer.tenantId } });
        if (!dataset) throw new NotFoundError('dataset', datasetId);
        return requireMaterial(await datasetMaterial(tx, dataset, model));
      });
      return estimateCost(model, price, material, nEpochs);
    },

    /** Of an export's training file. Throws what `ofDataset` throws. */
    async ofExport(viewer: Viewer, exportId: string, args: EstimateArgs): Promise<CostEstimate> {
      const { model, price, nEpochs } = await requireTerms(args);
      const snapshot = await db.withTenant(viewer.tenantId, (tx) =>
        tx.export.findFirst({ where: { id: exportId, tenantId: viewer.tenantId, state: 'READY' } }),
      );
      if (!snapshot) throw new NotFoundError('export', exportId);
      return estimateCost(model, price, requireMaterial(exportMaterial(snapshot, model)), nEpochs);
    },

    /** Of a launch, in its transaction; null when it cannot be told. */
    async ofLaunch(
      tx: Tx,
      { dataset, snapshot }: { dataset: Dataset; snapshot: Export | null },
      model: BaseModel,
      price: BaseModelPrice | null,
      nEpochs: number | null,
    ): Promise<CostEstimate | null> {
      const material = snapshot ? exportMaterial(snapshot, model) : await datasetMaterial(tx, dataset, model);
      return price && material && material.examples > 0
        ? estimateCost(model, price, material, nEpochs)
        : null;
    },

    /** Over the tenant's runs that were estimated and have an actual cost. */
    async accuracy(viewer: Viewer): Promise<EstimateAccuracy> {
      const [found] = await db.withTenant(
        viewer.tenantId,
        (tx) => tx.$queryRaw<EstimateAccuracy[]>`
          SELECT count(*)::int AS count, avg(abs(error))::float8 AS "meanAbsoluteError",
            (percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(error)))::float8 AS "medianAbsoluteError",
            avg(error)::float8 AS bias
          FROM (
            SELECT training_cost_usd / estimated_cost_usd - 1 AS error FROM finetuning_training_runs
            WHERE tenant_id = ${viewer.tenantId}::uuid AND status = 'SUCCEEDED'
              AND estimated_cost_usd > 0 AND training_cost_usd IS NOT NULL
          ) AS run`,
      );
      return found ?? { count: 0, meanAbsoluteError: null, medianAbsoluteError: null, bias: null };
    },
  };

  async function requireTerms(args: EstimateArgs) {
    const { provider, baseModel, nEpochs } = parseInput(argsSchema, args, 'costEstimate');
    const model = await requireModel(provider ?? null, baseModel ?? null);
    const price = await baseModels.priceOn(model.id, clock.now());
    if (price) return { model, price, nEpochs: nEpochs ?? null };
    throw new NoEstimateError(
      'NO_PRICE_KNOWN',
      `No price of ${model.name} is known for today. Choose another base model, or add its price to the catalogue.`,
    );
  }

  async function requireModel(provider: string | null, name: string | null): Promise<BaseModel> {
    if (name !== null) {
      const found = provider === null ? anywhere(name) : baseModels.requireTrainable(provider, name);
      return (await found).model;
    }
    const by = provider ?? providers.default.name;
    const first = await baseModels.firstTrainable(by);
    if (first) return first;
    throw new BaseModelUnavailableError(
      'UNKNOWN_BASE_MODEL',
      `Tunesmith knows no base model of ${by} that can be tuned today. Name another provider.`,
    );
  }

  /** The base model at the default provider, else at the one that has it. */
  async function anywhere(baseModel: string) {
    const first = providers.default.name;
    try {
      return await baseModels.requireTrainable(first, baseModel);
    } catch (error) {
      if (!(error instanceof BaseModelUnavailableError) || error.code !== 'UNKNOWN_BASE_MODEL') throw error;
      const others = await db.asSystem((tx) =>
        tx.baseModel.findMany({
          where: {
            provider: { not: first },
            OR: [{ name: baseModel }, { name: { startsWith: `${baseModel}-` } }],
          },
          select: { provider: true },
          distinct: ['provider'],
          orderBy: { provider: 'asc' },
        }),
      );
      const [other] = others;
      if (!other) throw error;
      return baseModels.requireTrainable(other.provider, baseModel);
    }
  }
}

/** What would be trained on; null while its tokens are not all counted. */
async function datasetMaterial(tx: Tx, dataset: Dataset, model: BaseModel): Promise<Material | null> {
  const tokens = datasetTokens(dataset);
  if (tokens === null) return null;
  return {
    examples: dataset.validatedCount,
    tokens,
    cut: await cutOfDataset(tx, dataset, model.maxExampleTokens),
  };
}

function exportMaterial({ exampleCount, tokens, longExamples }: Export, model: BaseModel): Material | null {
  if (tokens === null) return null;
  return { examples: exampleCount, tokens, cut: cutOf(longExamples, model.maxExampleTokens) };
}

function requireMaterial(material: Material | null): Material {
  if (material === null) {
    throw new NoEstimateError(
      'TOKENS_NOT_COUNTED',
      'Not all examples have had their tokens counted yet. That is done within minutes: ask again. An export from before there was counting has to be made anew.',
    );
  }
  if (material.examples > 0) return material;
  throw new NoEstimateError(
    'NOTHING_TO_ESTIMATE',
    'There are no validated examples to train on. Validate some, then ask again.',
  );
}
