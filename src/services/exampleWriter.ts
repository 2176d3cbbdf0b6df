/** The one way by which examples enter a dataset, whether from calls, by hand or from a file. */
import { longText } from '../db/longText.ts';
import type { Tx } from '../db/tenancy.ts';
import type { Dataset, ExampleSource } from '../generated/prisma/client.ts';
import type { ExampleMessage, ExampleTool } from './importFormats/index.ts';
import { exampleTokens, hasOwnSystemPrompt } from './tokens/chat.ts';
import { summaryPlaces } from './exampleSummary.ts';
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
  /** Where the example was taken from; null unless that is a call. */
  origin: { callTranscriptionId: string; firstTurn: number; lastTurn: number } | null;
}

/**
 * An example as the database is sent it, with its tokens: JSON in UTF-8, which takes less room than what it was made of.
 * Before a transaction, not in it: counting the tokens of a long text takes its time.
 */
export async function writeExample(example: NewExample, countTokens = exampleTokens): Promise<Buffer> {
  const { messages, tools, parallelToolCalls, qualityScore, validatedBy, origin } = example;
  const row = {
    messages,
    tools,
    parallelToolCalls,
    ...summaryPlaces(messages),
    qualityScore,
    validatedBy,
    ...origin,
    tokens: await countTokens(example),
    ownSystemPrompt: hasOwnSystemPrompt(messages),
  };
  return Buffer.from(JSON.stringify(row));
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
 * Adds examples (`writeExample`) in the order given, those aside that are there already, until `limit` are added. Other
 * writers of the dataset, which is locked (`lockDataset`), wait until the transaction ends. Positions follow the order
 * given; what is there already leaves a gap in them.
 */
export async function insertExamples(
  tx: Tx,
  viewer: Viewer,
  { id: datasetId, lastPosition: before }: Dataset,
  source: ExampleSource,
  written: readonly Buffer[],
  limit = written.length,
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
      SELECT ${viewer.tenantId}::uuid, ${datasetId}::uuid, ${before}::int + ordinality::int, messages, tools,
        "parallelToolCalls", coalesce(messages -> "userPlace" ->> 'content', ''),
        coalesce(messages -> "assistantPlace" ->> 'content', ''), round("qualityScore", 2), "validatedBy" IS NOT NULL,
        "validatedBy", CASE WHEN "validatedBy" IS NOT NULL THEN now() END, ${source}::example_source,
        "callTranscriptionId", "firstTurn", "lastTurn", messages_hash(messages), tokens, "ownSystemPrompt"
      FROM ROWS FROM (jsonb_to_recordset(${longText(listOf(written))}::jsonb) AS (
        messages jsonb, tools jsonb, "parallelToolCalls" boolean, "userPlace" int, "assistantPlace" int,
        "qualityScore" numeric, "validatedBy" text, "callTranscriptionId" uuid, "firstTurn" int, "lastTurn" int,
        tokens int, "ownSystemPrompt" boolean
      )) WITH ORDINALITY
      ORDER BY ordinality
      ON CONFLICT (dataset_id, content_hash) DO NOTHING
      RETURNING position
    )
    SELECT count(*)::int AS added, (array_agg(position ORDER BY position))[${limit}::int] AS "limitPosition"
    FROM inserted`;
  const last = inserted?.limitPosition ?? null;
  let added = inserted?.added ?? 0;
  if (last !== null && added > limit) {
    await tx.example.deleteMany({
      where: { tenantId: viewer.tenantId, datasetId, position: { gt: last, lte: before + written.length } },
    });
    added = limit;
  }
  const considered = last === null ? written.length : last - before;
  if (added > 0) {
    await tx.dataset.updateMany({
      where: { id: datasetId, tenantId: viewer.tenantId },
      data: { lastPosition: before + considered },
    });
    await recordAudit(tx, viewer, {
      action: ADDING[source],
      subjectType: 'Dataset',
      subjectId: datasetId,
      detail: { added },
    });
  }
  return { added, alreadyThere: considered - added, considered };
}

/** A JSON array of them. Bytes all the way: a text of that length would be gone through twice more to be sent. */
function listOf(written: readonly Buffer[]): Buffer {
  const comma = Buffer.from(',');
  const rows = written.flatMap((row, index) => (index === 0 ? [row] : [comma, row]));
  return Buffer.concat([Buffer.from('['), ...rows, Buffer.from(']')]);
}
