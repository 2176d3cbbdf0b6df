/** What every reader of an import yields. */

/** Bytes as they come, such as an HTTP request's body. Pulled only when the next row is asked for. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** Why something could not be read, in words for the person who sent it. */
export interface RowFault {
  /** The physical line, counted from 1, where the row starts. */
  line: number;
  /** The field at fault in the input's own spelling, such as `turns[3].text`; null when it is the whole row. */
  field: string | null;
  /** What is wrong, to be read after the field's or the line's name: "must be a number from 0 to 1, not 7". */
  reason: string;
}

/** The header of a table is at fault, so none of its rows were read. */
export interface HeaderFault extends RowFault {
  header: true;
}

/** A row as it stands in the input, its values not yet looked at, or the reason why there is none. */
export type RowRead =
  | { line: number; value: Record<string, unknown> }
  | { line: number; error: RowFault | HeaderFault };

export const isHeaderFault = (fault: RowFault | HeaderFault): fault is HeaderFault => 'header' in fault;

/** An object with keys, as JSON knows it: neither null nor a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
