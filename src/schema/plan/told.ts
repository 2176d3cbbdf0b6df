/** Parts of an answer that are there as JSON already. */
import { byteTextOf, textOf } from '../../byteText.ts';

export class Told {
  /** A character for each byte. */
  readonly bytes: string;

  constructor(bytes: string) {
    this.bytes = bytes;
  }

  /** For whoever wants the answer as objects. */
  toJSON(): unknown {
    return JSON.parse(textOf(this.bytes));
  }
}

/** As JSON.stringify writes it. In pieces until the end, since a large text takes the memory longer than all of its pieces. */
export function toldBytes(value: unknown): Buffer {
  const pieces: string[] = [];
  addPieces(pieces, value);
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) at += bytes.write(piece, at, 'latin1');
  return bytes;
}

function addPieces(pieces: string[], value: unknown): void {
  if (value instanceof Told) {
    pieces.push(value.bytes);
  } else if (Array.isArray(value)) {
    for (const [n, each] of value.entries()) {
      pieces.push(n > 0 ? ',' : '[');
      addPieces(pieces, each);
    }
    pieces.push(value.length > 0 ? ']' : '[]');
  } else if (mayHoldTold(value)) {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined);
    for (const [n, [name, each]] of fields.entries()) {
      pieces.push(`${n > 0 ? ',' : '{'}${byteTextOf(JSON.stringify(name))}:`);
      addPieces(pieces, each);
    }
    pieces.push(fields.length > 0 ? '}' : '{}');
  } else pieces.push(byteTextOf(JSON.stringify(value) ?? 'null'));
}

/** What has its own way to JSON holds none. */
function mayHoldTold(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !('toJSON' in value);
}
