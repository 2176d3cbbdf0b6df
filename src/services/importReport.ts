import type { RowFault } from './importFormats/index.ts';

/** What became of an import, row by row. `received` is the sum of the four counts after it. */
export interface ImportReport {
  received: number;
  /** Rows that were new. */
  stored: number;
  /** Rows that changed something stored before. */
  updated: number;
  /** Rows that were stored before, exactly so. */
  unchanged: number;
  /** Rows that could not be read; they stop nothing. */
  rejected: number;
  /** Why rows were rejected, in the order of the input; the first MAX_FAULTS of them. */
  faults: RowFault[];
}

/** A file of another kind altogether would else give a fault for each of its lines. */
export const MAX_FAULTS = 1000;

export function emptyReport(): ImportReport {
  return { received: 0, stored: 0, updated: 0, unchanged: 0, rejected: 0, faults: [] };
}

export function reject(report: ImportReport, fault: RowFault): void {
  report.received += 1;
  report.rejected += 1;
  if (report.faults.length < MAX_FAULTS) report.faults.push(fault);
}

/** Collects rows until there are enough for one statement: `maxRows` of them, or `maxCharacters` of JSON. */
export function createBatch(maxRows = 500, maxCharacters = 4_000_000) {
  let rows: string[] = [];
  let characters = 0;
  return {
    add(row: unknown): void {
      const json = JSON.stringify(row);
      rows.push(json);
      characters += json.length;
    },
    get full(): boolean {
      return rows.length >= maxRows || characters >= maxCharacters;
    },
    get empty(): boolean {
      return rows.length === 0;
    },
    /** The rows as one JSON list; the batch is empty afterwards. */
    take(): { json: string; count: number } {
      const taken = { json: `[${rows.join(',')}]`, count: rows.length };
      rows = [];
      characters = 0;
      return taken;
    },
  };
}
