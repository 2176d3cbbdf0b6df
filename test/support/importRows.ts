/** What the tests of the import readers share. */
import * as fc from 'fast-check';
import type { RowRead } from '../../src/services/importFormats/index.ts';

/** A body of these parts. */
export async function* bytesOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

export async function rowsOf(rows: AsyncIterable<RowRead>): Promise<RowRead[]> {
  const all: RowRead[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

export const fault = (line: number, reason: string, field: string | null = null): RowRead => ({
  line,
  error: { line, field, reason },
});

/** A body cut into parts at random places, some of them empty. */
export function cutsOf(body: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.nat(body.length)).map((places) => {
    const sorted = [0, ...places.toSorted((a, b) => a - b), body.length];
    return sorted.slice(1).map((end, index) => body.subarray(sorted[index], end));
  });
}
