/** Reads that are asked for one by one in the resolvers of a list, and made together. */
import type { Context } from './context.ts';

/**
 * Gathers the keys that are asked for in one turn of the event loop and reads them at once; `read` gives the values in
 * the keys' order. Nothing is remembered beyond that.
 */
export function readTogether<Value>(
  read: (context: Context, keys: string[]) => Promise<Value[]>,
): (context: Context, key: string) => Promise<Value> {
  const waiting = new WeakMap<Context, { keys: string[]; values: Promise<Value[]> }>();
  return async (context, key) => {
    let batch = waiting.get(context);
    if (!batch) {
      const keys: string[] = [];
      const values = new Promise((resolve) => setImmediate(resolve)).then(() => {
        waiting.delete(context);
        return read(context, keys);
      });
      waiting.set(context, (batch = { keys, values }));
    }
    const index = batch.keys.push(key) - 1;
    const value = (await batch.values)[index];
    if (value === undefined) throw new Error('A value was not read');
    return value;
  };
}
