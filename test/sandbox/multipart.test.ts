import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, MultipartError, parseMultipart } from '../../src/sandbox/multipart.ts';

interface Part {
  name: string;
  filename: string | undefined;
  content: Buffer;
}

function encode(parts: readonly Part[], boundary: string): Buffer {
  const pieces = parts.flatMap(({ name, filename, content }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return [Buffer.from(head), content, Buffer.from('\r\n')];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

async function* cut(body: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < body.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
}

async function decode(source: AsyncIterable<Uint8Array>, boundary: string): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const event of parseMultipart(source, boundary)) {
    if (event.kind === 'part')
      parts.push({ name: event.name, filename: event.filename, content: Buffer.alloc(0) });
    const part = parts.at(-1);
    if (event.kind === 'data' && part) part.content = Buffer.concat([part.content, event.bytes]);
  }
  return parts;
}

/** Contents made of what a careless parser would take for a boundary. */
const almost = fc
  .array(
    fc.constantFrom('\r', '\n', '\r\n', '-', '--', '\r\n--', '\r\n--cu', '--cut', 'cut', 'x', '{"a":1}\n'),
  )
  .map((pieces) => pieces.join(''))
  .filter((text) => !`\r\n${text}\r\n`.includes('\r\n--cut'));

const part = fc.record({
  name: fc.constantFrom('file', 'purpose', 'expires_after[seconds]'),
  filename: fc.constantFrom(undefined, 'a.jsonl', 'größe 1.jsonl'),
  content: fc.oneof(
    almost.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
});

describe('multipart', () => {
  test('gives back every part, however the body is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 8 }),
        async (parts, sizes) => {
          const body = encode(parts, 'cut');
          expect(await decode(cut(body, sizes), 'cut')).toEqual(parts);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('a body cut off anywhere is an error, never a shorter file', async () => {
    const body = encode([{ name: 'file', filename: 'a.jsonl', content: Buffer.from('{"a":1}\r\n') }], 'cut');
    for (let length = 0; length < body.length - 2; length += 1) {
      await expect(decode(cut(body.subarray(0, length), [7]), 'cut')).rejects.toThrow(MultipartError);
    }
  });

  test('reads past a preamble, padding after a boundary and an epilogue', async () => {
    const head = 'Content-Disposition: form-data; name="purpose"';
    const body = Buffer.from(`hello\r\n--cut \t\r\n${head}\r\n\r\nfine-tune\r\n--cut--\r\nbye\r\n--cut\r\n`);
    expect(await decode(cut(body, [3]), 'cut')).toEqual([
      { name: 'purpose', filename: undefined, content: Buffer.from('fine-tune') },
    ]);
  });

  test('refuses a boundary that runs on, endless headers and a part without a name', async () => {
    const bodies = [
      '--cutlery\r\n\r\n',
      `--cut\r\n${'h'.repeat(20_000)}`,
      '--cut\r\nX: y\r\n\r\nz\r\n--cut--',
    ];
    for (const body of bodies) {
      await expect(decode(cut(Buffer.from(body), [100]), 'cut')).rejects.toThrow(MultipartError);
    }
  });

  test.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; boundary="a b"', 'a b'],
    ['application/json', undefined],
    [undefined, undefined],
  ])('the boundary of %s', (header, boundary) => {
    expect(boundaryOf(header)).toBe(boundary);
  });
});
