/**
 * What an answer is made of, noted while it is worked out: which tables were read, whether it is told to one person only,
 * whether it holds for longer than the moment. An answer may be told again until one of its tables changes.
 */
import { doWithin, underWay } from '../underWay.ts';

export interface Sources {
  tables: Set<string>;
  /** Whether who asks had a say in it, beyond tenant and role. */
  personal: boolean;
  /** Whether the clock had a say in it, or it had an effect: it is not to be told again. */
  momentary: boolean;
}

/** Does `work` and notes in `sources` what comes of it, however deep. */
export function notingSources<T>(sources: Sources, work: () => T): T {
  return doWithin({ sources }, work);
}

export function noteSubject(): void {
  const { sources } = underWay();
  if (sources) sources.personal = true;
}

export function noteMoment(): void {
  const { sources } = underWay();
  if (sources) sources.momentary = true;
}

/** Every table's name is one of these; what else looks like them does no harm. test/responseCache.test.ts compares. */
const TABLES =
  /\b(?:finetuning_\w+|base_model\w*|caller_\w+|call_transcriptions|tenants|api_keys|audit_entries|tainted_files)\b/g;

/** What is made of tables in the database, and stands in statements for them. */
const MADE_OF: Readonly<Record<string, readonly string[]>> = {
  finetuning_export_examples: ['finetuning_export_blocks'],
  finetuning_export_lines: ['finetuning_exports', 'finetuning_export_blocks'],
};

const READS = /^\s*(?:SELECT|WITH)\b/i;
/** Transactions and their settings neither read nor write. */
const FRAMES = /^\s*(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|DEALLOCATE)\b/i;
/** Writes and locks, in any part of a statement, and what differs from one moment to the next. */
const MOMENTARY =
  /\b(?:insert\s+into|update|delete\s+from|merge\s+into|share|nextval|pg_notify|(?:clock|statement|transaction)_timestamp|current_(?:date|time|timestamp)|localtime(?:stamp)?|uuid_v7|gen_random_uuid)\b|\b(?:now|random)\s*\(/i;

interface Read {
  tables: readonly string[];
  momentary: boolean;
}

/** Statements come in shapes, and there are few; those past this many are read each time. */
const MOST_KNOWN = 2_000;
const known = new Map<string, Read>();

/** A statement is sent: it is part of the answer that is being worked out, if any is. */
export function noteStatement(text: string): void {
  const { sources } = underWay();
  if (!sources) return;
  const read = known.get(text) ?? readOf(text);
  if (known.size < MOST_KNOWN) known.set(text, read);
  for (const table of read.tables) sources.tables.add(table);
  if (read.momentary) sources.momentary = true;
}

function readOf(text: string): Read {
  if (FRAMES.test(text)) return { tables: [], momentary: false };
  return {
    tables: [...new Set(text.match(TABLES)?.flatMap((name) => MADE_OF[name] ?? name))],
    momentary: !READS.test(text) || MOMENTARY.test(text),
  };
}
