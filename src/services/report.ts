/** How a dataset is: what it holds, how good it is, what is wrong with it, and what to do next. */
import type { Database } from '../db/database.ts';
import type { Dataset, ExampleSource } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';
import type { ExampleScanService, PersonalDataCounts } from './exampleScan.ts';
import { nextSteps, type NextStep } from './reportAdvice.ts';
import { BINS, histogramOf, type BinCount, type Histogram } from './reportBins.ts';
import {
  readBins,
  readDuplicates,
  readLatestExport,
  readTopics,
  type BinRow,
  type DuplicateCounts,
  type Measure,
  type TopicCounts,
} from './reportCounts.ts';
import type { Viewer } from './viewer.ts';

export interface StatusCounts {
  total: number;
  validated: number;
  rejected: number;
  /** Neither validated nor rejected. */
  undecided: number;
}

export interface DatasetReport {
  dataset: Dataset;
  /** The export that `next` speaks of; null before the first. */
  latestExportId: string | null;
  counts: StatusCounts;
  bySource: (StatusCounts & { source: ExampleSource })[];
  /** From here on of all examples that are not rejected. */
  tokens: Histogram & { total: number; uncounted: number };
  quality: Histogram & { unrated: number };
  messages: Histogram;
  questionLength: Histogram;
  answerLength: Histogram;
  topics: TopicCounts;
  duplicates: DuplicateCounts;
  personalData: PersonalDataCounts;
  next: NextStep[];
}

export type ReportService = ReturnType<typeof createReportService>;

interface Deps {
  db: Pick<Database, 'withTenant'>;
  exampleScans: Pick<ExampleScanService, 'countsOf'>;
}

export function createReportService({ db, exampleScans }: Deps) {
  return {
    /** The report on a dataset as it is now. Throws NotFoundError. */
    async report(viewer: Viewer, datasetId: string): Promise<DatasetReport> {
      const { tenantId } = viewer;
      const personalData =
        (await exampleScans.countsOf(viewer, [datasetId])).get(datasetId) ?? NOTHING_SCANNED;
      return db.withTenant(tenantId, async (tx) => {
        const dataset = await tx.dataset.findFirst({ where: { id: datasetId, tenantId } });
        if (!dataset) throw new NotFoundError('dataset', datasetId);
        const rows = await readBins(tx, dataset);
        const { counts, bySource } = countsOf(rows);
        const live = rows.filter(({ rejected }) => !rejected);
        const topics = await readTopics(tx, dataset);
        const duplicates = await readDuplicates(tx, dataset);
        const latestExport = await readLatestExport(tx, dataset);
        const tokens = of(live, 'tokens');
        const quality = of(live, 'quality');
        return {
          dataset,
          latestExportId: latestExport?.id ?? null,
          counts,
          bySource,
          tokens: {
            ...histogramOf(BINS.tokens, tokens),
            total: tokens.reduce((sum, each) => sum + (each.sum ?? 0), 0),
            uncounted: countWithout(tokens),
          },
          quality: { ...histogramOf(BINS.quality, quality), unrated: countWithout(quality) },
          messages: histogramOf(BINS.messages, of(live, 'messages')),
          questionLength: histogramOf(BINS.characters, of(live, 'question')),
          answerLength: histogramOf(BINS.characters, of(live, 'answer')),
          topics,
          duplicates,
          personalData,
          next: nextSteps({
            ...counts,
            duplicatesFoundAt: duplicates.foundAt,
            changedSinceSearch: duplicates.changedSince,
            openGroups: duplicates.openGroups,
            personalDataPolicy: dataset.personalDataPolicy,
            examplesWithFindings: personalData.examplesWithFindings,
            latestExport,
          }),
        };
      });
    },
  };
}

const NOTHING_SCANNED: PersonalDataCounts = { scanned: 0, unscanned: 0, examplesWithFindings: 0, byKind: [] };

const of = (rows: readonly BinRow[], measure: Measure) => rows.filter((row) => row.measure === measure);
const countWithout = (rows: readonly BinCount[]) => rows.find(({ bin }) => bin === null)?.count ?? 0;

function countsOf(rows: readonly BinRow[]): Pick<DatasetReport, 'counts' | 'bySource'> {
  const none = { total: 0, validated: 0, rejected: 0, undecided: 0 };
  const counts = { ...none };
  const sources = new Map<ExampleSource, StatusCounts & { source: ExampleSource }>();
  for (const row of rows) {
    if (row.measure !== 'status') continue;
    const { source, count, rejected, validated } = row;
    const ofSource = sources.get(source) ?? { source, ...none };
    sources.set(source, ofSource);
    const status = rejected ? 'rejected' : validated ? 'validated' : 'undecided';
    for (const sum of [counts, ofSource]) {
      sum.total += count;
      sum[status] += count;
    }
  }
  return { counts, bySource: [...sources.values()].toSorted((a, b) => b.total - a.total) };
}
