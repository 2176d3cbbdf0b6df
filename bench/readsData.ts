/** What the reads are asked of: datasets as a dashboard shows them, and two that grow, one of them to a million examples. */
import type pg from 'pg';
import { makeCalls, makeExamples, settle } from './seed.ts';
import { makeEndedRuns } from './seedRuns.ts';

export const PAGE = 20;
const DATASETS = 16;
/** How many examples the smallest of the datasets that grow has: fewer than a page. */
export const SMALLEST = 10;
const CALLS = 1000;

export interface Seeded {
  tenantId: string;
  /** Each with more than a page of examples, some runs, and the id of one of those. */
  datasets: { id: string; runId: string }[];
  /** Each with the number of its examples, the smallest first. */
  growing: { size: number; id: string }[];
}

export async function seedReads(
  sql: pg.Client,
  tenantId: string,
  { seed, largest }: { seed: number; largest: number },
): Promise<Seeded> {
  await makeCalls(sql, { tenantId, seed, count: CALLS });
  const examples = (name: string, count: number) =>
    makeExamples(sql, { tenantId, seed, name, count, answer: 1, fromCalls: CALLS });
  // Before the others, so that these are not on the first page.
  const growing: Seeded['growing'] = [];
  for (const size of [SMALLEST, largest]) growing.push({ size, id: await examples(`Of ${size}`, size) });
  const datasets: Seeded['datasets'] = [];
  for (let n = 1; n <= DATASETS; n += 1) {
    const id = await examples(`Calls of week ${n}`, 3 * PAGE);
    datasets.push({ id, runId: await makeEndedRuns(sql, { tenantId, datasetId: id, runs: 3, events: 40 }) });
  }
  await settle(sql);
  return { tenantId, datasets, growing };
}
