/** Reading many rows as they lie: COPY in PostgreSQL's binary format, without a text or an object made of each value. */
import pg from 'pg';
import type { Prisma } from '../generated/prisma/client.ts';
import { takeCopied } from './rowBytes.ts';
import { OF_ANY_TENANT } from './tenantQuery.ts';

/**
 * A row as PostgreSQL sends it in binary. It is good until the call returns: what is kept has to be copied. Of a hundred
 * thousand rows, objects for each field would be a million.
 */
export interface CopiedRow {
  /** All rows that came together lie in it; those that come next, in another. */
  bytes: Buffer;
  /** How many bytes of them are the row's. */
  length: number;
  /** Where in `bytes` each field begins and ends; both are -1 for NULL. */
  starts: number[];
  ends: number[];
}

export type TakeRow = (row: CopiedRow) => void;

/** Where a field begins, which must not be NULL. */
export function startOf({ starts }: CopiedRow, field: number): number {
  const start = starts[field] ?? -1;
  if (start === -1) throw new Error(`A row lacks its column ${field + 1}`);
  return start;
}

export function fieldText(row: CopiedRow, field: number, encoding: BufferEncoding = 'utf8'): string {
  return row.bytes.toString(encoding, startOf(row, field), row.ends[field]);
}

export interface CopyOut {
  /**
   * Gives `take` each row of the SELECT, in one transaction that sees the rows of one tenant only. Values may be texts
   * and whole numbers. An index has to give the order: nothing is sorted that need not be, whatever the statistics make
   * the planner believe, so that no page of a large table sorts all of it. Rejects with what `take` threw, once the
   * database has sent the rest.
   */
  copyOut(tenantId: string, select: Prisma.Sql, take: TakeRow): Promise<void>;
}

export function createCopyOut(pool: pg.Pool): CopyOut {
  return {
    async copyOut(tenantId, select, take) {
      const client = await pool.connect();
      try {
        await new Promise<void>((resolve, reject) => {
          client.query(
            new CopyQuery(tenantId, literally(select), take, (error) => (error ? reject(error) : resolve())),
          );
        });
      } catch (error) {
        client.release(true); // It is closed: the connection may be what failed.
        throw error;
      }
      client.release();
    },
  };
}

/**
 * The tenant's settings and the COPY in one message, which is one transaction: PostgreSQL ends it by itself, as nothing in
 * it says BEGIN.
 */
class CopyQuery extends pg.Query {
  readonly #take: TakeRow;
  readonly #row: CopiedRow = { bytes: Buffer.alloc(0), length: 0, starts: [], ends: [] };
  #begun = false;
  #fault: Error | undefined;

  constructor(tenantId: string, select: string, take: TakeRow, settle: (error?: Error) => void) {
    super(
      `SELECT set_config('tunesmith.tenant_id', ${pg.escapeLiteral(tenantId)}, true), ${OF_ANY_TENANT},
        set_config('enable_sort', 'off', true);
      COPY (${select}) TO STDOUT WITH (FORMAT binary)`,
      (error) => settle(this.#fault ?? error),
    );
    this.#take = take;
    const submit = this.submit.bind(this);
    this.submit = (connection) => {
      takeCopied(connection, (bytes, start, end) => this.#takeMessage(bytes, start, end));
      return submit(connection);
    };
  }

  #takeMessage(bytes: Buffer, start: number, end: number): void {
    if (this.#fault !== undefined) return;
    try {
      const from = this.#begun ? start : afterHeader(bytes, start);
      this.#begun = true;
      if (end - from >= 2 && bytes.readInt16BE(from) !== END)
        this.#take(readRow(bytes, from, end, this.#row));
    } catch (error) {
      this.#fault = error instanceof Error ? error : new Error(String(error));
    }
  }
}

const END = -1;
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** The flags and the length of what may follow them. */
const HEADER_TAIL = 8;

/** The header may come with the first row or before it. */
function afterHeader(bytes: Buffer, start: number): number {
  const tail = start + SIGNATURE.length;
  if (!bytes.subarray(start, tail).equals(SIGNATURE)) throw new Error('This is no COPY in binary');
  return tail + HEADER_TAIL + bytes.readInt32BE(tail + 4);
}

/** Into `row`, and gives it back. */
export function readRow(bytes: Buffer, start: number, end: number, row: CopiedRow): CopiedRow {
  row.bytes = bytes;
  row.length = end - start;
  const fields = bytes.readInt16BE(start);
  let at = start + 2;
  for (let field = 0; field < fields; field += 1) {
    const length = bytes.readInt32BE(at);
    at += 4;
    row.starts[field] = length < 0 ? -1 : at;
    at += Math.max(length, 0);
    row.ends[field] = length < 0 ? -1 : at;
  }
  return row;
}

/** COPY takes no values beside its text. */
function literally({ strings, values }: Prisma.Sql): string {
  return strings.reduce((text, string, place) => text + literalOf(values[place - 1]) + string);
}

function literalOf(value: unknown): string {
  if (typeof value === 'string') return pg.escapeLiteral(value);
  if (Number.isSafeInteger(value)) return String(value);
  throw new Error('Only texts and whole numbers can be written into a COPY');
}
