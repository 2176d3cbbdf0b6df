/**
 * Keeps a dataset's policy for personal data while its export is written: REDACT rewords lines, BLOCK and REDACT inspect
 * them; under ALLOW the report is made of what the searches of the examples had found.
 */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Export } from '../generated/prisma/client.ts';
import { PersonalDataFoundError, type ExampleWithPersonalData } from './errors.ts';
import type { ExportLine } from './exportFormats/index.ts';
import type { LineStage, LineWork } from './exportStage.ts';
import { isRecord } from './importFormats/types.ts';
import { addCounts, PERSONAL_DATA_KINDS, RULES_VERSION, type CountByKind } from './personalData/kinds.ts';
import type { PersonalDataSearch } from './personalData/thread.ts';

/** How many examples an error names. */
const MOST_NAMED = 10;

const countsSchema = z.partialRecord(z.enum(PERSONAL_DATA_KINDS), z.number());
const reportSchema = z.object({
  policy: z.enum(['BLOCK', 'REDACT', 'ALLOW']),
  /** LINES: searched as they stand in the files. EXAMPLES: as far as the examples had been searched before. */
  basis: z.enum(['LINES', 'EXAMPLES']).default('LINES'),
  rulesVersion: z.number(),
  scannedLines: z.number(),
  unscannedLines: z.number().default(0),
  found: countsSchema,
  replaced: countsSchema,
});

/** What stays with an export. */
export type PersonalDataReport = z.output<typeof reportSchema>;

/** The report as it is kept, back in its shape. */
export function reportOf(json: unknown): PersonalDataReport | null {
  return json === null ? null : reportSchema.parse(json);
}

/** A stage of every export; under ALLOW it looks at no line. */
export function personalDataStage(db: Pick<Database, 'withTenant'>, search: PersonalDataSearch): LineStage {
  return (frozen) => {
    const { personalDataPolicy: policy, systemPrompt } = frozen;
    if (policy === 'ALLOW') return reportingExamples(db, frozen);
    const refusal = { counts: {} as CountByKind, lines: 0, examples: [] as ExampleWithPersonalData[] };
    const replaced: CountByKind = {};
    let scannedLines = 0;

    async function reword(line: ExportLine): Promise<ExportLine> {
      const wordings = [line.wording, ...(line.original ? [line.original] : [])].map(
        ({ messages }) => messages,
      );
      const prompt = wordings.some(hasPrompt) ? null : systemPrompt;
      const [redacted] = await search.redact([{ systemPrompt: prompt, wordings }]);
      if (!redacted || Object.keys(redacted.replaced).length === 0) return line;
      addCounts(replaced, redacted.replaced);
      const [messages, original] = redacted.wordings.map((one) =>
        withPrompt(one, prompt, redacted.systemPrompt),
      );
      return {
        ...line,
        wording: { ...line.wording, messages },
        original: line.original && { ...line.original, messages: original },
      };
    }

    const work: LineWork = {
      async inspect(text, { exampleId, line }) {
        scannedLines += 1;
        const [found] = await search.inspect([text]);
        if (!found) return;
        addCounts(refusal.counts, found.counts);
        refusal.lines += 1;
        if (refusal.examples.length < MOST_NAMED) {
          refusal.examples.push({ exampleId, line, path: found.path, counts: { ...found.counts } });
        }
      },
      finish() {
        if (refusal.lines > 0) throw new PersonalDataFoundError(policy, refusal);
        const report: PersonalDataReport = {
          policy,
          basis: 'LINES',
          rulesVersion: RULES_VERSION,
          scannedLines,
          unscannedLines: 0,
          found: refusal.counts,
          replaced,
        };
        return { personalDataReport: report };
      },
    };
    return policy === 'REDACT' ? { ...work, reword } : work;
  };
}

/** What was found is looked up while the lines are written. */
function reportingExamples(db: Pick<Database, 'withTenant'>, frozen: Export): LineWork {
  let report: Promise<PersonalDataReport> | undefined;
  const reported = () => (report ??= reportOfExamples(db, frozen));
  return {
    begin() {
      reported().catch(() => undefined); // Told at the end; where something else fails before, that is told.
    },
    finish: async () => ({ personalDataReport: await reported() }),
  };
}

/**
 * In one walk over what is stored: to search the bytes would take minutes where the export takes seconds. LATERAL with
 * LIMIT 1 is looked up by the key, however few searches by these rules the statistics know of.
 */
async function reportOfExamples(
  db: Pick<Database, 'withTenant'>,
  { id, tenantId, exampleCount, validationExampleCount }: Export,
): Promise<PersonalDataReport> {
  const [row] = await db.withTenant(
    tenantId,
    (tx) => tx.$queryRaw<{ scanned: number; found: unknown }[]>`
      WITH scan AS MATERIALIZED (
        SELECT scan.findings FROM finetuning_export_examples AS member
        CROSS JOIN LATERAL (
          SELECT CASE WHEN finding_count > 0 THEN findings END AS findings FROM finetuning_example_scans
          WHERE tenant_id = member.tenant_id AND example_id = member.example_id
            AND revision = member.example_revision AND rules = ${RULES_VERSION}::int
          LIMIT 1
        ) AS scan
        WHERE member.tenant_id = ${tenantId}::uuid AND member.export_id = ${id}::uuid
      ), found AS (
        SELECT finding ->> 'kind' AS kind, count(*)::int AS count
        FROM scan CROSS JOIN LATERAL jsonb_array_elements(findings) AS finding
        WHERE findings IS NOT NULL GROUP BY 1
      )
      SELECT (SELECT count(*)::int FROM scan) AS scanned,
        (SELECT coalesce(jsonb_object_agg(kind, count), '{}') FROM found) AS found`,
  );
  const scannedLines = row?.scanned ?? 0;
  return {
    policy: 'ALLOW',
    basis: 'EXAMPLES',
    rulesVersion: RULES_VERSION,
    scannedLines,
    unscannedLines: exampleCount + validationExampleCount - scannedLines,
    found: countsSchema.parse(row?.found ?? {}),
    replaced: {},
  };
}

/** The prompt is the export's own. Where it was redacted, the line says it itself, which the formats let stand. */
function withPrompt(messages: unknown, prompt: string | null, redacted: string | null): unknown {
  if (redacted === prompt || !redacted || !Array.isArray(messages)) return messages;
  return [{ role: 'system', content: redacted }, ...messages];
}

/** Whether the messages begin with a system message of their own, so that the export's does not go before them. */
function hasPrompt(messages: unknown): boolean {
  const [first]: unknown[] = Array.isArray(messages) ? messages : [];
  return isRecord(first) && first['role'] === 'system';
}
