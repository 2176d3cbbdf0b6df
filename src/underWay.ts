/**
 * What the work under way belongs to, and how it is to be done, without anybody handing it on. One store for everything:
 * each AsyncLocalStorage in use makes every promise of the process dearer.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Sources } from './db/sources.ts';
import type { LogContext } from './observe/logContext.ts';

export interface UnderWay {
  /** What log lines tell of it. */
  log?: LogContext | undefined;
  /** Where it is noted what the answer is made of. */
  sources?: Sources | undefined;
  /** Whose rows statements outside of transactions see. */
  tenantId?: string | undefined;
  /** What a transaction that is begun begins with, as SQL. */
  begin?: string | undefined;
  /** Long texts for the transaction's next statement, by what stands for them in it (longText.ts). */
  longTexts?: Map<string, string | Buffer> | undefined;
}

const storage = new AsyncLocalStorage<UnderWay>();
const NOTHING: UnderWay = {};

export function underWay(): UnderWay {
  return storage.getStore() ?? NOTHING;
}

/** Does `work` as a part of what is under way already, to which `more` is added. */
export function doWithin<T>(more: UnderWay, work: () => T): T {
  const present = storage.getStore();
  if (!present) return storage.run(more, work);
  // One by one: this is done for every request and every statement, and spreading takes several times as long.
  return storage.run(
    {
      log: more.log ?? present.log,
      sources: more.sources ?? present.sources,
      tenantId: more.tenantId ?? present.tenantId,
      begin: more.begin ?? present.begin,
      longTexts: more.longTexts ?? present.longTexts,
    } satisfies Record<keyof UnderWay, unknown>,
    work,
  );
}

/** Does `work` as a part of nothing: it is for others too, and may outlast what is under way. */
export function doApart<T>(work: () => T): T {
  return storage.run(NOTHING, work);
}
