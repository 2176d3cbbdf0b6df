/** Keeps the files of exports in a bucket of S3, or of whatever speaks its protocol. The only place that imports its SDK. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { createDiskWait, PATIENCE, watchIdle, type IdleWatch, type Patience } from './patience.ts';
import {
  isKey,
  requireKey,
  type ByteRange,
  type ExportStore,
  type ListedFile,
  type StoredFile,
} from './port.ts';
import { asStoreError, bucketMissing, timedOut } from './s3Problems.ts';
import { createSpool } from './spool.ts';

export interface S3StoreOptions {
  bucket: string;
  region: string;
  /** Another server that speaks the protocol; Amazon's own when left out. */
  endpoint?: string | undefined;
  /** Names the bucket in the path rather than in the host. */
  pathStyle: boolean;
  /** Where the SDK usually looks (its variables, its files, the machine's role) when left out. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** What all keys in the bucket begin with, such as `tunesmith/`. */
  prefix: string;
  /** On this machine: where a file lies while it is written. */
  spoolDirectory: string;
  patience?: Patience | undefined;
}

const UPLOAD_ATTEMPTS = 3;
/** What is worth telling is thrown; the SDK would print the rest beside the log. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * Keeps the files in the bucket, which must be there; what is uploaded becomes visible when the last byte is there. Nothing
 * is waited for without end. What the bucket, or the way to it, is to blame for is thrown as an ExportStoreError.
 */
export function createS3Store({ bucket, prefix, spoolDirectory, ...options }: S3StoreOptions): ExportStore {
  const { patience = PATIENCE, endpoint } = options;
  const client = new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
    requestHandler: { connectionTimeout: patience.connect },
    logger: SILENT,
    // Uploads carry the SHA-256. Checksums of the SDK's own choice are more than other servers than Amazon's know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const spoolWait = createDiskWait(spoolDirectory, patience);
  const place = { bucket, host: endpoint === undefined ? null : new URL(endpoint).host };
  const objectOf = (key: string) => ({ Bucket: bucket, Key: `${prefix}${requireKey(key)}` });

  /** Asks what is answered without a file. */
  async function ask<Answer>(question: (options: { abortSignal: AbortSignal }) => Promise<Answer>) {
    const signal = AbortSignal.timeout(patience.answer);
    try {
      return await question({ abortSignal: signal });
    } catch (error) {
      throw signal.aborted ? timedOut(place, error) : asStoreError(error, place);
    }
  }

  async function sizeOf(object: { Bucket: string; Key: string }): Promise<number | null> {
    try {
      const { ContentLength: bytes } = await ask((within) =>
        client.send(new HeadObjectCommand(object), within),
      );
      return bytes ?? null;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await requireBucket(); // Of a bucket that is not there S3 says the same.
      return null;
    }
  }

  async function requireBucket(): Promise<void> {
    try {
      await ask((within) => client.send(new HeadBucketCommand({ Bucket: bucket }), within));
    } catch (error) {
      if (isNotFound(error)) throw bucketMissing(place, error);
      throw error;
    }
  }

  async function remove(object: { Bucket: string; Key: string }): Promise<void> {
    await ask((within) => client.send(new DeleteObjectCommand(object), within));
  }

  async function upload(path: string, file: StoredFile): Promise<void> {
    const object = objectOf(file.key);
    if ((await sizeOf(object)) !== null) return;
    // The SDK repeats no request whose body is a stream, since it cannot read it twice.
    for (let attempt = 1; ; attempt += 1) {
      try {
        await send(path, file, object);
        return;
      } catch (error) {
        if (attempt === UPLOAD_ATTEMPTS || isRefusal(error)) throw asStoreError(error, place);
      }
    }
  }

  async function send(
    path: string,
    { bytes, sha256 }: StoredFile,
    object: { Bucket: string; Key: string },
  ): Promise<void> {
    const idle = watchIdle(patience.idle);
    // What is read has been sent, but for what the connection holds.
    const body = Readable.from(readTouching(path, idle), { objectMode: false });
    try {
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      await client.send(
        new PutObjectCommand({ ...object, Body: body, ContentLength: bytes, ChecksumSHA256: checksum }),
        { abortSignal: idle.signal },
      );
    } catch (error) {
      throw idle.signal.aborted ? timedOut(place, error) : error;
    } finally {
      idle.rest();
      body.destroy();
    }
  }

  async function* read(key: string, range: ByteRange | undefined, closed: AbortSignal) {
    const idle = watchIdle(patience.idle);
    const signal = AbortSignal.any([closed, idle.signal]);
    try {
      const wanted = range && { Range: `bytes=${range.start}-${range.end}` };
      const command = new GetObjectCommand({ ...objectOf(key), ...wanted });
      const { Body: body } = await client.send(command, { abortSignal: signal });
      if (!(body instanceof Readable)) throw new Error(`The store answered without the file ${key}`);
      signal.addEventListener('abort', () => body.destroy());
      for await (const chunk of body) {
        idle.rest(); // From here on it is the reader that is waited for.
        yield chunk;
        idle.touch();
      }
      if (idle.signal.aborted) throw timedOut(place);
    } catch (error) {
      throw idle.signal.aborted ? timedOut(place, error) : asStoreError(error, place);
    } finally {
      idle.rest();
    }
  }

  async function* list(): AsyncIterable<ListedFile> {
    let next: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next });
      const { Contents: found = [], NextContinuationToken: token } = await ask((within) =>
        client.send(command, within),
      );
      for (const { Key: name = '', LastModified: writtenAt } of found) {
        const key = name.slice(prefix.length);
        if (writtenAt && isKey(key)) yield { key, writtenAt };
      }
      next = token;
    } while (next !== undefined);
  }

  function open(key: string, range?: ByteRange): Readable {
    requireKey(key);
    const closed = new AbortController();
    const stream = Readable.from(read(key, range, closed.signal), { objectMode: false });
    return stream.once('close', () => closed.abort());
  }

  return {
    create: () => createSpool(spoolDirectory, spoolWait, upload),
    open,
    pieces: open,
    size: (key) => sizeOf(objectOf(key)),
    delete: (key) => remove(objectOf(key)),
    list,
  };
}

function ignore(): void {
  // Nobody needs to know.
}

async function* readTouching(path: string, idle: IdleWatch): AsyncIterable<Buffer> {
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    idle.touch();
    yield chunk;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

/** What the store would say again. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 500) : 500;
  return status < 500 && status !== 408 && status !== 429;
}
