/** Which examples an export holds: selected and noted in one transaction, so that nothing changes them afterwards. */
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Dataset, type Export } from '../generated/prisma/client.ts';
import type { Clock } from './clock.ts';
import { lockDataset } from './dataset.ts';
import { NothingToExportError, NothingToPairError } from './errors.ts';
import { insertBlocks } from './exportBlocks.ts';
import { formatOf } from './exportFormats/index.ts';
import type { ExportRequest } from './exportInput.ts';
import { RULES_VERSION } from './personalData/kinds.ts';
import type { Viewer } from './viewer.ts';

/**
 * Finds the ready export of what is validated now, or begins one and notes which wording will be which line. With a
 * split the lines are numbered from `exampleCount` + 1 until they have got their parts. Throws NotFoundError,
 * NothingToExportError, NothingToPairError.
 */
export async function freeze(tx: Tx, viewer: Viewer, request: ExportRequest, clock: Clock): Promise<Export> {
  const { datasetId, format, split } = request;
  // Whoever changes examples changes the dataset's counts too, and so waits: both statements see the same examples.
  const dataset = await lockDataset(tx, viewer, datasetId);
  const { tenantId } = viewer;
  const { systemPrompt, personalDataPolicy } = dataset;
  const selection = await selectionOf(tx, dataset, request);
  if (selection.count === 0)
    throw formatOf(format).pairs ? new NothingToPairError() : new NothingToExportError();
  const selectionHash = selection.hash;
  const existing = await tx.export.findFirst({ where: readyTwin({ tenantId, datasetId, selectionHash }) });
  if (existing) return existing;
  const begun = await tx.export.create({
    data: {
      tenantId,
      datasetId,
      format,
      systemPrompt,
      personalDataPolicy,
      selectionHash,
      exampleCount: selection.count,
      validationShare: split?.validationShare ?? null,
      splitSeed: split?.seed ?? null,
      splitGroup: split?.groupBy ?? null,
      createdAt: clock.now(),
    },
  });
  const lists = Prisma.sql`
    SELECT 'TRAINING'::export_part AS part, ${split ? selection.count : 0}::int AS before,
      array_agg(id) AS example_ids, array_agg(revision) AS revisions, array_agg(position) AS positions
    FROM (
      SELECT id, revision, position FROM finetuning_examples AS example
      WHERE ${membersAre(request, tenantId)} ORDER BY position
    ) AS member`;
  const [frozen] = await tx.$queryRaw<{ count: number }[]>`
    WITH block AS (${insertBlocks(begun, lists)} RETURNING cardinality(example_ids) AS lines)
    SELECT coalesce(sum(lines), 0)::int AS count FROM block`;
  if (frozen?.count !== selection.count)
    throw new Error(`${selection.count} examples were counted and ${frozen?.count} frozen`);
  return begun;
}

/** How many examples an export would hold now, and a hash of all that its files are made of. */
export async function selectionOf(
  tx: Tx,
  { tenantId, systemPrompt, personalDataPolicy }: Dataset,
  request: ExportRequest,
): Promise<{ count: number; hash: Uint8Array<ArrayBuffer> }> {
  const { format, split } = request;
  const header = JSON.stringify([
    format,
    formatOf(format).version,
    systemPrompt,
    // An export without these has the hash that it had before there were any.
    ...(split || personalDataPolicy !== 'ALLOW' ? [personalDataPolicy] : []),
    ...(personalDataPolicy !== 'ALLOW' ? [RULES_VERSION] : []),
    ...(split ? [split.validationShare, split.seed, split.groupBy] : []),
  ]);
  const [selection] = await tx.$queryRaw<{ count: number; hash: Uint8Array<ArrayBuffer> }[]>`
    SELECT count(*)::int AS count,
      sha256(convert_to(${header}::text || coalesce(
        string_agg(id::text || ' ' || revision::text, E'\n'), ''), 'UTF8')) AS hash
    FROM (
      SELECT id, revision FROM finetuning_examples AS example
      WHERE ${membersAre(request, tenantId)} ORDER BY position
    ) AS member`;
  if (!selection) throw new Error('Counting gave no row');
  return selection;
}

/** What an export was asked for with. */
export function requestOf({
  datasetId,
  format,
  validationShare,
  splitSeed,
  splitGroup,
}: Export): ExportRequest {
  const isSplit = validationShare !== null && splitSeed !== null && splitGroup !== null;
  return {
    datasetId,
    format,
    split: isSplit ? { validationShare, seed: splitSeed, groupBy: splitGroup } : null,
  };
}

/** The export that is there already; one whose files are not to be used any more does not count. */
export function readyTwin({
  tenantId,
  datasetId,
  selectionHash,
}: Pick<Export, 'tenantId' | 'datasetId' | 'selectionHash'>): Prisma.ExportWhereInput {
  return { tenantId, datasetId, selectionHash, state: 'READY', taintedAt: null, filesDeletedAt: null };
}

/** The condition on `example`. */
function membersAre({ datasetId, format }: ExportRequest, tenantId: string): Prisma.Sql {
  const validated = Prisma.sql`example.tenant_id = ${tenantId}::uuid AND example.dataset_id = ${datasetId}::uuid AND validated`;
  return formatOf(format).pairs ? Prisma.sql`${validated} AND ${REPAIRED}` : validated;
}

/**
 * Of an example whose last answer says something else than in its first wording, to a conversation that is the same.
 * How an answer is weighted, and what the assistant is called, is no part of what it says.
 */
const REPAIRED = Prisma.sql`revision > 1 AND EXISTS (
  SELECT FROM finetuning_example_revisions AS first
  WHERE first.tenant_id = example.tenant_id AND first.example_id = example.id AND first.revision = 1
    AND first.messages - (-1) = example.messages - (-1)
    AND first.tools IS NOT DISTINCT FROM example.tools
    AND first.messages -> -1 ->> 'role' = 'assistant' AND example.messages -> -1 ->> 'role' = 'assistant'
    AND (first.messages -> -1) - 'weight' - 'name' <> (example.messages -> -1) - 'weight' - 'name'
)`;
