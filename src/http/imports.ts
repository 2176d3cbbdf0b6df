/** Files come in: calls as NDJSON, CSV or WebVTT, and examples as OpenAI chat JSONL, streamed at any size. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { ExpectedError, ForbiddenError, InvalidInputError, NotFoundError } from '../services/errors.ts';
import { readCsv, readNdjson, readVtt, type RowRead } from '../services/importFormats/index.ts';
import type { ImportReport } from '../services/importReport.ts';
import { parseInput } from '../services/input.ts';
import type { Services } from '../services/index.ts';
import { checkLabels, createSpeakerReader, type SpeakerLabels } from '../services/turns.ts';
import { requireRole, type Viewer } from '../services/viewer.ts';
import { bodyWithin, ImportTooLargeError, requireSizeWithin } from './limits/importLimit.ts';
import { respondAmidBody, respondError, respondJson } from './respond.ts';

const CALL_TYPES = 'application/x-ndjson, text/csv or text/vtt';
const NDJSON_TYPES = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/json-lines',
  'application/x-jsonlines',
]);

const CONFIDENCE_RULE = 'must be a number from 0 to 1, such as 0.85';

const list = z
  .string()
  .optional()
  .transform((text) =>
    text
      ? text
          .split(',')
          .map((label) => label.trim())
          .filter((label) => label !== '')
      : [],
  );

const callQuery = z.object({
  // `Number` alone would take an empty text for 0.
  confidence: z
    .string()
    .regex(/^(?:0|1|0?\.\d+|[01]\.\d*)$/, CONFIDENCE_RULE)
    .transform(Number)
    .pipe(z.number().max(1, CONFIDENCE_RULE))
    .optional(),
  callerLabels: list,
  agentLabels: list,
  filename: z.string().trim().min(1).max(255).optional(),
  createdAt: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-11-22T09:30:00Z' })
    .optional(),
});

const exampleQuery = z.object({
  autoValidate: z.enum(['true', 'false'], 'must be true or false').default('false'),
});

export interface Imports {
  /** POST /import/call-transcriptions?confidence=&callerLabels=a,b&agentLabels=c&filename=SID.vtt&createdAt= */
  calls(viewer: Viewer, request: IncomingMessage, query: URLSearchParams): Promise<ImportReport>;
  /** POST /import/examples/DATASET?autoValidate= */
  examples(
    datasetId: string,
    viewer: Viewer,
    request: IncomingMessage,
    query: URLSearchParams,
  ): Promise<ImportReport>;
}

export function createImports(services: Services, maxBytes: number): Imports {
  return {
    async calls(viewer, request, query) {
      requireRole(viewer, 'EDITOR');
      const options = parseQuery(callQuery, query);
      requireReadable(request);
      requireSizeWithin(request, maxBytes);
      const labels = { caller: options.callerLabels, agent: options.agentLabels };
      const fault = checkLabels(labels);
      if (fault !== null)
        throw new InvalidInputError([{ field: 'query', message: `callerLabels, agentLabels: ${fault}` }]);
      const rows = callRows(contentType(request), bodyWithin(request, maxBytes), labels, options);
      return services.callTranscriptions.importCalls(viewer, rows, {
        defaultConfidence: options.confidence,
        labels,
        createdAtUnknown: contentType(request) === 'text/vtt' && options.createdAt === undefined,
      });
    },

    async examples(datasetId, viewer, request, query) {
      requireRole(viewer, 'EDITOR');
      const { autoValidate } = parseQuery(exampleQuery, query);
      requireReadable(request);
      if (!NDJSON_TYPES.has(contentType(request)))
        throw wrongType(contentType(request), 'application/x-ndjson');
      requireSizeWithin(request, maxBytes);
      const rows = readNdjson(bodyWithin(request, maxBytes));
      return services.examples.importExamples(viewer, datasetId, rows, {
        autoValidate: autoValidate === 'true',
      });
    },
  };
}

/** The parameters, each given once at most. Throws InvalidInputError, which also names what is no parameter. */
function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: URLSearchParams): z.output<Schema> {
  const known = Object.keys(schema.shape);
  const faults = [...new Set(query.keys())].flatMap((name) => {
    const field = `query.${name.slice(0, 40)}`;
    if (!known.includes(name))
      return [{ field, message: `is not a parameter; there are ${known.join(', ')}` }];
    return query.getAll(name).length > 1 ? [{ field, message: 'must be given once' }] : [];
  });
  if (faults.length > 0) throw new InvalidInputError(faults);
  return parseInput(schema, Object.fromEntries(query), 'query');
}

/** Bodies are read as they are, and as UTF-8, of which ASCII is a part. */
function requireReadable(request: IncomingMessage): void {
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity')
    throw unsupported(
      `The body must come without Content-Encoding, not with ${encoding.slice(0, 80)}; unpack it first.`,
    );
  const charset = charsetOf(request.headers['content-type'] ?? '');
  if (charset !== null && !CHARSETS.has(charset))
    throw unsupported(`The charset must be utf-8, not ${charset.slice(0, 80)}; convert the file first.`);
}

const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

function charsetOf(type: string): string | null {
  const found = /;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/i.exec(type);
  return found === null ? null : (found[1] ?? found[2] ?? '').toLowerCase();
}

/** Runs an import and answers with its report. */
export async function handleImport(
  work: () => Promise<ImportReport>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    respondJson(response, 200, await work());
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    // The rest of a file that is too large may be as long as it likes.
    if (error instanceof ImportTooLargeError)
      return respondAmidBody(request, response, 413, error.code, error.message);
    await drained(request);
    respondError(response, statusOf(error), error.code, error.message);
  } finally {
    // Whatever of the body was not read must not be taken for the next request.
    if (!request.readableEnded) request.resume();
  }
}

/** Reads the rest of the body and forgets it: many clients look for an answer only after they have sent everything. */
async function drained(request: IncomingMessage): Promise<void> {
  request.resume();
  await finished(request).catch(() => undefined); // The client is gone, and so is whoever wanted the answer.
}

function callRows(
  type: string,
  body: AsyncIterable<Uint8Array>,
  labels: SpeakerLabels,
  { filename, createdAt }: z.output<typeof callQuery>,
): AsyncIterable<RowRead> {
  if (NDJSON_TYPES.has(type)) return readNdjson(body);
  if (type === 'text/csv') return readCsv(body);
  if (type !== 'text/vtt') throw wrongType(type, CALL_TYPES);
  if (filename === undefined) {
    throw new InvalidInputError([
      {
        field: 'query.filename',
        message: 'must be given for WebVTT: its name without .vtt is the call’s sid',
      },
    ]);
  }
  return readVtt(body, {
    callSid: filename.replace(/^.*[/\\]/, '').replace(/\.vtt$/i, ''),
    reader: createSpeakerReader(labels),
    // The file itself does not say when the call was.
    details: { created_at: createdAt ?? new Date().toISOString() },
  });
}

function contentType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

class UnsupportedMediaTypeError extends ExpectedError {}

function unsupported(message: string): ExpectedError {
  return new UnsupportedMediaTypeError('UNSUPPORTED_MEDIA_TYPE', message);
}

function wrongType(came: string, wanted: string): ExpectedError {
  return unsupported(`The Content-Type must be ${wanted}, not ${came.slice(0, 80) || 'none'}.`);
}

function statusOf(error: ExpectedError): number {
  if (error instanceof ForbiddenError) return 403;
  if (error instanceof NotFoundError) return 404;
  return error instanceof UnsupportedMediaTypeError ? 415 : 400;
}
