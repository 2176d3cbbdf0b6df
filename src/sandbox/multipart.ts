/** What a multipart body is made of, in order: a part's head, its bytes in pieces of any size, its end. */
export type MultipartEvent =
  | { kind: 'part'; name: string; filename: string | undefined }
  | { kind: 'data'; bytes: Buffer }
  | { kind: 'end' };

/** A body that breaks the rules of multipart/form-data (RFC 7578). */
export class MultipartError extends Error {}

/** A part's headers larger than this are not a form's. */
const MAX_HEAD_BYTES = 16 * 1024;

/** The boundary named in a content-type header, or undefined when it is no multipart form. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(
    contentType ?? '',
  );
  return match?.[1] ?? match?.[2];
}

/**
 * Parses multipart/form-data as it arrives, holding no more than one chunk and the length of a boundary.
 * The boundary may fall anywhere across chunks. Throws MultipartError for a malformed or unfinished body.
 */
export async function* parseMultipart(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<MultipartEvent> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first boundary has no line end before it; lending it one lets one search serve for all.
  let held: Buffer = Buffer.from('\r\n');
  let state: 'preamble' | 'body' | 'boundary' | 'head' | 'done' = 'preamble';

  for await (const chunk of source) {
    if (state === 'done') continue; // what follows the last boundary means nothing, yet is to be read
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (state === 'preamble' || state === 'body') {
        const at = held.indexOf(delimiter);
        const safe = at === -1 ? Math.max(0, held.length - delimiter.length + 1) : at;
        if (state === 'body' && safe > 0) yield { kind: 'data', bytes: held.subarray(0, safe) };
        if (at === -1) {
          held = held.subarray(safe);
          break;
        }
        if (state === 'body') yield { kind: 'end' };
        held = held.subarray(at + delimiter.length);
        state = 'boundary';
      } else if (state === 'boundary') {
        if (held.length < 2) break;
        if (held[0] === 0x2d && held[1] === 0x2d) {
          state = 'done';
          break;
        }
        const lineEnd = held.indexOf('\r\n');
        if (!/^[ \t]*$/.test(held.toString('latin1', 0, lineEnd === -1 ? held.length - 1 : lineEnd))) {
          throw new MultipartError('A boundary is followed by neither a line end nor two dashes.');
        }
        if (lineEnd === -1 && held.length > MAX_HEAD_BYTES)
          throw new MultipartError('A boundary has no line end.');
        if (lineEnd === -1) break;
        // The line end stays, so that a head without a single header ends in an empty line as well.
        held = held.subarray(lineEnd);
        state = 'head';
      } else {
        const end = held.indexOf('\r\n\r\n');
        if (end === -1) {
          if (held.length > MAX_HEAD_BYTES) throw new MultipartError("A part's headers are too long.");
          break;
        }
        yield { kind: 'part', ...readHead(held.toString('utf8', 0, end)) };
        held = held.subarray(end + 4);
        state = 'body';
      }
    }
  }
  if (state !== 'done') throw new MultipartError('The body ends before its last boundary.');
}

/** The field's name and, of a file, its name. Browsers and undici write quotes and line ends in names as %22, %0D and %0A. */
function readHead(head: string): { name: string; filename: string | undefined } {
  const disposition = head.split('\r\n').find((line) => /^content-disposition:/i.test(line)) ?? '';
  const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (name === undefined) throw new MultipartError('A part has no name.');
  const filename = /;\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1];
  return { name: unquote(name), filename: filename === undefined ? undefined : unquote(filename) };
}

function unquote(text: string): string {
  return text.replace(/%(22|0D|0A)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
