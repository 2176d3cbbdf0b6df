import type { ExportStore, ExportWriter } from '../../src/services/exportStore/port.ts';

/** The store, where each file is finished by `finish`: it is given what the store itself would do. */
export function finishing(
  store: ExportStore,
  finish: (
    itself: ExportWriter['finish'],
    keyOf: (sha256: string) => string,
  ) => ReturnType<ExportWriter['finish']>,
): ExportStore {
  return {
    ...store,
    async create() {
      const writer = await store.create();
      return { ...writer, finish: (keyOf) => finish((key) => writer.finish(key), keyOf) };
    },
  };
}
