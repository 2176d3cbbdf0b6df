/**
 * What the work under way belongs to, and how it is to be done, without anybody handing it on. One store for everything:
 * each AsyncLocalStorage in use makes every promise of the process dearer.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Sources } from './db/sources.ts';
import type { LogContext } from './observe/logContext.ts';

export interface UnderWay {
  /** What log lines tell of it. */
  log?: LogContext;
  /** Where it is noted what the answer is made of. */
  sources?: Sources;
  /** Whose rows statements outside of transactions see. */
  tenantId?: string;
  /** What a transaction that is begun begins with, as SQL. */
  begin?: string;
  /** Long texts for the transaction's next statement, by what stands for them in it (longText.ts). */
  longTexts?: Map<string, string | Buffer>;
}

const storage = new AsyncLocalStorage<UnderWay>();
const NOTHING: UnderWay = {};

export function underWay(): UnderWay {
  return storage.getStore() ?? NOTHING;
}

/** Does `work` as a part of what is under way already, to which `more` is added. */
export function doWithin<T>(more: UnderWay, work: () => T): T {
  return storage.run({ ...storage.getStore(), ...more }, work);
}

/** Does `work` as a part of nothing: it is for others too, and may outlast what is under way. */
export function doApart<T>(work: () => T): T {
  return storage.run(NOTHING, work);
}
