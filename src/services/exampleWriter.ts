/** The one way by which examples enter a dataset, whether from calls, by hand or from a file. */
import { longText } from '../db/longText.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Dataset, ExampleSource } from '../generated/prisma/client.ts';
import { inTurns } from './breathe.ts';
import type { ExampleMessage, ExampleTool } from './importFormats/index.ts';
import { exampleTokens, hasOwnSystemPrompt } from './tokens/chat.ts';
import { summaryOf } from './exampleSummary.ts';
import type { Viewer } from './viewer.ts';
import { recordAudit } from './audit.ts';

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

/** An example whose tokens are counted: only such are added. */
export interface CountedExample extends NewExample {
  tokens: number;
}

/** Counts the examples' tokens. Before a transaction, not in it: of long texts it takes its time. */
export function countExamples(examples: NewExample[]): Promise<CountedExample[]> {
  return inTurns(examples, async (example) => ({ ...example, tokens: await exampleTokens(example) }));
}

/** Examples as the database is sent them. */
export interface WrittenExamples {
  examples: readonly CountedExample[];
  /** As a JSON array of rows, each with its place among them. */
  rows: string;
}

/** Before a transaction, not in it: of many examples it takes its time. */
export async function writeExamples(examples: readonly CountedExample[]): Promise<WrittenExamples> {
  const rows = await inTurns(examples, (example, index) => JSON.stringify(toRow(example, index + 1)));
  return { examples, rows: `[${rows.join(',')}]` };
}

export interface Insertion {
  added: number;
  /** Examples whose messages the dataset held already, or that came earlier in the same list. */
  alreadyThere: number;
  /** How many of the examples given were looked at: fewer than given when `limit` was reached. */
  considered: number;
}

const ADDING = { CALL: 'COLLECT_EXAMPLES', IMPORT: 'IMPORT_EXAMPLES', MANUAL: 'ADD_EXAMPLES' } as const;

/**
 * Adds examples in the order given, those aside that are there already, until `limit` are added. Other writers of the
 * dataset, which is locked (`lockDataset`), wait until the transaction ends. Positions follow the order given; what is
 * there already leaves a gap in them.
 */
export async function insertExamples(
  tx: Tx,
  viewer: Viewer,
  { id: datasetId, lastPosition: before }: Dataset,
  { examples, rows }: WrittenExamples,
  limit = examples.length,
): Promise<Insertion> {
  // What is there already is left to the unique index. Looking it up first is slow at times: for a dataset that has just
  // grown the planner has no idea of its size.
  const [inserted] = await tx.$queryRaw<{ added: number; limitPosition: number | null }[]>`
    WITH inserted AS (
      INSERT INTO finetuning_examples (
        tenant_id, dataset_id, position, messages, tools, parallel_tool_calls, user_message, assistant_response,
        quality_score, validated, validated_by, validated_at, source, call_transcription_id, first_turn, last_turn,
        content_hash, tokens, own_system_prompt
      )
      SELECT ${viewer.tenantId}::uuid, ${datasetId}::uuid, ${before}::int + ord, messages, tools,
        "parallelToolCalls", "userMessage", "assistantResponse", round("qualityScore", 2), "validatedBy" IS NOT NULL,
        "validatedBy", CASE WHEN "validatedBy" IS NOT NULL THEN now() END, source::example_source,
        "callTranscriptionId", "firstTurn", "lastTurn", messages_hash(messages), tokens, "ownSystemPrompt"
      FROM jsonb_to_recordset(${longText(rows)}::jsonb) AS row (
        ord int, messages jsonb, tools jsonb, "parallelToolCalls" boolean, "userMessage" text, "assistantResponse" text,
        "qualityScore" numeric, "validatedBy" text, source text, "callTranscriptionId" uuid, "firstTurn" int, "lastTurn" int,
        tokens int, "ownSystemPrompt" boolean
      )
      ORDER BY ord
      ON CONFLICT (dataset_id, content_hash) DO NOTHING
      RETURNING position
    )
    SELECT count(*)::int AS added, (array_agg(position ORDER BY position))[${limit}::int] AS "limitPosition"
    FROM inserted`;
  const last = inserted?.limitPosition ?? null;
  let added = inserted?.added ?? 0;
  if (last !== null && added > limit) {
    await tx.example.deleteMany({ where: { tenantId: viewer.tenantId, datasetId, position: { gt: last } } });
    added = limit;
  }
  const considered = last === null ? examples.length : last - before;
  if (added > 0) {
    await tx.dataset.updateMany({
      where: { id: datasetId, tenantId: viewer.tenantId },
      data: { lastPosition: before + considered },
    });
    await recordAudit(tx, viewer, {
      action: ADDING[examples[0]?.source ?? 'MANUAL'],
      subjectType: 'Dataset',
      subjectId: datasetId,
      detail: { added },
    });
  }
  return { added, alreadyThere: considered - added, considered };
}

function toRow(example: CountedExample, ord: number) {
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
    tokens: example.tokens,
    ownSystemPrompt: hasOwnSystemPrompt(example.messages),
  };
}
