import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Dataset, Prisma } from '../generated/prisma/client.ts';
import { DatasetInUseError, DatasetNameTakenError, NotFoundError } from './errors.ts';
import { parseInput } from './input.ts';
import { settleDataset } from './reviewVerdict.ts';
import { storableText } from './text.ts';
import { systemPromptTokens } from './tokens/chat.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit, type AuditNote } from './audit.ts';
import type { Tx } from '../db/tenancy.ts';
import { isUniqueViolation } from './uniqueViolation.ts';

const name = storableText('The name', 200).refine((text) => text !== '', 'must not be empty');
const fields = {
  description: storableText('The description', 10_000).nullish(),
  systemPrompt: storableText('The system prompt', 100_000).nullish(),
  minReviews: z.int().min(1).max(10).nullish(),
};
const policy = z.enum(['BLOCK', 'REDACT', 'ALLOW']);
const createSchema = z.object({ name, ...fields, personalDataPolicy: policy.nullish() });
const updateSchema = z.object({ name: name.optional(), ...fields, personalDataPolicy: policy.nullish() });

export type CreateDatasetInput = z.input<typeof createSchema>;
export type UpdateDatasetInput = z.input<typeof updateSchema>;
export type DatasetService = ReturnType<typeof createDatasetService>;

export function createDatasetService({ db }: { db: Pick<Database, 'withTenant'> }) {
  return {
    /** Creates an empty dataset. Throws InvalidInputError, DatasetNameTakenError. */
    async create(viewer: Viewer, input: CreateDatasetInput): Promise<Dataset> {
      const data = parseInput(createSchema, input);
      const promptTokens = await systemPromptTokens(data.systemPrompt ?? null);
      return refusingTakenName(data.name, () =>
        db.withTenant(viewer.tenantId, async (tx) => {
          const dataset = await tx.dataset.create({
            data: {
              tenantId: viewer.tenantId,
              name: data.name,
              description: data.description || null,
              systemPrompt: data.systemPrompt || null,
              systemPromptTokens: promptTokens,
              ...(data.minReviews != null && { minReviews: data.minReviews }),
              ...(data.personalDataPolicy && { personalDataPolicy: data.personalDataPolicy }),
            },
          });
          await audit(tx, viewer, 'CREATE_DATASET', dataset.id);
          return dataset;
        }),
      );
    },

    /** Changes what is given and leaves the rest; null or '' clears. Throws NotFoundError and what `create` throws. */
    async update(viewer: Viewer, id: string, input: UpdateDatasetInput): Promise<Dataset> {
      const data = parseInput(updateSchema, input);
      const promptTokens = await systemPromptTokens(data.systemPrompt ?? null);
      return refusingTakenName(data.name ?? '', () =>
        db.withTenant(viewer.tenantId, async (tx) => {
          const [dataset] = await tx.dataset.updateManyAndReturn({
            where: { id, tenantId: viewer.tenantId },
            data: {
              ...(data.name !== undefined && { name: data.name }),
              ...(data.description !== undefined && { description: data.description || null }),
              ...(data.systemPrompt !== undefined && {
                systemPrompt: data.systemPrompt || null,
                systemPromptTokens: promptTokens,
              }),
              ...(data.minReviews != null && { minReviews: data.minReviews }),
              ...(data.personalDataPolicy && { personalDataPolicy: data.personalDataPolicy }),
              updatedAt: new Date(),
            },
          });
          if (!dataset) throw new NotFoundError('dataset', id);
          const { personalDataPolicy } = data;
          await audit(tx, viewer, 'UPDATE_DATASET', id, {
            fields: Object.keys(data),
            ...(personalDataPolicy && { personalDataPolicy }),
          });
          if (data.minReviews == null) return dataset;
          await settleDataset(tx, viewer, id);
          return tx.dataset.findFirstOrThrow({ where: { id, tenantId: viewer.tenantId } });
        }),
      );
    },

    /** Deletes a dataset and its examples for good. Throws NotFoundError, DatasetInUseError. */
    async remove(viewer: Viewer, id: string): Promise<Dataset> {
      return db.withTenant(viewer.tenantId, async (tx) => {
        const dataset = await lockForRemoval(tx, viewer, id);
        const where = { datasetId: id, tenantId: viewer.tenantId };
        const [exports, runs] = [await tx.export.count({ where }), await tx.trainingRun.count({ where })];
        if (exports + runs > 0) throw new DatasetInUseError();
        await tx.dataset.deleteMany({ where: { id, tenantId: viewer.tenantId } });
        await audit(tx, viewer, 'DELETE_DATASET', id, { examples: dataset.exampleCount });
        return dataset;
      });
    },
  };
}

function audit(tx: Tx, viewer: Viewer, action: AuditNote['action'], id: string, detail = {}) {
  return recordAudit(tx, viewer, { action, subjectType: 'Dataset', subjectId: id, detail });
}

/**
 * Reads the dataset and keeps every other writer of it and its examples waiting until the transaction ends. What only
 * points at it, as a new run does, need not wait. Throws NotFoundError.
 */
export async function lockDataset(
  tx: Prisma.TransactionClient,
  viewer: Pick<Viewer, 'tenantId'>,
  id: string,
): Promise<Dataset> {
  await tx.$queryRaw`SELECT id FROM finetuning_datasets
    WHERE id = ${id}::uuid AND tenant_id = ${viewer.tenantId}::uuid FOR NO KEY UPDATE`;
  return requireDataset(tx, viewer, id);
}

/** As lockDataset; nothing new points at it either until the transaction ends. */
async function lockForRemoval(tx: Prisma.TransactionClient, viewer: Viewer, id: string): Promise<Dataset> {
  await tx.$queryRaw`SELECT id FROM finetuning_datasets
    WHERE id = ${id}::uuid AND tenant_id = ${viewer.tenantId}::uuid FOR UPDATE`;
  return requireDataset(tx, viewer, id);
}

async function requireDataset(
  tx: Prisma.TransactionClient,
  viewer: Pick<Viewer, 'tenantId'>,
  id: string,
): Promise<Dataset> {
  const dataset = await tx.dataset.findFirst({ where: { id, tenantId: viewer.tenantId } });
  if (!dataset) throw new NotFoundError('dataset', id);
  return dataset;
}

async function refusingTakenName(wanted: string, write: () => Promise<Dataset>): Promise<Dataset> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new DatasetNameTakenError(wanted);
    }
    throw error;
  }
}
