/** Which models hold what a caller said: from calls over examples and exports to runs, by keys all the way. */
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { callerNumber } from './callerNumber.ts';
import { LINES_OF_EXAMPLE } from './exportBlocks.ts';
import type { Viewer } from './viewer.ts';

/** A model that was tuned, whole or as a checkpoint from the middle of its training. */
export interface TrainedModel {
  name: string;
  provider: string;
  baseModel: string;
  runId: string;
  /** The training step of a checkpoint; null for the model at the end. */
  step: number | null;
}

interface BlockOfExport {
  exportId: string;
  firstLine: number;
}

export interface Caller {
  tenantId: string;
  /** As calls are found by it. */
  number: string;
  /** The exports that hold words of the caller's calls. Read once, when first asked for. */
  exportIds: () => Promise<string[]>;
}

export type LineageService = ReturnType<typeof createLineageService>;

export function createLineageService({ db }: { db: Pick<Database, 'withTenant'> }) {
  return {
    /** Throws InvalidInputError. */
    async caller(viewer: Viewer, phoneNumber: string): Promise<Caller> {
      const { tenantId } = viewer;
      const number = await db.withTenant(tenantId, (tx) => callerNumber(tx, phoneNumber, 'phoneNumber'));
      let exportIds: Promise<string[]> | undefined;
      return {
        tenantId,
        number,
        exportIds: () =>
          (exportIds ??= db.withTenant(tenantId, (tx) => exportsOfCaller(tx, tenantId, number))),
      };
    },

    /** The models that were trained on exports which hold the caller's words, by name. */
    async modelsOfCaller({ tenantId, exportIds }: Caller): Promise<TrainedModel[]> {
      const ids = await exportIds();
      return db.withTenant(tenantId, (tx) => modelsOfExports(tx, tenantId, ids));
    },

    /** The blocks of ready exports that hold each of some examples, by the example's id. */
    readyBlocks({ tenantId }: Viewer, exampleIds: string[]): Promise<Map<string, BlockOfExport[]>> {
      return db.withTenant(tenantId, async (tx) => {
        const held = await tx.$queryRaw<(BlockOfExport & { exampleId: string })[]>`
          SELECT example.id AS "exampleId", held.export_id AS "exportId", held.first_line AS "firstLine"
          FROM finetuning_examples AS example
          CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
          JOIN finetuning_exports AS export
            ON export.tenant_id = example.tenant_id AND export.id = held.export_id AND state = 'READY'
          WHERE example.tenant_id = ${tenantId}::uuid AND example.id = ANY(${exampleIds}::uuid[])`;
        return new Map(exampleIds.map((id) => [id, held.filter(({ exampleId }) => exampleId === id)]));
      });
    },

    /** The models for each of some calls, by its id, in one question. */
    modelsOfCalls({ tenantId }: Viewer, callIds: string[]): Promise<Map<string, TrainedModel[]>> {
      return db.withTenant(tenantId, async (tx) => {
        const holds = await tx.$queryRaw<{ callId: string; exportId: string }[]>`
          SELECT DISTINCT example.call_transcription_id AS "callId", held.export_id AS "exportId"
          FROM finetuning_examples AS example CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
          WHERE example.tenant_id = ${tenantId}::uuid AND example.call_transcription_id = ANY(${callIds}::uuid[])`;
        const models = await modelsOfExports(tx, tenantId, [
          ...new Set(holds.map(({ exportId }) => exportId)),
        ]);
        return new Map(
          callIds.map((callId) => {
            const exportIds = new Set(
              holds.flatMap((hold) => (hold.callId === callId ? [hold.exportId] : [])),
            );
            return [callId, models.filter((model) => exportIds.has(model.exportId))];
          }),
        );
      });
    },
  };
}

async function exportsOfCaller(tx: Tx, tenantId: string, number: string): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT held.export_id AS id
    FROM call_transcriptions AS call
    JOIN finetuning_examples AS example
      ON example.tenant_id = call.tenant_id AND example.call_transcription_id = call.id
    CROSS JOIN LATERAL ${LINES_OF_EXAMPLE} AS held
    WHERE call.tenant_id = ${tenantId}::uuid AND call.caller_number = ${number}`;
  return rows.map(({ id }) => id);
}

/** The models trained on any of the exports, by name. */
export function modelsOfExports(
  tx: Tx,
  tenantId: string,
  exportIds: string[],
): Promise<(TrainedModel & { exportId: string })[]> {
  return tx.$queryRaw`
    WITH run AS (
      SELECT id, export_id, provider, base_model, result_model_id FROM finetuning_training_runs
      WHERE tenant_id = ${tenantId}::uuid AND export_id = ANY(${exportIds}::uuid[])
    )
    SELECT result_model_id AS name, provider, base_model AS "baseModel", id AS "runId", export_id AS "exportId",
      NULL::int AS step
    FROM run WHERE result_model_id IS NOT NULL
    UNION ALL
    SELECT model_id, provider, base_model, run.id, export_id, step
    FROM run JOIN finetuning_checkpoints AS checkpoint
      ON checkpoint.tenant_id = ${tenantId}::uuid AND checkpoint.run_id = run.id
    WHERE model_id IS DISTINCT FROM result_model_id
    ORDER BY 1, 4`;
}
