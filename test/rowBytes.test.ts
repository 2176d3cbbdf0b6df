/** Rows are taken out of what PostgreSQL sends as bytes, however that is cut; all else is passed on as it came. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteTextOf, textOf } from '../src/byteText.ts';
import { RowSplitter } from '../src/db/rowBytes.ts';

interface Message {
  kind: string;
  body: Buffer;
}

function bytesOf({ kind, body }: Message): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const ROW = 0x44;
const valueOf = (row: Buffer): string => row.toString('utf8', 6);

const READY = { kind: 'Z', body: Buffer.from('I') };

function rowOf(value: string | null): Message {
  const bytes = Buffer.from(value ?? '');
  const head = Buffer.alloc(6);
  head.writeInt16BE(1);
  head.writeInt32BE(value === null ? -1 : bytes.length, 2);
  return { kind: 'D', body: Buffer.concat([head, bytes]) };
}

const values = fc.array(fc.oneof(fc.constant(null), fc.string({ unit: 'binary', maxLength: 60 })), {
  maxLength: 5,
});
const others = fc.array(
  fc.record({
    kind: fc.constantFrom('T', 'C', 'S', '1', 'N'),
    body: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 3 },
);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });

/** In pieces of these lengths, again and again. */
function* piecesOf(bytes: Buffer, lengths: number[]): Generator<Buffer> {
  for (let [at, n] = [0, 0]; at < bytes.length; n += 1) {
    const end = at + (lengths[n % lengths.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

test('rows come one by one and whole, until the query has ended', () => {
  fc.assert(
    fc.property(others, values, others, values, cuts, (before, rows, after, later, lengths) => {
      const rest = [...before, ...after, READY, ...later.map(rowOf), READY];
      const all = [...before, ...rows.map(rowOf), ...after, READY, ...later.map(rowOf), READY];
      const [passed, taken]: [Buffer[], string[]] = [[], []];
      const splitter = new RowSplitter((bytes) => passed.push(bytes));
      splitter.take(ROW, (bytes, start, end) => taken.push(valueOf(bytes.subarray(start, end))));
      for (const piece of piecesOf(Buffer.concat(all.map(bytesOf)), lengths)) {
        splitter.push(piece);
        piece.fill('x'); // The next that comes is read into the same bytes.
      }
      expect(taken).toEqual(rows.map((value) => Buffer.from(value ?? '').toString()));
      expect(Buffer.concat(passed).equals(Buffer.concat(rest.map(bytesOf)))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('nothing is held back of what nobody takes, but the beginning of a head', () => {
  const passed: Buffer[] = [];
  const splitter = new RowSplitter((bytes) => passed.push(bytes));
  const bytes = bytesOf(rowOf('a row that Prisma reads'));
  for (const piece of piecesOf(bytes, [7])) splitter.push(piece);
  expect(passed.map(({ length }) => length)).toEqual([7, 7, 7, 7, 6]);
  expect(Buffer.concat(passed).equals(bytes)).toBe(true);
});

test('a text of bytes tells the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const bytes = byteTextOf(text);
      expect(Buffer.from(bytes, 'latin1').equals(Buffer.from(text))).toBe(true);
      expect(textOf(bytes)).toBe(text);
    }),
  );
});
