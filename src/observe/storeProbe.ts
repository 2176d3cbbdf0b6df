/** Whether the store of exports takes files, and can be asked for one. */
import type { ExportStore } from '../services/exportStore/port.ts';

/** For how long a store that worked is taken to work, in milliseconds: writing costs something where it is not a directory. */
const KEPT_MS = 60_000;
/** A key that no export has. */
const NO_FILE = 'probe/nothing';

export function createStoreProbe(store: ExportStore, now = Date.now): () => Promise<void> {
  let worked = -Infinity;
  return async () => {
    if (now() - worked < KEPT_MS) return;
    await store.size(NO_FILE);
    const writer = await store.create();
    try {
      await writer.write('probe');
    } finally {
      await writer.abort();
    }
    worked = now();
  };
}
