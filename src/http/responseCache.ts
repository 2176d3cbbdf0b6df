/**
 * Answers to queries, kept until a table that they were made of changes. A change is heard of before the mutation that
 * made it is answered, so nobody is told what was so before their own write.
 */
import { LRUCache } from 'lru-cache';
import type { Notifications } from '../db/notifications.ts';
import type { Sources } from '../db/sources.ts';
import type { Viewer } from '../services/viewer.ts';
import type { Soon } from '../soon.ts';

export interface KeptAnswer {
  body: Buffer;
  /** What the log and the metrics call the operation. */
  label: string;
}

export interface Question {
  viewer: Viewer;
  /** The operation as it came, and the type that it is to be answered with. */
  body: string;
  type: string;
}

export interface LookUp {
  answer: KeptAnswer | undefined;
  /** Keeps the answer that was worked out since the look-up, unless something has changed meanwhile. */
  keep: (answer: KeptAnswer, sources: Sources) => void;
}

export interface ResponseCache {
  find(question: Question): Soon<LookUp>;
  /** Settles when no answer is found any more that is older than what is committed by now. */
  caughtUp(): Promise<void>;
  close(): void;
}

export interface MemoryCacheOptions {
  notifications: Pick<Notifications, 'listenToTables' | 'caughtUp'>;
  maxBytes: number;
  /** How long an answer is told at most, in seconds, should a change have gone unheard. */
  maxAgeSeconds: number;
}

export const DEFAULT_CACHE = { maxBytes: 64_000_000, maxAgeSeconds: 60 };

/** Longer questions and answers are not kept, so that a few cannot push out all others. */
export const LONGEST_QUESTION = 8_000;
export const LONGEST_ANSWER = 1_000_000;
/** What an entry takes besides its texts, in bytes, about. */
const OVERHEAD = 300;
/** Of how many tenants' tables it is known when they changed; past it all is forgotten. */
const MOST_TABLES = 200_000;

interface Entry extends KeptAnswer {
  tables: readonly string[];
  /** The change up to which it is known to hold. */
  at: number;
}

/** Answers in this process's memory, the least asked for forgotten first. */
export function createMemoryCache({
  notifications,
  maxBytes,
  maxAgeSeconds,
}: MemoryCacheOptions): ResponseCache {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ body }, key) => body.length + 2 * key.length + OVERHEAD,
    ttl: maxAgeSeconds * 1000,
  });
  /** Changes are numbered; which was the last of each table. */
  const changed = new Map<string, number>();
  let changes = 0;
  /** The change before which nothing is known any more. */
  let forgotten = 0;
  let heard = true;

  const stopListening = notifications.listenToTables((wakeUp) => {
    changes += 1;
    if (wakeUp.kind === 'table') changed.set(placeOf(wakeUp.tenantId, wakeUp.table), changes);
    else heard = wakeUp.kind === 'resumed';
    if (wakeUp.kind === 'table' && changed.size <= MOST_TABLES) return;
    forgotten = changes;
    changed.clear();
    entries.clear();
  });

  function holds({ tables, at }: Entry, tenantId: string): boolean {
    if (at < forgotten) return false;
    const isUnchanged = (whose: string | null, table: string) =>
      (changed.get(placeOf(whose, table)) ?? 0) <= at;
    return tables.every((table) => isUnchanged(tenantId, table) && isUnchanged(null, table));
  }

  function found(key: string, tenantId: string): KeptAnswer | undefined {
    const entry = entries.get(key);
    if (entry === undefined || holds(entry, tenantId)) return entry;
    entries.delete(key);
    return undefined;
  }

  return {
    find(question) {
      if (!heard || question.body.length > LONGEST_QUESTION) return NOTHING;
      const { forAll, forOne } = questionKeys(question);
      const { tenantId } = question.viewer;
      const at = changes;
      return {
        answer: found(forAll, tenantId) ?? found(forOne, tenantId),
        keep(answer, sources) {
          const entry = { ...answer, body: ownBytes(answer.body), tables: [...sources.tables], at };
          if (!heard || answer.body.length > LONGEST_ANSWER || !holds(entry, tenantId)) return;
          entries.set(sources.personal ? forOne : forAll, entry);
        },
      };
    },
    caughtUp: () => notifications.caughtUp(),
    close: stopListening,
  };
}

export const NOTHING: LookUp = { answer: undefined, keep: () => undefined };

/** Under which texts an answer to all of the tenant's with that role is kept, and one to this subject only. */
export function questionKeys({ viewer: { tenantId, role, subject }, type, body }: Question) {
  const asked = `${tenantId} ${role} ${type} ${body}`;
  return { forAll: asked, forOne: `${JSON.stringify(subject)} ${asked}` };
}

/** Small buffers are parts of larger ones, which would be kept with them. */
function ownBytes(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length);
  body.copy(own);
  return own;
}

const placeOf = (tenantId: string | null, table: string) => `${tenantId} ${table}`;

/** Keeps nothing. */
export const noCache: ResponseCache = {
  find: () => NOTHING,
  caughtUp: async () => undefined,
  close: () => undefined,
};
