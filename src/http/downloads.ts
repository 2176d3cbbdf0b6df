/** Serves the files of exports to whoever holds a signed link: whole, in part, or not at all when the client has it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import parseRange from 'range-parser';
import type { ExportPart } from '../generated/prisma/client.ts';
import { LINK_LIFETIME_SECONDS, type DownloadLinks } from '../services/downloadLinks.ts';
import { ExportTaintedError, NotFoundError } from '../services/errors.ts';
import type { ExportService } from '../services/export.ts';
import type { ByteRange } from '../services/exportStore/port.ts';
import { serverViewer } from '../services/viewer.ts';

export interface DownloadParams {
  tenantId: string;
  exportId: string;
  part: ExportPart;
}

export type DownloadHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: DownloadParams,
  query: URLSearchParams,
) => Promise<void>;

interface DownloadDeps {
  links: Pick<DownloadLinks, 'verify'>;
  exports: Pick<
    ExportService,
    'requireReady' | 'trainingFile' | 'validationFile' | 'piecesOf' | 'hasFile' | 'noteDownload'
  >;
}

/**
 * Answers `GET` and `HEAD` of `/exports/<tenantId>/<exportId>?expires=…&kid=…&signature=…`, and of the same with
 * `/validation` after the id; `params` are the decoded path
 * segments. Refusals are JSON, `{error: {code, message}}`: 403 for a link that was never good, 410 for an expired one
 * and for an export whose files were deleted with an erased caller,
 * 404, 405. Resolves when the answer is sent or the client is gone. Rejects on faults of ours: before anything is sent
 * (`response.headersSent` is false) when the database fails or the store has lost the file, else with the connection cut.
 */
export function createDownloadHandler({ links, exports }: DownloadDeps): DownloadHandler {
  return async (request, response, { tenantId, exportId, part }, query) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer'); // The address is the right to download.
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return refuse(response, 405, 'METHOD_NOT_ALLOWED', 'Only GET and HEAD are served here.');
    }
    const [expires, kid, signature] = [query.get('expires'), query.get('kid'), query.get('signature')];
    const verdict = links.verify({ tenantId, exportId, part, expires, kid, signature });
    if (verdict === 'INVALID') {
      const message = 'The signature does not fit the link. Use the whole downloadUrl, unchanged.';
      return refuse(response, 403, 'INVALID_LINK', message);
    }
    if (verdict === 'EXPIRED') {
      const message = "The link has expired. Ask for the export's downloadUrl again; the file is the same.";
      return refuse(response, 410, 'LINK_EXPIRED', message);
    }
    const viewer = { ...serverViewer(tenantId, 'download link'), ...addressOf(request) };
    let found: Awaited<ReturnType<ExportService['requireReady']>>;
    try {
      found = await exports.requireReady(viewer, exportId);
    } catch (error) {
      if (error instanceof ExportTaintedError) return refuse(response, 410, error.code, error.message);
      if (error instanceof NotFoundError) return refuse(response, 404, error.code, error.message);
      throw error;
    }

    const file = part === 'TRAINING' ? exports.trainingFile(found) : exports.validationFile(found);
    if (file === null) {
      return refuse(response, 404, 'NOT_FOUND', 'The export has no validation file: it was not split.');
    }

    const size = file.bytes;
    const etag = `"${file.sha256}"`;
    response.setHeader('ETag', etag);
    // No longer than the link: what a browser keeps should not outlive the right to have it by much.
    response.setHeader('Cache-Control', `private, max-age=${LINK_LIFETIME_SECONDS}`);
    response.setHeader('Accept-Ranges', 'bytes');
    if (matchesAny(request.headers['if-none-match'], etag)) {
      response.writeHead(304).end();
      return;
    }
    const wanted = request.method === 'GET' ? wantedRange(request, etag, size) : null;
    if (wanted === 'UNSATISFIABLE') {
      response.setHeader('Content-Range', `bytes */${size}`);
      return refuse(response, 416, 'RANGE_NOT_SATISFIABLE', `The file has ${size} bytes, counted from 0.`);
    }
    if (!(await exports.hasFile(file))) {
      response.removeHeader('ETag');
      response.setHeader('Cache-Control', 'no-store');
      throw new Error(`The file of export ${exportId} is missing from the store, or is not whole`);
    }
    // The rest of one that broke off is the same download.
    if (request.method === 'GET' && (wanted === null || wanted.start === 0))
      await exports.noteDownload(viewer, found, part);
    response.setHeader('Content-Type', file.contentType);
    response.setHeader('Content-Disposition', attachment(found.dataset.name, part, file.extension));
    response.setHeader('Content-Length', wanted ? wanted.end - wanted.start + 1 : size);
    if (wanted) response.setHeader('Content-Range', `bytes ${wanted.start}-${wanted.end}/${size}`);
    response.writeHead(wanted ? 206 : 200);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    if (response.destroyed) return; // The client left while the store was asked.
    await send(exports.piecesOf(file, wanted ?? undefined), response);
  };
}

/** Each piece is sent before the next is asked for. Whichever side fails, no file stays open, no answer ends as if it were whole. */
async function send(pieces: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  try {
    for await (const piece of pieces) if (!(await isSent(piece, response))) return;
  } catch (error) {
    response.destroy();
    throw error;
  }
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(resolve);
  });
}

/** Resolves when nobody needs the piece any more: to whether it went on its way, or the client is gone. */
function isSent(piece: Buffer, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      resolve(!error);
    });
  });
}

function addressOf({ socket: { remoteAddress: address } }: IncomingMessage): { address?: string } {
  return address === undefined ? {} : { address };
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ error: { code, message } });
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status).end(body); // For HEAD, Node leaves out the body.
}

/** Whether an If-None-Match header names the file; weak tags count, since the comparison is for caches. */
function matchesAny(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/** The one part that the request asks for; null when the whole file is to be sent. */
function wantedRange(
  { headers }: IncomingMessage,
  etag: string,
  size: number,
): ByteRange | 'UNSATISFIABLE' | null {
  if (headers.range === undefined) return null;
  // If-Range wants a strong comparison. A date never fits, as no Last-Modified is sent.
  if (headers['if-range'] !== undefined && headers['if-range'] !== etag) return null;
  if (!/^bytes=/i.test(headers.range)) return null;
  // The last 500 bytes of 300 are all 300 (RFC 9110, 14.1.2); range-parser would refuse them.
  const last = /^bytes=\s*-(\d+)\s*$/i.exec(headers.range)?.[1];
  const ranges = parseRange(
    size,
    last === undefined ? headers.range : `bytes=-${Math.min(Number(last), size)}`,
  );
  if (ranges === -1) return 'UNSATISFIABLE';
  const [first, ...others] = ranges === -2 ? [] : ranges;
  return first && others.length === 0 ? { start: first.start, end: first.end } : null;
}

/** A Content-Disposition that saves the file under the dataset's name, whatever characters that holds (RFC 6266, 5987). */
function attachment(datasetName: string, part: ExportPart, extension: string): string {
  const name = datasetName.toWellFormed().replace(/[\p{Cc}\u2028\u2029<>:"/\\|?*]/gu, '_');
  const fileName = `${name.replace(/^\.+/, '_')}${part === 'VALIDATION' ? '-validation' : ''}.${extension}`;
  // A percent sign makes some browsers decode the plain form.
  const ascii = fileName.replace(/[^\u0020-\u007e]|%/gu, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
