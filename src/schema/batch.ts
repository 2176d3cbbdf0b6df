import type { Context } from './context.ts';

/**
 * Gathers what the resolvers of one operation ask for at the same moment, and reads it at once: a field of each dataset
 * in a list costs one query. `read` gives what there is, by key.
 */
export function batched<Value>(
  read: (context: Context, keys: string[]) => Promise<Map<string, Value>>,
): (context: Context, key: string) => Promise<Value | undefined> {
  const gathering = new WeakMap<Context, { keys: Set<string>; result: Promise<Map<string, Value>> }>();
  return async (context, key) => {
    let batch = gathering.get(context);
    if (!batch) {
      const keys = new Set<string>();
      const result = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        gathering.delete(context);
        return read(context, [...keys]);
      });
      batch = { keys, result };
      gathering.set(context, batch);
    }
    batch.keys.add(key);
    return (await batch.result).get(key);
  };
}
