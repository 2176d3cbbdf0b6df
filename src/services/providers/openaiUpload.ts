/**
 * A file as a multipart body that is never whole in memory. The SDK's `toFile` reads everything first; its
 * `toStreamingFile` streams, but without a length: in chunks, which some gateways in front of imitations refuse, and
 * with a file cut short going through as if it were whole. We know the length, so we say it.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

/**
 * Node's fetch keeps a second copy of a request whose body it might have to send again, and with it every byte of a
 * stream: 300 MB were measured to cost 320. It does without for a request that follows no redirect and has no window.
 */
const SENT_ONCE = { redirect: 'error', window: null } as const;

interface Upload {
  /** What the SDK's `post` takes. */
  request: {
    headers: { 'content-type': string; 'content-length': string };
    body: ReadableStream<Uint8Array>;
    fetchOptions: typeof SENT_ONCE;
  };
  /** What went wrong with reading the file, if anything did: a fault of ours, not of the provider's. */
  fault(): Error | null;
  /** Lets go of the file, read or not. */
  close(): void;
}

/** The form that `POST /files` takes. The file is opened when the first of its bytes are wanted. */
export function openUpload(file: { name: string; bytes: number; open: () => Readable }): Upload {
  const boundary = `tunesmith-${randomUUID()}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${quoted(file.name)}"\r\n` +
      'Content-Type: application/jsonl\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  let source: Readable | undefined;
  let closed = false;
  let fault: Error | null = null;

  async function* form(): AsyncGenerator<Uint8Array> {
    yield head;
    if (closed) return;
    try {
      source = file.open();
      yield* exactly(source, file.bytes);
    } catch (error) {
      // Closing breaks off the reading, which is no fault of the file's.
      if (!closed) fault = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
    yield tail;
  }

  return {
    request: {
      headers: {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': String(head.length + file.bytes + tail.length),
      },
      body: ReadableStream.from(form()),
      fetchOptions: SENT_ONCE,
    },
    fault: () => fault,
    close() {
      closed = true;
      source?.destroy();
    },
  };
}

async function* exactly(source: Readable, bytes: number): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of source) {
    const chunk: string | Uint8Array = piece;
    const raw = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    read += raw.length;
    if (read > bytes) break;
    yield raw;
  }
  if (read !== bytes) {
    throw new Error(
      `The file to upload has ${read > bytes ? 'more than' : `${read} bytes instead of`} ${bytes} bytes`,
    );
  }
}

/** As HTML's form encoding has it: what would end the name or the header is percent-encoded. */
function quoted(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
