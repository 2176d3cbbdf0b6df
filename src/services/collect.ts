import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Dataset } from '../generated/prisma/client.ts';
import { breather } from './breathe.ts';
import { countUnfit, nextCalls, stillThere, type CallPlace, type UnfitReason } from './collectableCalls.ts';
import { examplesOf, type CallExamples } from './conversationRules.ts';
import { lockDataset } from './dataset.ts';
import { insertExamples, writeExample } from './exampleWriter.ts';
import { parseInput } from './input.ts';
import { storableText } from './text.ts';
import { exampleTokens } from './tokens/chat.ts';
import type { Precedence } from './precedence.ts';
import type { Viewer } from './viewer.ts';

export const MAX_COLLECTED = 1_000_000;

/**
 * How many calls one transaction takes: as many as examples are wanted, and twice as many as the one before. At most so
 * many that others get their turn, and that a stop loses little.
 */
const [FEWEST_CALLS, MOST_CALLS] = [50, 500];

const inputSchema = z
  .object({
    datasetId: z.uuid(),
    minConfidence: z.number().min(0).max(1).default(0.8),
    maxExamples: z.number().int().min(1).max(MAX_COLLECTED).default(100),
    minMessageLength: z.number().int().min(0).max(100_000).default(20),
    strategy: z.enum(['PAIR', 'CONVERSATION']).default('PAIR'),
    autoValidate: z.boolean().default(true),
    from: z.date().nullish(),
    to: z.date().nullish(),
    direction: z.enum(['INBOUND', 'OUTBOUND']).nullish(),
    topic: storableText('The topic', 1000).nullish(),
  })
  .refine(({ from, to }) => !from || !to || from <= to, {
    path: ['to'],
    message: 'must not lie before `from`',
  });

export type CollectInput = z.input<typeof inputSchema>;
type CollectRequest = z.output<typeof inputSchema>;

/** Why something was not collected. TOO_SHORT and LOW_TURN_CONFIDENCE count examples, the others count calls. */
export type SkipReason = UnfitReason | 'ONE_SIDED' | 'TOO_SHORT' | 'LOW_TURN_CONFIDENCE';

export interface Collection {
  dataset: Dataset;
  added: number;
  /** Examples whose messages the dataset held already, or that came earlier in this collection. */
  alreadyThere: number;
  /** The calls that count and whose examples were looked at, before `maxExamples` was reached. */
  considered: number;
  skipped: { reason: SkipReason; count: number }[];
}

export type CollectService = ReturnType<typeof createCollectService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'copyOut' | 'grew'>;
  precedence: Pick<Precedence, 'first'>;
  /** What the benchmark leaves out, to tell what counting costs; nobody else. */
  countTokens?: typeof exampleTokens;
}

export function createCollectService({ db, precedence, countTokens = exampleTokens }: Deps) {
  return {
    /**
     * Adds examples from the tenant's calls to a dataset: confidence descending, then created_at, then sid, then
     * position in the call. Each batch is a transaction, so a collection that is stopped keeps what it has, and the
     * same call again goes on. Throws InvalidInputError, NotFoundError.
     */
    async collect(viewer: Viewer, input: CollectInput, signal?: AbortSignal): Promise<Collection> {
      const request = parseInput(inputSchema, input);
      return precedence.first(async () => collectAll(viewer, request, signal));
    },
  };

  async function collectAll(
    viewer: Viewer,
    request: CollectRequest,
    signal?: AbortSignal,
  ): Promise<Collection> {
    await db.withTenant(viewer.tenantId, (tx) => lockDataset(tx, viewer, request.datasetId));
    // They are counted while the first calls are collected.
    const unfit = db.withTenant(viewer.tenantId, (tx) => countUnfit(tx, viewer, request));
    unfit.catch(() => undefined); // Told where it is awaited.
    const skipped: Skipped = new Map();
    const totals = { added: 0, alreadyThere: 0, considered: 0 };
    let size = Math.min(MOST_CALLS, Math.max(FEWEST_CALLS, request.maxExamples));
    const read = (after: CallPlace | null) => readPage({ db, countTokens }, viewer, request, after, size);
    let page = await read(null);
    while (page.length > 0 && !signal?.aborted) {
      const last = page.at(-1)?.place ?? null;
      size = Math.min(MOST_CALLS, 2 * size);
      let next: Promise<Yield[]> | undefined;
      await writePage(db, viewer, request, page, totals, skipped, () => {
        next = read(last);
        next.catch(() => undefined); // Told where it is awaited; where writing fails, that is told.
      });
      page = totals.added < request.maxExamples ? await (next ?? read(last)) : [];
    }
    db.grew('finetuning_examples', totals.added);
    const dataset = await db.withTenant(viewer.tenantId, (tx) =>
      tx.dataset.findFirstOrThrow({ where: { id: request.datasetId, tenantId: viewer.tenantId } }),
    );
    return {
      dataset,
      ...totals,
      skipped: [...(await unfit), ...skipped]
        .filter(([, found]) => found > 0)
        .map(([reason, found]) => ({ reason, count: found })),
    };
  }
}

type Skipped = Map<SkipReason, number>;

/** A call, and the examples it yields, as the database is sent them. */
interface Yield extends Omit<CallExamples, 'candidates'> {
  place: CallPlace;
  examples: Buffer[];
}

async function readPage(
  { db, countTokens }: Required<Pick<Deps, 'db' | 'countTokens'>>,
  viewer: Viewer,
  request: CollectRequest,
  after: CallPlace | null,
  size: number,
): Promise<Yield[]> {
  const page: Yield[] = [];
  const breathe = breather();
  for (const { place, turns } of await nextCalls(db, viewer, request, after, size)) {
    const { candidates, ...left } = examplesOf(turns, request);
    const examples: Buffer[] = [];
    for (const { messages, firstTurn, lastTurn } of candidates) {
      const example = {
        messages,
        tools: null,
        parallelToolCalls: null,
        qualityScore: Number(place.confidence),
        validatedBy: request.autoValidate ? `rule: confidence >= ${request.minConfidence}` : null,
        origin: { callTranscriptionId: place.id, firstTurn, lastTurn },
      };
      examples.push(await writeExample(example, countTokens));
      await breathe();
    }
    page.push({ place, examples, ...left });
    await breathe();
  }
  return page;
}

/**
 * Adds the examples of some calls, in order, and counts what happened to each. `meanwhile` is called once the database has
 * the examples, unless they are enough: what it begins goes on while they are written, and none of the answers before that
 * waits for it.
 */
async function writePage(
  db: Deps['db'],
  viewer: Viewer,
  request: CollectRequest,
  page: readonly Yield[],
  totals: { added: number; alreadyThere: number; considered: number },
  skipped: Skipped,
  meanwhile: () => void,
): Promise<void> {
  const limit = request.maxExamples - totals.added;
  const { calls, added, alreadyThere, considered } = await db.withTenant(viewer.tenantId, async (tx) => {
    const dataset = await lockDataset(tx, viewer, request.datasetId);
    // A caller may have been erased since their calls were read.
    const there = await stillThere(
      tx,
      viewer,
      page.map(({ place }) => place.id),
    );
    const present = page.filter(({ place }) => there.has(place.id));
    const examples = present.flatMap((call) => call.examples);
    const inserting = insertExamples(tx, viewer, dataset, 'CALL', examples, limit);
    if (examples.length < limit) meanwhile();
    return { calls: present, ...(await inserting) };
  });
  totals.added += added;
  totals.alreadyThere += alreadyThere;
  // Calls after the one whose example reached the limit were not looked at.
  let left = considered;
  for (const { examples, tooShort, unsure, bothSides } of calls) {
    if (added >= limit && left <= 0) break;
    left -= examples.length;
    if (bothSides) totals.considered += 1;
    else count(skipped, 'ONE_SIDED', 1);
    count(skipped, 'TOO_SHORT', tooShort);
    count(skipped, 'LOW_TURN_CONFIDENCE', unsure);
  }
}

function count(skipped: Skipped, reason: SkipReason, by: number): void {
  skipped.set(reason, (skipped.get(reason) ?? 0) + by);
}
