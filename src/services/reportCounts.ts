/** What a report counts, each in one statement. No words of an example are read. */
import type { Tx } from '../db/tenancy.ts';
import { Prisma, type Dataset, type ExampleSource } from '../generated/prisma/client.ts';
import { requestOf, selectionOf } from './exportFreeze.ts';
import { BINS, type BinCount } from './reportBins.ts';

/** How many topics are told by name. */
const TOP_TOPICS = 20;

export interface TopicCounts {
  /** The most frequent ones, of the calls that the examples are from. */
  top: { topic: string; examples: number }[];
  otherTopics: number;
  otherExamples: number;
  withoutTopic: number;
}

export interface DuplicateCounts {
  foundAt: Date | null;
  threshold: number | null;
  compared: number | null;
  groups: number;
  examples: number;
  /** Groups of which more than one example is left. */
  openGroups: number;
  changedSince: number;
}

export type Measure = 'tokens' | 'quality' | 'messages' | 'question' | 'answer';

/** How many examples of a status and source, or how many in a bin of one measure. */
export type BinRow = BinCount & { rejected: boolean } & (
    | { measure: 'status'; source: ExampleSource; validated: boolean }
    | { measure: Measure }
  );

const bounds = (list: readonly number[]) => Prisma.raw(`'{${list.join()}}'::float8[]`);

const bin = (column: string, list: readonly number[]) =>
  Prisma.sql`width_bucket(${Prisma.raw(column)}::float8, ${bounds(list)})`;

/**
 * All that is counted of the examples themselves, in one walk through an index that holds it all: sorted into the bins
 * of all measures at once, of which there are few, and only these summed up for each measure.
 */
export function readBins(tx: Tx, { id, tenantId }: Dataset): Promise<BinRow[]> {
  return tx.$queryRaw<BinRow[]>`
    WITH binned AS (
      SELECT rejected, validated, source,
        ${bin('tokens', BINS.tokens)} AS tokens, ${bin('quality_score', BINS.quality)} AS quality,
        ${bin('message_count', BINS.messages)} AS messages, ${bin('question_length', BINS.characters)} AS question,
        ${bin('answer_length', BINS.characters)} AS answer,
        count(*) AS count, sum(tokens) AS token_sum, sum(quality_score) AS quality_sum, sum(message_count) AS message_sum,
        sum(question_length) AS question_sum, sum(answer_length) AS answer_sum
      FROM finetuning_examples WHERE dataset_id = ${id}::uuid AND tenant_id = ${tenantId}::uuid
      GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    )
    SELECT rejected, validated, source,
      CASE WHEN grouping(source) = 0 THEN 'status' WHEN grouping(tokens) = 0 THEN 'tokens'
        WHEN grouping(quality) = 0 THEN 'quality' WHEN grouping(messages) = 0 THEN 'messages'
        WHEN grouping(question) = 0 THEN 'question' ELSE 'answer' END AS measure,
      CASE WHEN grouping(tokens) = 0 THEN tokens WHEN grouping(quality) = 0 THEN quality
        WHEN grouping(messages) = 0 THEN messages WHEN grouping(question) = 0 THEN question ELSE answer END AS bin,
      sum(count)::int AS count,
      (CASE WHEN grouping(tokens) = 0 THEN sum(token_sum) WHEN grouping(quality) = 0 THEN sum(quality_sum)
        WHEN grouping(messages) = 0 THEN sum(message_sum) WHEN grouping(question) = 0 THEN sum(question_sum)
        ELSE sum(answer_sum) END)::float8 AS sum
    FROM binned
    GROUP BY GROUPING SETS (
      (source, rejected, validated), (rejected, tokens), (rejected, quality), (rejected, messages), (rejected, question),
      (rejected, answer)
    )`;
}

export async function readTopics(tx: Tx, { id, tenantId }: Dataset): Promise<TopicCounts> {
  const rows = await tx.$queryRaw<{ topic: string | null; examples: number; rest: number }[]>`
    WITH calls AS (
      SELECT call_transcription_id AS id, count(*) AS examples FROM finetuning_examples
      WHERE dataset_id = ${id}::uuid AND tenant_id = ${tenantId}::uuid AND NOT rejected GROUP BY 1
    ), topics AS (
      SELECT topic, sum(examples) AS examples,
        row_number() OVER (PARTITION BY topic IS NULL ORDER BY sum(examples) DESC, topic) AS place
      FROM calls LEFT JOIN call_transcriptions AS call ON call.id = calls.id AND call.tenant_id = ${tenantId}::uuid
      GROUP BY topic
    ), told AS (
      SELECT *, topic IS NOT NULL AND place > ${TOP_TOPICS} AS other FROM topics
    )
    SELECT CASE WHEN NOT other THEN topic END AS topic, sum(examples)::int AS examples,
      count(*) FILTER (WHERE other)::int AS rest
    FROM told GROUP BY 1, other ORDER BY examples DESC, topic`;
  const rest = rows.find((row) => row.rest > 0);
  return {
    top: rows.flatMap(({ topic, examples }) => (topic === null ? [] : [{ topic, examples }])),
    otherTopics: rest?.rest ?? 0,
    otherExamples: rest?.examples ?? 0,
    withoutTopic: rows.find((row) => row.topic === null && row.rest === 0)?.examples ?? 0,
  };
}

export async function readDuplicates(tx: Tx, dataset: Dataset): Promise<DuplicateCounts> {
  const { id, tenantId, duplicatesFoundAt: foundAt, duplicatesLastPosition: last } = dataset;
  const found = { foundAt, threshold: dataset.duplicatesThreshold, compared: dataset.duplicatesCompared };
  const none = { groups: 0, examples: 0, openGroups: 0, changedSince: 0 };
  if (foundAt === null) return { ...found, ...none };
  const [counts] = await tx.$queryRaw<(typeof none)[]>`
    SELECT count(*)::int AS groups, coalesce(sum(size), 0)::int AS examples,
      count(*) FILTER (WHERE remaining > 1)::int AS "openGroups",
      (SELECT count(*)::int FROM finetuning_examples
        WHERE dataset_id = ${id}::uuid AND tenant_id = ${tenantId}::uuid AND position > ${last ?? 0} AND NOT rejected)
      + (SELECT count(DISTINCT example.id)::int FROM finetuning_example_revisions AS revision
        JOIN finetuning_examples AS example ON example.id = revision.example_id
        WHERE revision.tenant_id = ${tenantId}::uuid AND revision.replaced_at > ${foundAt}::timestamptz
          AND example.dataset_id = ${id}::uuid AND example.position <= ${last ?? 0} AND NOT example.rejected)
        AS "changedSince"
    FROM (
      SELECT groups.id, groups.size, count(*) FILTER (
        WHERE NOT example.rejected AND example.revision = member.example_revision
      ) AS remaining
      FROM finetuning_duplicate_groups AS groups
      JOIN finetuning_duplicate_members AS member ON member.group_id = groups.id
      JOIN finetuning_examples AS example ON example.id = member.example_id
      WHERE groups.dataset_id = ${id}::uuid AND groups.tenant_id = ${tenantId}::uuid
      GROUP BY groups.id, groups.size
    ) AS groups`;
  return { ...found, ...(counts ?? none) };
}

/** The newest export that is good, and whether the same asked for now would be another. */
export async function readLatestExport(tx: Tx, dataset: Dataset) {
  const { id: datasetId, tenantId, updatedAt } = dataset;
  const latest = await tx.export.findFirst({
    where: { datasetId, tenantId, state: 'READY', taintedAt: null },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    include: { trainingRuns: { take: 1, select: { id: true } } },
  });
  if (latest === null) return null;
  // A dataset is updated by more than what is exported of it: counting tokens, verdicts that change nothing, its name.
  const changed =
    updatedAt > latest.createdAt &&
    !Buffer.from(latest.selectionHash).equals((await selectionOf(tx, dataset, requestOf(latest))).hash);
  return { id: latest.id, changed, launched: latest.trainingRuns.length > 0 };
}
