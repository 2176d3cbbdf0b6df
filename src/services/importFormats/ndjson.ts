/** One JSON object a line: calls, or training examples in the chat format. */
import { DEFAULT_MAX_LINE_BYTES, decodeLine, readLines } from './lines.ts';
import { shown } from './faults.ts';
import { type ByteSource, type RowRead, isRecord } from './types.ts';

export interface NdjsonOptions {
  /** The longest line allowed in bytes, its line feed not counted. Default: 1 MiB. */
  maxLineBytes?: number;
}

function parseObject(bytes: Buffer): Record<string, unknown> | string | null {
  const text = decodeLine(bytes);
  if (text === null) return 'is not valid UTF-8';
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not valid JSON'; // the engine's own message differs from version to version, and quotes the data
  }
  return isRecord(value) ? value : `must be a JSON object, not ${shown(value)}`;
}

/**
 * Reads a body of JSON lines. Empty lines are skipped; a line that cannot be read gives a fault, and reading goes
 * on with the next. Memory is bounded by `maxLineBytes`. Throws only what the body throws.
 */
export async function* readNdjson(body: ByteSource, options: NdjsonOptions = {}): AsyncGenerator<RowRead> {
  const maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
  for await (const { line, bytes } of readLines(body, maxLineBytes)) {
    const read =
      bytes === null ? `is longer than the ${maxLineBytes} bytes a line may have` : parseObject(bytes);
    if (read === null) continue;
    if (typeof read === 'string') yield { line, error: { line, field: null, reason: read } };
    else yield { line, value: read };
  }
}
