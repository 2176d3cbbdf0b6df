import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderError } from '../../src/services/errors.ts';
import { createOpenAiProvider } from '../../src/services/providers/openai.ts';
import type { Provider } from '../../src/services/providers/port.ts';
import { addressOf, json, startRecordingServer, type RecordingServer } from './recordingServer.ts';

const NEVER = new AbortController().signal;
const made = {
  object: 'file',
  id: 'file-1',
  filename: 'a.jsonl',
  bytes: 6,
  purpose: 'fine-tune',
  created_at: 1,
};

const connect = (baseURL: string): Provider =>
  createOpenAiProvider({ name: 'openai', description: 'a test', apiKey: 'sk-test', baseURL });

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

const sixBytes = () => Readable.from([Buffer.alloc(6)]);

async function* brokenFile() {
  yield Buffer.from('12');
  throw Object.assign(new Error('disk'), { code: 'EIO' });
}

describe('uploadFile', () => {
  let server: RecordingServer;
  let provider: Provider;

  beforeEach(async () => {
    server = await startRecordingServer();
    provider = connect(server.url);
    server.answer = (_request, response) => json(response, 200, made);
  });
  afterEach(() => server.close());

  test('sends the form whole, with its length', async () => {
    let opened = 0;
    const open = () => {
      opened += 1;
      return Readable.from([Buffer.from('{"a"'), Buffer.from(':1}\u00e9')], { objectMode: false });
    };
    const bytes = Buffer.byteLength('{"a":1}\u00e9');
    const name = 'caf\u00e9 "a"\r\nb.jsonl';
    const file = await provider.uploadFile({ name, bytes, open, signal: NEVER });
    expect(file).toEqual({ id: 'file-1', name: 'a.jsonl', bytes: 6 });
    expect(opened).toBe(1);

    const [request] = server.requests;
    expect(server.requests).toHaveLength(1);
    expect(request?.headers['transfer-encoding']).toBeUndefined();
    expect(request?.headers['content-length']).toBe(String(request?.body.length));
    // Read by undici's parser, which is not ours.
    const form = await new Response(request && new Uint8Array(request.body), {
      headers: { 'content-type': request?.headers['content-type'] ?? '' },
    }).formData();
    expect([...form.keys()]).toEqual(['purpose', 'file']);
    expect(form.get('purpose')).toBe('fine-tune');
    const sent = form.get('file');
    if (!(sent instanceof File)) throw new Error('The form holds no file');
    expect(sent.name).toBe(name);
    expect(await sent.text()).toBe('{"a":1}\u00e9');
  });

  test.each([500, 409, 429])('sends one request when HTTP %i is the answer', async (status) => {
    server.answer = (_request, response) => json(response, status, { error: { message: 'no' } });
    const error = await failureOf(
      provider.uploadFile({ name: 'a.jsonl', bytes: 6, open: sixBytes, signal: NEVER }),
    );
    expect(error).toBeInstanceOf(ProviderError);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['too few', 7],
    ['too many', 5],
  ])('a file of %s bytes is never sent as if it were whole, and is our fault', async (_what, bytes) => {
    const source = Readable.from([Buffer.from('123456')]);
    const error = await failureOf(
      provider.uploadFile({ name: 'a.jsonl', bytes, open: () => source, signal: NEVER }),
    );
    expect(error).not.toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ message: expect.stringContaining(`${bytes} bytes`) });
    expect(server.requests).toHaveLength(0);
    expect(source.destroyed).toBe(true);
  });

  test.each([
    ['cannot be opened', () => createReadStream('/nowhere/a.jsonl')],
    ['breaks off', () => Readable.from(brokenFile())],
  ])('a file that %s is not told as the provider being out of reach', async (_what, open) => {
    const error = await failureOf(provider.uploadFile({ name: 'a.jsonl', bytes: 6, open, signal: NEVER }));
    expect(error).not.toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(ENOENT|EIO)$/) });
  });

  test('an abort lets go of the file', async () => {
    const controller = new AbortController();
    const source = new Readable({
      read() {
        // Never a byte: a disk that hangs.
        setTimeout(() => controller.abort(), 50);
      },
    });
    const error = await failureOf(
      provider.uploadFile({ name: 'a.jsonl', bytes: 6, open: () => source, signal: controller.signal }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    expect(source.destroyed).toBe(true);
  });

  test('nobody listening leaves the file closed', async () => {
    await server.close();
    let opened = 0;
    const open = () => {
      opened += 1;
      return Readable.from([]);
    };
    const error = await failureOf(provider.uploadFile({ name: 'a.jsonl', bytes: 6, open, signal: NEVER }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    expect(opened).toBe(0);
    server = await startRecordingServer();
  });
});

const BYTES = 300 * 1024 * 1024;

/** 300 MB, made as they are read, so that nothing but the upload can hold them. */
function bigFile(): Readable {
  let left = BYTES;
  return new Readable({
    read(size) {
      const next = Math.min(left, size, 65_536);
      left -= next;
      this.push(next === 0 ? null : Buffer.alloc(next, 'x'));
    },
  });
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** What is held, in bytes: what could be let go of does not count. */
function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('300 MB are uploaded in flat memory', { timeout: 60_000 }, async () => {
  let received = 0;
  let peak = 0;
  let declared = '';
  const server = createServer((request, response) => {
    declared = request.headers['content-length'] ?? '';
    request.on('data', (chunk: Buffer) => {
      // Measured every 16 MB: collecting takes time.
      if (Math.floor(received / 16e6) !== Math.floor((received + chunk.length) / 16e6))
        peak = Math.max(peak, memory());
      received += chunk.length;
    });
    request.on('end', () => json(response, 200, { ...made, bytes: BYTES }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const provider = connect(`${addressOf(server.address())}/v1`);
    const before = memory();
    await provider.uploadFile({ name: 'big.jsonl', bytes: BYTES, open: bigFile, signal: NEVER });
    expect(received).toBeGreaterThan(BYTES);
    expect(declared).toBe(String(received));
    expect(peak - before).toBeLessThan(64e6);
  } finally {
    server.close();
  }
});

test('a refusal while the upload is still going on is told as what it is', async () => {
  const server = createServer((_request, response) => {
    json(
      response,
      401,
      { error: { message: 'Incorrect API key', code: 'invalid_api_key' } },
      { connection: 'close' },
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const source = bigFile();
    const provider = connect(`${addressOf(server.address())}/v1`);
    const error = await failureOf(
      provider.uploadFile({ name: 'big.jsonl', bytes: BYTES, open: () => source, signal: NEVER }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNAUTHORIZED' });
    expect(source.destroyed).toBe(true);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
