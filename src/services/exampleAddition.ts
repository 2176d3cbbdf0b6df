/** Adding examples to a dataset, by hand or from a file; those that are there already are left alone. */
import type { Database } from '../db/database.ts';
import { breather, inTurns } from './breathe.ts';
import { lockDataset } from './dataset.ts';
import { inputField } from './exampleEdit.ts';
import { InvalidInputError } from './errors.ts';
import { insertExamples, writeExample, type Insertion, type NewExample } from './exampleWriter.ts';
import { parseExample, type ExampleInput, type RowRead } from './importFormats/index.ts';
import { emptyReport, reject, type ImportReport } from './importReport.ts';
import type { Viewer } from './viewer.ts';

const MAX_ADDED = 200;
/** What one statement adds at most: examples may be as long as a line of a file. */
const IMPORT_BATCH = { examples: 200, bytes: 4_000_000 };

export function createExampleAddition({ db }: { db: Pick<Database, 'withTenant' | 'grew'> }) {
  async function insert(
    viewer: Viewer,
    datasetId: string,
    source: 'MANUAL' | 'IMPORT',
    written: readonly Buffer[],
  ): Promise<Insertion> {
    const insertion = await db.withTenant(viewer.tenantId, async (tx) =>
      insertExamples(tx, viewer, await lockDataset(tx, viewer, datasetId), source, written),
    );
    db.grew('finetuning_examples', insertion.added);
    return insertion;
  }

  return {
    /**
     * Adds up to 200 examples by hand, all or none; those that are there already are left alone.
     * Throws InvalidInputError (naming the example and field), NotFoundError.
     */
    async add(
      viewer: Viewer,
      datasetId: string,
      values: Record<string, unknown>[],
      autoValidate: boolean,
    ): Promise<Insertion> {
      if (values.length === 0 || values.length > MAX_ADDED) {
        throw new InvalidInputError([
          {
            field: 'input.examples',
            message: `must hold 1 to ${MAX_ADDED} examples, not ${values.length}; import a file for more`,
          },
        ]);
      }
      const parsed = values.map((value, index) => parseExample(value, index + 1));
      const faults = parsed.flatMap((result) => ('fault' in result ? [result.fault] : []));
      if (faults.length > 0) {
        throw new InvalidInputError(
          faults.map(({ line, field, reason }) => ({
            field: inputField(`input.examples[${line - 1}]`, field),
            message: reason,
          })),
        );
      }
      const validatedBy = autoValidate ? viewer.subject : null;
      const examples = parsed.flatMap((result) => ('example' in result ? [result.example] : []));
      const written = await inTurns(examples, (example) => writeExample(newExample(example, validatedBy)));
      return insert(viewer, datasetId, 'MANUAL', written);
    },

    /**
     * Adds examples as they come, batch by batch; memory stays flat. A line that cannot be read is reported and stops
     * nothing; one that is there already counts as unchanged. Throws NotFoundError.
     */
    async importExamples(
      viewer: Viewer,
      datasetId: string,
      rows: AsyncIterable<RowRead>,
      {
        autoValidate = false,
        onProgress,
      }: { autoValidate?: boolean; onProgress?: (report: Readonly<ImportReport>) => void } = {},
    ): Promise<ImportReport> {
      await db.withTenant(viewer.tenantId, (tx) => lockDataset(tx, viewer, datasetId));
      const report = emptyReport();
      const validatedBy = autoValidate ? viewer.subject : null;
      let batch: Buffer[] = [];
      let bytes = 0;

      async function flush(): Promise<void> {
        if (batch.length === 0) return;
        const written = batch;
        batch = [];
        bytes = 0;
        const { added, alreadyThere } = await insert(viewer, datasetId, 'IMPORT', written);
        report.received += written.length;
        report.stored += added;
        report.unchanged += alreadyThere;
        onProgress?.(report);
      }

      const breathe = breather();
      for await (const row of rows) {
        await breathe(); // Many rows come in one piece.
        const parsed = 'error' in row ? { fault: row.error } : parseExample(row.value, row.line);
        if ('fault' in parsed) reject(report, parsed.fault);
        else {
          const written = await writeExample(newExample(parsed.example, validatedBy));
          batch.push(written);
          bytes += written.length;
        }
        if (batch.length >= IMPORT_BATCH.examples || bytes >= IMPORT_BATCH.bytes) await flush();
      }
      await flush();
      return report;
    },
  };
}

function newExample(example: ExampleInput, validatedBy: string | null): NewExample {
  return { ...example, validatedBy, origin: null };
}
