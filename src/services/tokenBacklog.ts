/** Counts the tokens of what was stored before there was counting, or by other means than this program's. */
import type { Database } from '../db/database.ts';
import { inTurns } from './breathe.ts';
import { lockDataset } from './dataset.ts';
import { exampleTokens, systemPromptTokens } from './tokens/chat.ts';
import { serverViewer } from './viewer.ts';

/** How many examples are read, counted and written at once. */
const PAGE = 500;
/** How many datasets one call looks after; the next tick takes the next. */
const DATASETS = 20;

export type TokenBacklog = ReturnType<typeof createTokenBacklog>;

interface Left {
  id: string;
  tenantId: string;
}

export function createTokenBacklog({ db }: { db: Pick<Database, 'withTenant' | 'asSystem'> }) {
  return {
    /**
     * Counts what is left in some datasets, whose-ever they are, until `signal` is aborted; returns how many examples
     * were counted. Replicas that do it at once count the same and write it once: nothing is wrong with that.
     */
    async countBacklog(signal: AbortSignal): Promise<number> {
      // Row level security shows datasets in which something is left, and nothing else.
      const datasets = await db.asSystem(
        (tx) => tx.$queryRaw<Left[]>`
          SELECT id, tenant_id AS "tenantId" FROM finetuning_datasets ORDER BY random() LIMIT ${DATASETS}`,
      );
      let counted = 0;
      for (const dataset of datasets) {
        await countSystemPrompt(dataset);
        let after = 0;
        while (!signal.aborted) {
          const page = await countPage(dataset, after);
          if (page === null) break;
          counted += page.counted;
          after = page.last;
        }
      }
      return counted;
    },
  };

  async function countSystemPrompt({ id, tenantId }: Left): Promise<void> {
    const where = { id, tenantId, systemPromptTokens: 0, systemPrompt: { not: null } };
    const dataset = await db.withTenant(tenantId, (tx) => tx.dataset.findFirst({ where }));
    if (!dataset) return;
    const tokens = await systemPromptTokens(dataset.systemPrompt);
    await db.withTenant(tenantId, (tx) =>
      tx.dataset.updateMany({
        where: { ...where, systemPrompt: dataset.systemPrompt },
        data: { systemPromptTokens: tokens },
      }),
    );
  }

  /** Counts the next uncounted examples after a position; null when there are none. */
  async function countPage({ id, tenantId }: Left, after: number) {
    const examples = await db.withTenant(tenantId, (tx) =>
      tx.example.findMany({
        where: { tenantId, datasetId: id, tokens: null, position: { gt: after } },
        orderBy: { position: 'asc' },
        take: PAGE,
        select: {
          id: true,
          position: true,
          revision: true,
          messages: true,
          tools: true,
          parallelToolCalls: true,
        },
      }),
    );
    const last = examples.at(-1)?.position;
    if (last === undefined) return null;
    const rows = await inTurns(examples, async (example) => ({
      id: example.id,
      revision: example.revision,
      tokens: await exampleTokens(example),
    }));
    const counted = await db.withTenant(tenantId, async (tx) => {
      await lockDataset(tx, serverViewer(tenantId, 'tokens'), id);
      return tx.$executeRaw`
        UPDATE finetuning_examples AS example
        SET tokens = counted.tokens, own_system_prompt = coalesce(messages->0->>'role' = 'system', false)
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS counted (id uuid, revision int, tokens int)
        WHERE example.id = counted.id AND example.tenant_id = ${tenantId}::uuid
          AND example.revision = counted.revision AND example.tokens IS NULL`;
    });
    return { counted, last };
  }
}
