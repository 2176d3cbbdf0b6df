import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Example } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import { editedExample, type ExampleChange } from './exampleEdit.ts';
import { DuplicateExampleError, NotFoundError } from './errors.ts';
import { createExampleAddition } from './exampleAddition.ts';
import { exampleWhere, type ExampleFilter } from './exampleFilter.ts';
import { refuseUntrainable } from './exampleFitness.ts';
import { summaryOf } from './exampleSummary.ts';
import { parseInput } from './input.ts';
import { refuseHeldByOther } from './reviewQueue.ts';
import { storableText } from './text.ts';
import { exampleTokens, hasOwnSystemPrompt } from './tokens/chat.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit, type AuditNote } from './audit.ts';

export const MAX_IDS = 1000;

const ids = z
  .array(z.uuid())
  .min(1, 'must name at least one example')
  .max(MAX_IDS, `may name at most ${MAX_IDS} examples`);
const score = z.number().min(0).max(1);

/** Which examples: these, or all of a dataset that a filter keeps. */
export type Selection =
  | { ids: string[]; datasetId?: undefined; filter?: undefined }
  | { ids?: undefined; datasetId: string; filter: ExampleFilter };

export interface Judgement {
  /** How many examples were selected. */
  matched: number;
  /** How many of them were not so before. */
  changed: number;
}

export type ExampleService = ReturnType<typeof createExampleService>;

export function createExampleService({ db }: { db: Pick<Database, 'withTenant' | 'grew'> }) {
  return {
    ...createExampleAddition({ db }),

    /**
     * Finds the examples fit for training, also those rejected before. Those that no provider takes are not validated:
     * an id of one refuses all, a filter passes them over. Throws InvalidInputError, NotFoundError.
     */
    validate(viewer: Viewer, selection: Selection): Promise<Judgement> {
      const validatedAt = new Date();
      return judge(
        viewer,
        'VALIDATE_EXAMPLES',
        selection,
        { validated: false },
        {
          validated: true,
          validatedBy: viewer.subject,
          validatedAt,
          ...NOT_REJECTED,
          decidedByReviews: false,
        },
        (tx, by, chosen) =>
          refuseUntrainable(tx, by, chosen.ids === undefined ? { ...chosen, validatedAt } : chosen),
      );
    },

    /** Turns the examples down, also those validated before. Throws InvalidInputError, NotFoundError. */
    reject(viewer: Viewer, selection: Selection, reason: string | null): Promise<Judgement> {
      const rejectionReason =
        parseInput(storableText('The reason', 1000).nullable(), reason, 'input.reason') || null;
      return judge(
        viewer,
        'REJECT_EXAMPLES',
        selection,
        { rejected: false },
        {
          rejected: true,
          rejectedBy: viewer.subject,
          rejectedAt: new Date(),
          rejectionReason,
          ...NOT_VALIDATED,
          decidedByReviews: false,
        },
      );
    },

    /** Sets the quality of examples, 0..1, rounded to two decimals. Throws InvalidInputError, NotFoundError. */
    setQualityScore(viewer: Viewer, exampleIds: string[], qualityScore: number): Promise<Judgement> {
      // As PostgreSQL rounds: 0.285 is 0.29, which binary fractions would make 0.28.
      const rounded = new Prisma.Decimal(
        parseInput(score, qualityScore, 'input.qualityScore'),
      ).toDecimalPlaces(2);
      return judge(
        viewer,
        'SET_QUALITY_SCORE',
        { ids: exampleIds },
        { OR: [{ qualityScore: null }, { qualityScore: { not: rounded } }] },
        { qualityScore: rounded },
      );
    },

    /**
     * Gives an example new messages. The old wording is kept as a revision, and the verdict on it is lifted: a new
     * wording wants new reviews. Who holds the example keeps it, and nobody else may edit it meanwhile. Throws
     * InvalidInputError, NotFoundError, DuplicateExampleError, ExampleHeldError.
     */
    async update(viewer: Viewer, id: string, change: ExampleChange): Promise<Example> {
      return db.withTenant(viewer.tenantId, async (tx) => {
        const example = await lockExample(tx, viewer, id);
        await refuseHeldByOther(tx, viewer, id);
        const edited = editedExample(example, change);
        await tx.$executeRaw`
          INSERT INTO finetuning_example_revisions
            (tenant_id, example_id, revision, messages, tools, parallel_tool_calls, replaced_by)
          SELECT tenant_id, id, revision, messages, tools, parallel_tool_calls, ${viewer.subject}
          FROM finetuning_examples WHERE id = ${id}::uuid AND tenant_id = ${viewer.tenantId}::uuid`;
        const { userMessage, assistantResponse } = summaryOf(edited.messages);
        const messages = JSON.stringify(edited.messages);
        const tools = edited.tools === null ? null : JSON.stringify(edited.tools);
        const tokens = await exampleTokens(edited);
        const changed = await tx.$executeRaw`
          UPDATE finetuning_examples
          SET messages = ${messages}::jsonb, tools = ${tools}::jsonb, parallel_tool_calls = ${edited.parallelToolCalls},
            user_message = ${userMessage}, assistant_response = ${assistantResponse},
            content_hash = messages_hash(${messages}::jsonb), revision = revision + 1, updated_at = now(),
            tokens = ${tokens}, own_system_prompt = ${hasOwnSystemPrompt(edited.messages)},
            validated = false, validated_by = NULL, validated_at = NULL,
            rejected = false, rejected_by = NULL, rejected_at = NULL, rejection_reason = NULL
          WHERE id = ${id}::uuid AND tenant_id = ${viewer.tenantId}::uuid AND NOT EXISTS (
            SELECT FROM finetuning_examples AS other
            WHERE other.dataset_id = ${example.datasetId}::uuid AND other.id <> ${id}::uuid
              AND other.content_hash = messages_hash(${messages}::jsonb)
          )`;
        if (changed === 0) throw new DuplicateExampleError();
        await recordAudit(tx, viewer, {
          action: 'UPDATE_EXAMPLE',
          subjectType: 'Example',
          subjectId: id,
          detail: { revision: example.revision + 1 },
        });
        return tx.example.findFirstOrThrow({ where: { id, tenantId: viewer.tenantId } });
      });
    },
  };

  /** One statement over the selected examples. An id that is not there refuses them all. */
  async function judge(
    viewer: Viewer,
    action: AuditNote['action'],
    selection: Selection,
    notSoYet: Prisma.ExampleWhereInput,
    data: Prisma.ExampleUpdateManyMutationInput,
    takeBack: (tx: Tx, viewer: Viewer, selection: Selection) => Promise<number> = async () => 0,
  ): Promise<Judgement> {
    return db.withTenant(viewer.tenantId, async (tx) => {
      const where = await lockSelection(tx, viewer, selection);
      const matched = await tx.example.count({ where });
      const { count } = await tx.example.updateMany({
        where: { AND: [where, notSoYet] },
        data: { ...data, updatedAt: new Date() },
      });
      const changed = count - (await takeBack(tx, viewer, selection));
      if (changed > 0) await recordAudit(tx, viewer, { action, ...subjectOf(selection, changed) });
      return { matched, changed };
    });
  }
}

/** What a judgement was of, for the audit log: a few examples by their ids, or what a filter found in a dataset. */
function subjectOf(selection: Selection, changed: number): Omit<AuditNote, 'action'> {
  if (selection.ids === undefined)
    return { subjectType: 'Dataset', subjectId: selection.datasetId, detail: { changed } };
  const [subjectId = '', ...others] = selection.ids;
  return { subjectType: 'Example', subjectId, detail: { changed, ...(others.length > 0 && { others }) } };
}

const NOT_REJECTED = { rejected: false, rejectedBy: null, rejectedAt: null, rejectionReason: null };
const NOT_VALIDATED = { validated: false, validatedBy: null, validatedAt: null };

/** Locks the datasets concerned, in one order for everybody, so that two judgements never wait for each other. */
async function lockSelection(
  tx: Tx,
  viewer: Viewer,
  selection: Selection,
): Promise<Prisma.ExampleWhereInput> {
  const { tenantId } = viewer;
  if (selection.ids === undefined) {
    await lockDataset(tx, viewer, selection.datasetId);
    return { tenantId, datasetId: selection.datasetId, ...exampleWhere(selection.filter, 'input.filter') };
  }
  const wanted = [...new Set(parseInput(ids, selection.ids, 'input.ids'))];
  const found = await tx.example.findMany({
    where: { tenantId, id: { in: wanted } },
    select: { id: true, datasetId: true },
  });
  const missing = wanted.find((id) => !found.some((example) => example.id === id));
  if (missing !== undefined) throw new NotFoundError('example', missing);
  for (const datasetId of [...new Set(found.map((example) => example.datasetId))].toSorted()) {
    await lockDataset(tx, viewer, datasetId);
  }
  return { tenantId, id: { in: wanted } };
}

/** Reads the example once no other writer of its dataset is at work. Throws NotFoundError. */
export async function lockExample(tx: Tx, viewer: Viewer, id: string): Promise<Example> {
  const where = { id, tenantId: viewer.tenantId };
  const example = await tx.example.findFirst({ where });
  if (!example) throw new NotFoundError('example', id);
  await lockDataset(tx, viewer, example.datasetId);
  return tx.example.findFirstOrThrow({ where });
}
