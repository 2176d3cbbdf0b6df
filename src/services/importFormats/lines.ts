/** Physical lines of a byte stream, in memory bounded by the longest line allowed. */
import { isUtf8 } from 'node:buffer';
import type { ByteSource } from './types.ts';

/** 1 MiB: a call of some four hours of talk fits. */
export const DEFAULT_MAX_LINE_BYTES = 1_048_576;

const LINE_FEED = 0x0a;

/** A line without its line feed, its bytes valid until the next line is asked for; null where it was too long. */
export interface LineRead {
  /** Counted from 1. */
  line: number;
  bytes: Buffer | null;
}

/** Bytes that are added to: one buffer that doubles, so that a body sent byte by byte costs no more than its bytes. */
export interface ByteStore {
  readonly length: number;
  append(part: Uint8Array): void;
  /** What is held, not copied: valid until the next append. */
  view(): Buffer;
  /** Forgets the first `count` bytes. */
  drop(count: number): void;
  clear(): void;
}

export function createByteStore(): ByteStore {
  let data = Buffer.allocUnsafe(4096);
  let length = 0;
  return {
    get length() {
      return length;
    },
    append(part) {
      if (length + part.length > data.length) {
        const larger = Buffer.allocUnsafe(Math.max(data.length * 2, length + part.length));
        data.copy(larger, 0, 0, length);
        data = larger;
      }
      data.set(part, length);
      length += part.length;
    },
    view: () => data.subarray(0, length),
    drop(count) {
      data.copyWithin(0, count, length);
      length -= count;
    },
    clear() {
      length = 0;
    },
  };
}

const startsWithBom = (bytes: Buffer): boolean =>
  bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

/**
 * The lines of a body. A line ends at a line feed (a carriage return before it stays on the line) or with the
 * body; a byte order mark is left out. Of a line longer than `maxLineBytes` nothing is kept.
 */
export async function* readLines(body: ByteSource, maxLineBytes: number): AsyncGenerator<LineRead> {
  const held = createByteStore();
  let line = 1;
  let tooLong = false;
  const read = (bytes: Buffer): LineRead => {
    if (tooLong) return { line, bytes: null };
    return { line, bytes: line === 1 && startsWithBom(bytes) ? bytes.subarray(3) : bytes };
  };

  for await (const chunk of body) {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (;;) {
      const end = data.indexOf(LINE_FEED, from);
      const part = data.subarray(from, end === -1 ? data.length : end);
      if (held.length + part.length > maxLineBytes) {
        tooLong = true;
        held.clear();
      }
      // Most lines lie within one chunk, and are handed on without being copied.
      const whole = end !== -1 && held.length === 0;
      if (!whole && !tooLong) held.append(part);
      if (end === -1) break;
      yield read(whole ? part : held.view());
      held.clear();
      tooLong = false;
      line += 1;
      from = end + 1;
    }
  }
  if (tooLong || held.length > 0) yield read(held.view());
}

/** The text of a line; null when its bytes are no UTF-8. Lines are whole characters: no UTF-8 sequence holds a line feed. */
export const decodeLine = (bytes: Buffer): string | null => (isUtf8(bytes) ? bytes.toString('utf8') : null);
