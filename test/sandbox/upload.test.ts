import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { sandboxed } from './support.ts';

const MB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** What is alive, in MB: collected first, so that garbage does not count. */
function alive(): number {
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
}

/** Posts a form whose file has `megabytes`, one at a time, calling `look` after each. */
async function post(
  url: string,
  megabytes: number,
  look: () => void,
): Promise<{ status: number; body: string }> {
  const boundary = 'the-boundary';
  const head = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
  const megabyte = Buffer.alloc(MB, `${'x'.repeat(1023)}\n`);
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/files`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer sandbox',
        'content-type': `multipart/form-data; boundary=${boundary}`,
      },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    let left = megabytes;
    const next = () => {
      look();
      if (left === 0) {
        sent.end(`\r\n--${boundary}--\r\n`);
        return;
      }
      left -= 1;
      sent.write(megabyte, next);
    };
    sent.write(`${head('purpose')}\r\n\r\nfine-tune\r\n${head('file')}; filename="big.jsonl"\r\n\r\n`, next);
  });
}

describe('a large upload', () => {
  test('of 30 MB goes to disk, not to memory', async () => {
    const { sandbox, client } = await sandboxed();
    await post(sandbox.url, 1, () => undefined);
    const before = alive();
    let peak = 0;
    const { status, body } = await post(sandbox.url, 30, () => {
      peak = Math.max(peak, alive());
    });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ bytes: 30 * MB });
    // What is under way (socket buffers, a chunk, the megabyte being sent) is a few MB; collecting the file is 30.
    expect(peak - before).toBeLessThan(10);
    expect((await client.files.list()).data.map((file) => file.bytes)).toEqual([30 * MB, MB]);
  });

  test('is refused by its declared length before it is sent', async () => {
    const { sandbox, client } = await sandboxed();
    const response = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const sent = request(`${sandbox.url}/files`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer sandbox',
          'content-type': 'multipart/form-data; boundary=x',
          'content-length': 600 * MB,
        },
      });
      sent.on('error', reject);
      sent.on('response', (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('end', () => {
          resolve({ status: answer.statusCode, body });
          sent.destroy();
        });
      });
      sent.flushHeaders();
    });
    expect(response.status).toBe(413);
    expect(JSON.parse(response.body)).toMatchObject({
      error: { param: 'file', type: 'invalid_request_error' },
    });
    expect((await client.files.list()).data).toEqual([]);
  });
});
