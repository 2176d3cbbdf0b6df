/** Keeps the files of exports in a bucket of S3, or of whatever speaks its protocol. The only place that imports its SDK. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import {
  isKey,
  requireKey,
  type ByteRange,
  type ExportStore,
  type ListedFile,
  type StoredFile,
} from './port.ts';
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
}

/** For a question without a file in its answer, retries included, in milliseconds. */
const PATIENCE = 15_000;
const CONNECT_PATIENCE = 5_000;
const UPLOAD_ATTEMPTS = 3;

/** Keeps the files in the bucket, which must be there; what is uploaded becomes visible when the last byte is there. */
export function createS3Store({ bucket, prefix, spoolDirectory, ...options }: S3StoreOptions): ExportStore {
  const client = new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
    requestHandler: { connectionTimeout: CONNECT_PATIENCE },
    // Uploads carry the SHA-256. Checksums of the SDK's own choice are more than other servers than Amazon's know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const objectOf = (key: string) => ({ Bucket: bucket, Key: `${prefix}${requireKey(key)}` });

  async function sizeOf(object: { Bucket: string; Key: string }): Promise<number | null> {
    try {
      return (await client.send(new HeadObjectCommand(object), patience())).ContentLength ?? null;
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
      throw error;
    }
  }

  async function remove(object: { Bucket: string; Key: string }): Promise<void> {
    await client.send(new DeleteObjectCommand(object), patience());
  }

  async function upload(path: string, { key, bytes, sha256 }: StoredFile): Promise<void> {
    const object = objectOf(key);
    if ((await sizeOf(object)) !== null) return;
    // The SDK repeats no request whose body is a stream, since it cannot read it twice.
    for (let attempt = 1; ; attempt += 1) {
      const body = createReadStream(path);
      try {
        const checksum = Buffer.from(sha256, 'hex').toString('base64');
        await client.send(
          new PutObjectCommand({ ...object, Body: body, ContentLength: bytes, ChecksumSHA256: checksum }),
        );
        return;
      } catch (error) {
        if (attempt === UPLOAD_ATTEMPTS || isRefusal(error)) throw error;
      } finally {
        body.destroy();
      }
    }
  }

  async function* read(key: string, range: ByteRange | undefined, signal: AbortSignal) {
    const wanted = range && { Range: `bytes=${range.start}-${range.end}` };
    const command = new GetObjectCommand({ ...objectOf(key), ...wanted });
    const { Body: body } = await client.send(command, { abortSignal: signal });
    if (!(body instanceof Readable)) throw new Error(`The store answered without the file ${key}`);
    yield* body;
  }

  async function* list(): AsyncIterable<ListedFile> {
    for await (const { Contents: found = [] } of paginateListObjectsV2(
      { client },
      { Bucket: bucket, Prefix: prefix },
    )) {
      for (const { Key: name = '', LastModified: writtenAt } of found) {
        const key = name.slice(prefix.length);
        if (writtenAt && isKey(key)) yield { key, writtenAt };
      }
    }
  }

  return {
    create: () => createSpool(spoolDirectory, upload),
    open(key, range) {
      requireKey(key);
      const aborter = new AbortController();
      const stream = Readable.from(read(key, range, aborter.signal), { objectMode: false });
      return stream.once('close', () => aborter.abort());
    },
    size: (key) => sizeOf(objectOf(key)),
    delete: (key) => remove(objectOf(key)),
    list,
  };
}

const patience = () => ({ abortSignal: AbortSignal.timeout(PATIENCE) });

/** What the store would say again. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 500) : 500;
  return status < 500 && status !== 408 && status !== 429;
}
