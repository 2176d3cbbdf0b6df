import { createReadStream } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { ApiError, ok, page, type Call, type Reply } from './http.ts';
import { newId } from './ids.ts';
import { boundaryOf, MultipartError, parseMultipart } from './multipart.ts';
import type { Store } from './store.ts';

/** The provider's limit on one file, in bytes. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** A form field that is no file cannot be longer than this. */
const MAX_FIELD_BYTES = 64 * 1024;

const storedFile = z.object({
  order: z.number(),
  file: z.object({
    object: z.literal('file'),
    id: z.string(),
    purpose: z.enum(['fine-tune', 'fine-tune-results']),
    filename: z.string(),
    bytes: z.number(),
    created_at: z.number(),
    expires_at: z.number().nullable(),
    status: z.literal('processed'),
    status_details: z.null(),
  }),
});
type StoredFile = z.infer<typeof storedFile>;
/** A file as the API shows it; times are Unix seconds. */
export type FileObject = StoredFile['file'];

/** The files of the sandbox: what was uploaded, and the results jobs leave. */
export interface FileShelf {
  upload: (call: Call) => Promise<Reply>;
  list: (call: Call) => Reply;
  get: (call: Call) => Reply;
  content: (call: Call) => Reply;
  remove: (call: Call) => Promise<Reply>;
  /** A file that is there and has not expired. */
  find(id: string): FileObject | undefined;
  /** Where its bytes are. */
  pathOf(id: string): string;
  /** Puts a file on the shelf that the sandbox itself made; the same id again replaces it. */
  put(id: string, filename: string, content: string): Promise<void>;
}

/** Opens the shelf on what the store holds, and clears away uploads that a crash cut off. */
export async function openFiles(store: Store, now: () => number): Promise<FileShelf> {
  const shelf = new Map<string, StoredFile>();
  for (const value of await store.readAllJson('files')) {
    const stored = storedFile.parse(value);
    shelf.set(stored.file.id, stored);
  }
  await store.sweep('files', (name) => shelf.has(name.replace(/\.(json|bin)$/, '')));
  let lastOrder = Math.max(0, ...[...shelf.values()].map((stored) => stored.order));

  const seconds = () => Math.floor(now() / 1000);
  const pathOf = (id: string) => store.path('files', `${id}.bin`);

  function find(id: string): FileObject | undefined {
    const file = shelf.get(id)?.file;
    if (file === undefined) return undefined;
    const expired = file.expires_at !== null && file.expires_at <= seconds();
    return expired ? undefined : file;
  }

  function need(id: string): FileObject {
    const file = find(id);
    if (file === undefined) throw new ApiError(404, `No such File object: ${id}`, { param: 'id' });
    return file;
  }

  async function add(file: FileObject): Promise<void> {
    lastOrder += 1;
    const stored = { order: lastOrder, file };
    await store.writeJson('files', `${file.id}.json`, stored);
    shelf.set(file.id, stored);
  }

  async function upload(call: Call): Promise<Reply> {
    const id = newId('file-');
    const part = store.path('files', `${id}.part`);
    try {
      const form = await receive(call, part);
      const { purpose, expiresAfter, filename } = checkForm(form);
      await rename(part, pathOf(id));
      const created_at = seconds();
      const expires_at = expiresAfter === undefined ? null : created_at + expiresAfter;
      const file: FileObject = {
        object: 'file',
        id,
        purpose,
        filename,
        bytes: form.bytes,
        created_at,
        expires_at,
        status: 'processed',
        status_details: null,
      };
      await add(file);
      return ok(file);
    } catch (error) {
      await store.remove('files', `${id}.part`);
      throw error;
    }
  }

  return {
    upload,
    find,
    pathOf,
    list({ query }) {
      const purpose = query.get('purpose');
      const oldestFirst = query.get('order') === 'asc';
      const files = [...shelf.values()]
        .filter(({ file }) => find(file.id) !== undefined && (purpose === null || file.purpose === purpose))
        .toSorted((a, b) => (oldestFirst ? a.order - b.order : b.order - a.order))
        .map(({ file }) => file);
      return page(files, query, { byDefault: 10_000, max: 10_000 });
    },
    get: ({ id }) => ok(need(id)),
    content({ id }) {
      const file = need(id);
      return { kind: 'bytes', bytes: createReadStream(pathOf(id)), length: file.bytes };
    },
    async remove({ id }) {
      need(id);
      // The record goes first: bytes without a record are swept at the next start, a record without bytes would lie.
      await store.remove('files', `${id}.json`);
      shelf.delete(id);
      await store.remove('files', `${id}.bin`);
      return ok({ object: 'file', id, deleted: true });
    },
    async put(id, filename, content) {
      const bytes = Buffer.from(content);
      const part = store.path('files', `${id}.part`);
      await writeFile(part, bytes);
      await rename(part, pathOf(id));
      await add({
        object: 'file',
        id,
        purpose: 'fine-tune-results',
        filename,
        bytes: bytes.length,
        created_at: seconds(),
        expires_at: null,
        status: 'processed',
        status_details: null,
      });
    },
  };
}

interface Form {
  fields: Map<string, string>;
  filename: string | undefined;
  bytes: number;
}

/** Streams the form's file to `target`, one chunk at a time, and collects its other fields. */
async function receive(call: Call, target: string): Promise<Form> {
  const boundary = boundaryOf(call.request.headers['content-type']);
  if (boundary === undefined) {
    throw new ApiError(400, "Expected a multipart/form-data request with a 'file'.", { param: 'file' });
  }
  const declared = Number(call.request.headers['content-length'] ?? 0);
  if (declared > MAX_FILE_BYTES + MAX_FIELD_BYTES) throw tooLarge(declared);

  const form: Form = { fields: new Map(), filename: undefined, bytes: 0 };
  const handle = await open(target, 'w');
  try {
    let field = '';
    // Reading on through an iterator that leaves the request open lets an error be answered before the upload ends.
    const body = call.request.iterator({ destroyOnReturn: false });
    for await (const event of parseMultipart(body, boundary)) {
      if (event.kind === 'part') {
        field = event.name;
        if (field === 'file') form.filename = event.filename ?? '';
        else form.fields.set(field, '');
      } else if (event.kind === 'data' && field === 'file') {
        form.bytes += event.bytes.length;
        if (form.bytes > MAX_FILE_BYTES) throw tooLarge(form.bytes);
        await handle.writeFile(event.bytes);
      } else if (event.kind === 'data') {
        const text = (form.fields.get(field) ?? '') + event.bytes.toString('utf8');
        if (text.length > MAX_FIELD_BYTES)
          throw new ApiError(400, `Invalid '${field}': too long.`, { param: field });
        form.fields.set(field, text);
      }
    }
  } catch (error) {
    if (error instanceof MultipartError)
      throw new ApiError(400, `Could not parse multipart form: ${error.message}`);
    throw error;
  } finally {
    await handle.close();
  }
  return form;
}

function tooLarge(bytes: number): ApiError {
  return new ApiError(413, `Maximum content size limit (${MAX_FILE_BYTES}) exceeded (${bytes} bytes read)`, {
    param: 'file',
  });
}

/** Judges the fields as the provider does; `expiresAfter` is in seconds. */
function checkForm(form: Form): { purpose: 'fine-tune'; expiresAfter: number | undefined; filename: string } {
  if (form.filename === undefined) {
    throw new ApiError(400, "Missing required parameter: 'file'.", {
      param: 'file',
      code: 'missing_required_parameter',
    });
  }
  const purpose = form.fields.get('purpose');
  if (purpose === undefined) {
    throw new ApiError(400, "Missing required parameter: 'purpose'.", {
      param: 'purpose',
      code: 'missing_required_parameter',
    });
  }
  if (purpose !== 'fine-tune') {
    throw new ApiError(400, `Invalid value: '${purpose}'. Supported values are: 'fine-tune'.`, {
      param: 'purpose',
      code: 'invalid_value',
    });
  }
  if (!form.filename.endsWith('.jsonl')) {
    throw new ApiError(400, 'Invalid file format for Fine-Tuning API. Must be .jsonl', { param: 'file' });
  }
  if (form.bytes === 0) throw new ApiError(400, 'File is empty.', { param: 'file' });
  return { purpose, filename: form.filename, expiresAfter: checkExpiry(form.fields) };
}

function checkExpiry(fields: Map<string, string>): number | undefined {
  const anchor = fields.get('expires_after[anchor]');
  const seconds = fields.get('expires_after[seconds]');
  if (anchor === undefined && seconds === undefined) return undefined;
  if (anchor !== 'created_at') {
    throw new ApiError(400, `Invalid value: '${anchor ?? ''}'. Supported values are: 'created_at'.`, {
      param: 'expires_after.anchor',
      code: 'invalid_value',
    });
  }
  const value = Number(seconds);
  if (!Number.isInteger(value) || value < 3600 || value > 2_592_000) {
    throw new ApiError(400, "Invalid 'expires_after.seconds': expected an integer from 3600 to 2592000.", {
      param: 'expires_after.seconds',
      code: 'invalid_value',
    });
  }
  return value;
}
