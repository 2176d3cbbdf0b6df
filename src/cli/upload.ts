/** Files to the server, streamed: a file is never whole in memory, however large it is. */
import { createReadStream } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { notTunesmith, unreachable } from './client.ts';
import { authorizationOf, notSignedIn, type Target } from './credentials.ts';
import { CliError } from './failure.ts';
import type { CallFormat, CallSource } from './callSources.ts';

const CONTENT_TYPE: Record<CallFormat, string> = {
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  vtt: 'text/vtt',
};

const reportSchema = z.object({
  received: z.number(),
  stored: z.number(),
  updated: z.number(),
  unchanged: z.number(),
  rejected: z.number(),
  faults: z.array(z.object({ line: z.number(), field: z.string().nullable(), reason: z.string() })),
});
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What became of a file, row by row, as the server reports it. */
export type Report = z.output<typeof reportSchema>;

export interface CallUploadOptions {
  confidence?: number | undefined;
  callerLabels?: readonly string[] | undefined;
  agentLabels?: readonly string[] | undefined;
  createdAt?: string | undefined;
}

export interface UploadOptions extends Target {
  signal?: AbortSignal | undefined;
  onProgress?: ((sentBytes: number) => void) | undefined;
}

// Kept open: a folder of transcripts is thousands of small files.
const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

/** Imports calls. Throws CliError when the file cannot be read, or the server takes none of it. */
export function uploadCalls(
  source: CallSource,
  options: CallUploadOptions,
  upload: UploadOptions,
): Promise<Report> {
  const query = new URLSearchParams();
  if (options.confidence !== undefined) query.set('confidence', String(options.confidence));
  if (options.callerLabels?.length) query.set('callerLabels', options.callerLabels.join(','));
  if (options.agentLabels?.length) query.set('agentLabels', options.agentLabels.join(','));
  if (source.format === 'vtt') {
    query.set('filename', source.name.replace(/^.*[/\\]/, ''));
    if (options.createdAt !== undefined) query.set('createdAt', options.createdAt);
  }
  return send(source, `/import/call-transcriptions?${query}`, upload);
}

/** Imports training examples in OpenAI's chat format into a dataset. Throws as `uploadCalls`. */
export function uploadExamples(
  source: CallSource,
  datasetId: string,
  autoValidate: boolean,
  upload: UploadOptions,
): Promise<Report> {
  return send(
    source,
    `/import/examples/${encodeURIComponent(datasetId)}?autoValidate=${autoValidate}`,
    upload,
  );
}

async function send(
  source: CallSource,
  path: string,
  { signal, onProgress, ...server }: UploadOptions,
): Promise<Report> {
  const { url } = server;
  const target = new URL(`${url}${path}`);
  const secure = target.protocol === 'https:';
  const request = (secure ? httpsRequest : httpRequest)(target, {
    method: 'POST',
    agent: secure ? agents['https:'] : agents['http:'],
    headers: {
      'content-type': CONTENT_TYPE[source.format],
      'content-length': source.bytes,
      ...authorizationOf(server),
    },
    ...(signal && { signal }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  const body = source.content === undefined ? createReadStream(source.path) : Readable.from([source.content]);
  let readFault: Error | null = null;
  body.once('error', (error: Error) => {
    readFault = error;
  });
  // An answer before the end of the file (a refusal) is worth more than the broken upload that follows it.
  const sent = pipeline(body, counting(source.bytes, onProgress), request);
  const sending = sent.catch(() => undefined);
  try {
    const response = await answered;
    const answer = await text(response);
    await sending;
    if (response.statusCode === 401) throw notSignedIn(server);
    return readReport(answer, response.statusCode ?? 0, url);
  } catch (error) {
    await sending;
    if (signal?.aborted || error instanceof CliError) throw error;
    if (readFault !== null) throw new CliError(`cannot be read: ${messageOf(readFault)}`);
    throw await sent.then(
      () => unreachable(url, error),
      (cause: unknown) =>
        cause instanceof FileChangedError ? new CliError(cause.message) : unreachable(url, error),
    );
  }
}

class FileChangedError extends Error {
  constructor() {
    super('changed while it was read; import it again');
  }
}

/** Counts what passes, and sees to it that it is as much as was announced. */
function counting(bytes: number, onProgress: ((sent: number) => void) | undefined): Transform {
  let sent = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length;
      onProgress?.(sent);
      if (sent > bytes) done(new FileChangedError());
      else done(null, chunk);
    },
    flush: (done) => done(sent === bytes ? null : new FileChangedError()),
  });
}

function readReport(answer: string, status: number, url: string): Report {
  let json: unknown;
  try {
    json = JSON.parse(answer);
  } catch {
    throw notTunesmith(url);
  }
  const report = reportSchema.safeParse(json);
  if (status === 200 && report.success) return report.data;
  const refusal = errorSchema.safeParse(json);
  if (refusal.success) throw new CliError(`${refusal.data.error.message} (${refusal.data.error.code})`);
  throw notTunesmith(url);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
