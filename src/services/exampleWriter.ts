/** The one way by which examples enter a dataset, whether from calls, by hand or from a file. */
import type { Tx } from '../db/tenancy.ts';
import type { ExampleSource } from '../generated/prisma/client.ts';
import { lockDataset } from './dataset.ts';
import type { ExampleMessage, ExampleTool } from './importFormats/index.ts';
import type { Viewer } from './viewer.ts';

export interface NewExample {
  messages: ExampleMessage[];
  tools: ExampleTool[] | null;
  parallelToolCalls: boolean | null;
  /** 0..1, stored with two decimals. */
  qualityScore: number | null;
  /** Who or which rule finds the example fit for training; null when nobody has yet. */
  validatedBy: string | null;
  source: ExampleSource;
  /** Where the example was taken from; null unless `source` is CALL. */
  origin: { callTranscriptionId: string; firstTurn: number; lastTurn: number } | null;
}

export interface Insertion {
  added: number;
  /** Examples whose messages the dataset held already, or that came earlier in the same list. */
  alreadyThere: number;
  /** How many of the examples given were looked at: fewer than given when `limit` was reached. */
  considered: number;
}

/**
 * Adds examples in the order given, those aside that are there already, until `limit` are added. Other writers of the
 * dataset wait until the transaction ends, so positions have no gaps. Throws NotFoundError.
 */
export async function insertExamples(
  tx: Tx,
  viewer: Viewer,
  datasetId: string,
  examples: NewExample[],
  limit = examples.length,
): Promise<Insertion> {
  const dataset = await lockDataset(tx, viewer, datasetId);
  const rows = JSON.stringify(examples.map(toRow));
  const [counts] = await tx.$queryRaw<{ added: number; last: number | null }[]>`
    WITH incoming AS (
      SELECT row.*, messages_hash(row.messages) AS content_hash
      FROM jsonb_to_recordset(${rows}::jsonb) AS row (
        ord int, messages jsonb, tools jsonb, "parallelToolCalls" boolean, "userMessage" text, "assistantResponse" text,
        "qualityScore" numeric, "validatedBy" text, source text, "callTranscriptionId" uuid, "firstTurn" int, "lastTurn" int
      )
    ), fresh AS (
      SELECT DISTINCT ON (content_hash) *
      FROM incoming
      WHERE NOT EXISTS (
        SELECT FROM finetuning_examples AS present
        WHERE present.dataset_id = ${datasetId}::uuid AND present.content_hash = incoming.content_hash
      )
      ORDER BY content_hash, ord
    ), chosen AS (
      SELECT *, row_number() OVER (ORDER BY ord) AS number FROM fresh ORDER BY ord LIMIT ${limit}::bigint
    ), inserted AS (
      INSERT INTO finetuning_examples (
        tenant_id, dataset_id, position, messages, tools, parallel_tool_calls, user_message, assistant_response,
        quality_score, validated, validated_by, validated_at, source, call_transcription_id, first_turn, last_turn,
        content_hash
      )
      SELECT ${viewer.tenantId}::uuid, ${datasetId}::uuid, ${dataset.lastPosition}::int + number, messages, tools,
        "parallelToolCalls", "userMessage", "assistantResponse", round("qualityScore", 2), "validatedBy" IS NOT NULL,
        "validatedBy", CASE WHEN "validatedBy" IS NOT NULL THEN now() END, source::example_source,
        "callTranscriptionId", "firstTurn", "lastTurn", content_hash
      FROM chosen
      ORDER BY number
    )
    SELECT count(*)::int AS added, max(ord) AS last FROM chosen`;
  const added = counts?.added ?? 0;
  if (added > 0) {
    await tx.dataset.updateMany({
      where: { id: datasetId, tenantId: viewer.tenantId },
      data: { lastPosition: dataset.lastPosition + added },
    });
  }
  const limitReached = added >= limit;
  const considered = limitReached ? (counts?.last ?? -1) + 1 : examples.length;
  return { added, alreadyThere: considered - added, considered };
}

function toRow(example: NewExample, ord: number) {
  return {
    ord,
    messages: example.messages,
    tools: example.tools,
    parallelToolCalls: example.parallelToolCalls,
    ...summaryOf(example.messages),
    qualityScore: example.qualityScore,
    validatedBy: example.validatedBy,
    source: example.source,
    ...example.origin,
  };
}

/** The last thing the user said and the last thing the assistant answered: what a person judges the example by. */
export function summaryOf(messages: ExampleMessage[]): { userMessage: string; assistantResponse: string } {
  const lastOf = (role: ExampleMessage['role']) =>
    messages.findLast((message) => message.role === role && message.content)?.content ?? '';
  return { userMessage: lastOf('user'), assistantResponse: lastOf('assistant') };
}
