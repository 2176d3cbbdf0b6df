/** A file's lines as bytes. */
import { MAX_LINE_BYTES } from './fileRules.ts';

/**
 * The lines of a stream, without the newline (`\n`) at their ends. Of a line that is longer than any provider takes only
 * so much is kept as shows that it is.
 */
export async function* rawLines(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;

  function hold(bytes: Buffer): void {
    const room = MAX_LINE_BYTES + 4 - heldBytes; // One byte too many, behind a byte-order mark.
    if (room <= 0 || bytes.length === 0) return;
    const kept = bytes.subarray(0, room);
    held.push(kept);
    heldBytes += kept.length;
  }

  function take(): Buffer {
    const [only] = held;
    const line = held.length === 1 && only !== undefined ? only : Buffer.concat(held, heldBytes);
    held = [];
    heldBytes = 0;
    return line;
  }

  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      hold(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    hold(chunk.subarray(start));
  }
  if (heldBytes > 0) yield take();
}
