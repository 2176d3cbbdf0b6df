/** What a bucket's SDK throws, in words that say what to mend: of a HEAD without a body it only says "UnknownError". */
import { z } from 'zod';
import { ExportStoreError } from './storeError.ts';

export interface Place {
  bucket: string;
  /** The server's, such as `127.0.0.1:9000`; null for Amazon's own. */
  host: string | null;
}

const answered = z.object({
  name: z.string(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }),
});

/** What the operating system and the SDK say when there is no connection, or one that was cut. */
const UNREACHABLE =
  /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|.*SELF_SIGNED_CERT.*|UNABLE_TO_.*)$/;
const REGION = /^(?:AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraintException)$/;

/** The error as it is to be thrown: an ExportStoreError where the SDK, the bucket or the way to it is to blame, else the same. */
export function asStoreError(error: unknown, place: Place): unknown {
  if (!(error instanceof Error) || error instanceof ExportStoreError) return error;
  const answer = answered.safeParse(error);
  const status = answer.data?.$metadata.httpStatusCode;
  if (answer.success && status !== undefined) return ofAnswer(error, status, answer.data.name, place);
  if (error.name === 'CredentialsProviderError') return noCredentials(error, place);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // First: the SDK calls a connection that was cut a time-out as well.
  if (UNREACHABLE.test(code)) return unreachable(place, code, error);
  return error.name === 'TimeoutError' ? timedOut(place, error) : error;
}

function ofAnswer(error: Error, status: number, name: string, place: Place): unknown {
  const said = /^\w{1,60}$/.test(name) && name !== 'UnknownError' ? `${status} ${name}` : String(status);
  if (REGION.test(name) || status === 301) {
    const problem = `The ${named(place)} lies in another region (${said})`;
    return new ExportStoreError(
      'STORE_WRONG_REGION',
      problem,
      'Set S3_REGION to the region of the bucket.',
      error,
    );
  }
  if (status === 401 || status === 403) {
    const mend =
      'Check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, that the key may read, write, list and delete there, and this machine’s clock.';
    return new ExportStoreError(
      'STORE_REFUSED',
      `The ${named(place)} refuses the key (${said})`,
      mend,
      error,
    );
  }
  if (name === 'NoSuchBucket') return bucketMissing(place, error);
  if (status === 404) return error; // A file; whoever asked for it knows what that means.
  const mend = 'Its own log may tell why; what was asked of it is asked again the next time.';
  return new ExportStoreError(
    'STORE_FAILED',
    `The ${named(place)} answers with an error (${said})`,
    mend,
    error,
  );
}

export function bucketMissing(place: Place, cause?: unknown): ExportStoreError {
  const mend = 'Make it, or check S3_BUCKET, S3_ENDPOINT and S3_PATH_STYLE.';
  return new ExportStoreError('STORE_BUCKET_MISSING', `There is no ${named(place)}`, mend, cause);
}

export function timedOut(place: Place, cause?: unknown): ExportStoreError {
  const mend = 'Check S3_ENDPOINT, the network and its firewalls, and that the store is not overloaded.';
  return new ExportStoreError('STORE_TIMED_OUT', `The ${named(place)} does not answer in time`, mend, cause);
}

function unreachable(place: Place, code: string, cause: unknown): ExportStoreError {
  const mend = 'Check S3_ENDPOINT, the network, and that the store runs.';
  return new ExportStoreError(
    'STORE_UNREACHABLE',
    `The ${named(place)} cannot be reached (${code})`,
    mend,
    cause,
  );
}

function noCredentials(cause: unknown, place: Place): ExportStoreError {
  const mend = 'Set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or give this machine a role that has it.';
  return new ExportStoreError('STORE_REFUSED', `There is no key for the ${named(place)}`, mend, cause);
}

function named({ bucket, host }: Place): string {
  return `bucket ${bucket}${host === null ? '' : ` at ${host}`}`;
}
