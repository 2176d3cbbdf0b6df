/**
 * Searches every example for personal data, soon after it is written: the database keeps what is due (a migration,
 * *_scans), this finds it, in a thread, and writes what was found, but none of the text.
 */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { PERSONAL_DATA_KINDS, RULES_VERSION, type PersonalDataKind } from './personalData/kinds.ts';
import type { PersonalDataSearch } from './personalData/thread.ts';
import type { PlacedFinding } from './personalData/work.ts';
import type { Precedence } from './precedence.ts';
import type { Viewer } from './viewer.ts';

/** How many examples are claimed at once, and how many bytes of them are read at once, as PostgreSQL stores them. */
const PAGE = { examples: 200, bytes: 2 * 1024 * 1024 };
/** A claim that its worker did not live to end is free after this many seconds. */
const CLAIM_SECONDS = 120;
/** How many findings of an example are kept; more are counted. */
const MOST_KEPT = 500;

const findingsSchema = z.array(
  z.object({
    path: z.string(),
    kind: z.enum(PERSONAL_DATA_KINDS),
    start: z.number(),
    end: z.number(),
    rule: z.string(),
  }),
);

export interface PersonalDataCounts {
  /** How many examples were searched in their present wording by the present rules. */
  scanned: number;
  /** How many wait to be searched. */
  unscanned: number;
  /** How many of those searched hold findings. */
  examplesWithFindings: number;
  /** How many examples hold findings of each kind; kinds that were not found are left out. */
  byKind: { kind: PersonalDataKind; examples: number }[];
}

export type ExampleScanService = ReturnType<typeof createExampleScanService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  search: PersonalDataSearch;
  precedence: Pick<Precedence, 'afterwards'>;
}

interface Due {
  tenantId: string;
  exampleId: string;
}

export function createExampleScanService({ db, search, precedence }: Deps) {
  return {
    /** Searches what is due, of all tenants, the newest first, until nothing is or `signal` is aborted. Returns how many. */
    async scanDue(signal: AbortSignal): Promise<number> {
      let scanned = 0;
      for (;;) {
        // Whoever adds examples by the thousand waits for it; what is found in them is asked for afterwards.
        await precedence.afterwards(signal);
        if (signal.aborted) break;
        const due = await db.asSystem(claim);
        if (due.length === 0) break;
        for (const [tenantId, ids] of byTenant(due)) {
          let left = ids;
          while (left.length > 0 && !signal.aborted) left = await scanPage(tenantId, left);
        }
        scanned += due.length;
      }
      return scanned;
    },

    /** What is known of the datasets, by id; those that are not the viewer's are left out. */
    async countsOf(viewer: Viewer, datasetIds: readonly string[]): Promise<Map<string, PersonalDataCounts>> {
      return db.withTenant(viewer.tenantId, (tx) => readCounts(tx, viewer.tenantId, datasetIds));
    },
  };

  /** Searches as many of the examples as make a page; returns those left. */
  async function scanPage(tenantId: string, ids: string[]): Promise<string[]> {
    const page = await db.withTenant(tenantId, (tx) => readPage(tx, tenantId, ids));
    const found = await search.scan(page);
    const rows = page.map(({ id, revision }, index) => scanRow(id, revision, found[index] ?? []));
    if (rows.length > 0) await db.withTenant(tenantId, (tx) => writeScans(tx, tenantId, rows));
    const done = new Set(page.map(({ id }) => id));
    // Examples that were deleted meanwhile are not read, and left for nobody.
    return page.length === 0 ? [] : ids.filter((id) => !done.has(id));
  }
}

function claim(tx: Tx): Promise<Due[]> {
  return tx.$queryRaw<Due[]>`
    UPDATE finetuning_example_scans SET claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS}::float8)
    WHERE example_id IN (
      SELECT example_id FROM finetuning_example_scans
      WHERE rules < ${RULES_VERSION}::int AND (claimed_until IS NULL OR claimed_until < now())
      ORDER BY rules, example_id DESC LIMIT ${PAGE.examples}::int
      FOR UPDATE SKIP LOCKED
    )
    RETURNING tenant_id AS "tenantId", example_id AS "exampleId"`;
}

function byTenant(due: Due[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { tenantId, exampleId } of due) ids.set(tenantId, [...(ids.get(tenantId) ?? []), exampleId]);
  return ids;
}

interface Wording {
  id: string;
  revision: number;
  messages: unknown;
  tools: unknown;
}

/** The first of the examples, up to a page's bytes; at least one, however long. */
function readPage(tx: Tx, tenantId: string, ids: string[]): Promise<Wording[]> {
  return tx.$queryRaw<Wording[]>`
    SELECT id, revision, messages, tools FROM (
      SELECT id, revision, messages, tools, sum(pg_column_size(messages) + coalesce(pg_column_size(tools), 0))
        OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM finetuning_examples WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${ids}::uuid[])
    ) AS page
    WHERE bytes_before IS NULL OR bytes_before < ${PAGE.bytes}`;
}

function scanRow(id: string, revision: number, findings: PlacedFinding[]) {
  return {
    id,
    revision,
    findings: findings.slice(0, MOST_KEPT),
    count: findings.length,
    kinds: PERSONAL_DATA_KINDS.filter((one) => findings.some(({ kind }) => kind === one)),
  };
}

/** An example that was edited meanwhile waits for its next scan. */
async function writeScans(tx: Tx, tenantId: string, rows: ReturnType<typeof scanRow>[]): Promise<number> {
  // Findings flag the examples; whoever writes those has locked their dataset, and all in one order.
  await tx.$executeRaw`
    SELECT FROM finetuning_datasets WHERE tenant_id = ${tenantId}::uuid AND id IN (
      SELECT dataset_id FROM finetuning_examples
      WHERE tenant_id = ${tenantId}::uuid AND id = ANY(${rows.map(({ id }) => id)}::uuid[])
    )
    ORDER BY id FOR UPDATE`;
  return tx.$executeRaw`
    UPDATE finetuning_example_scans AS scan
    SET rules = ${RULES_VERSION}::int, findings = row.findings, finding_count = row.count,
      kinds = ARRAY(SELECT jsonb_array_elements_text(row.kinds)), scanned_at = now(), claimed_until = NULL
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS row (id uuid, revision int, findings jsonb, count int, kinds jsonb)
    WHERE scan.tenant_id = ${tenantId}::uuid AND scan.example_id = row.id AND scan.revision = row.revision`;
}

/** How many examples of a dataset have the same state and kinds: few rows, whatever the dataset's size. */
interface CountRow {
  datasetId: string;
  scanned: boolean;
  found: boolean;
  kinds: string[];
  examples: number;
}

/** In one walk through an index that holds it all. */
async function readCounts(
  tx: Tx,
  tenantId: string,
  datasetIds: readonly string[],
): Promise<Map<string, PersonalDataCounts>> {
  const rows = await tx.$queryRaw<CountRow[]>`
    SELECT dataset_id AS "datasetId", rules = ${RULES_VERSION}::int AS scanned, finding_count > 0 AS found, kinds,
      count(*)::int AS examples
    FROM finetuning_example_scans
    WHERE tenant_id = ${tenantId}::uuid AND dataset_id = ANY(${[...datasetIds]}::uuid[])
    GROUP BY 1, 2, 3, 4`;
  const found = new Set(rows.map(({ datasetId }) => datasetId));
  return new Map(
    [...found].map((id) => [id, countsOfRows(rows.filter(({ datasetId }) => datasetId === id))]),
  );
}

function countsOfRows(rows: readonly CountRow[]): PersonalDataCounts {
  const sumOf = (some: (row: CountRow) => boolean) =>
    rows.reduce((sum, row) => sum + (some(row) ? row.examples : 0), 0);
  return {
    scanned: sumOf(({ scanned }) => scanned),
    unscanned: sumOf(({ scanned }) => !scanned),
    examplesWithFindings: sumOf(({ scanned, found }) => scanned && found),
    byKind: PERSONAL_DATA_KINDS.flatMap((kind) => {
      const examples = sumOf(({ scanned, kinds }) => scanned && kinds.includes(kind));
      return examples > 0 ? [{ kind, examples }] : [];
    }),
  };
}

/** Findings as they are kept, back in their shape. */
export function findingsOf(json: unknown): PlacedFinding[] {
  return findingsSchema.parse(json);
}
