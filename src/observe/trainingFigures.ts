/** What all tenants' training comes to, for the metrics: counts and sums, nobody's data. */
import type { Database } from '../db/database.ts';
import { TrainingRunStatus } from '../generated/prisma/enums.ts';
import type { TrainingFigures } from './metrics.ts';

/** For how long figures are handed out again, in milliseconds: several scrapers ask the database once. */
const KEPT_MS = 5_000;

export function createTrainingFigures(db: Database, now = Date.now): () => Promise<TrainingFigures> {
  let kept: { at: number; figures: Promise<TrainingFigures> } | undefined;
  return () => {
    if (kept !== undefined && now() - kept.at < KEPT_MS) return kept.figures;
    const fresh = { at: now(), figures: readFigures(db) };
    kept = fresh;
    fresh.figures.catch(() => {
      if (kept === fresh) kept = undefined;
    });
    return fresh.figures;
  };
}

async function readFigures(db: Database): Promise<TrainingFigures> {
  const rows = await db.asSystem((tx) =>
    tx.trainingRun.groupBy({
      by: ['status', 'provider'],
      _count: true,
      _sum: { trainedTokens: true, trainingCostUsd: true },
    }),
  );
  const trained = new Map<string, { tokens: number; costUsd: number }>();
  const counts = new Map<string, number>(Object.values(TrainingRunStatus).map((status) => [status, 0]));
  for (const { status, provider, _count, _sum } of rows) {
    counts.set(status, (counts.get(status) ?? 0) + _count);
    const sum = trained.get(provider) ?? { tokens: 0, costUsd: 0 };
    sum.tokens += Number(_sum.trainedTokens ?? 0);
    sum.costUsd += Number(_sum.trainingCostUsd ?? 0);
    trained.set(provider, sum);
  }
  return {
    runs: [...counts].map(([status, count]) => ({ status, count })),
    trained: [...trained].map(([provider, sum]) => ({ provider, ...sum })),
  };
}
