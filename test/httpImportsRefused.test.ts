/** What the import routes refuse: other methods, other types, wrong query values. */
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { call, importCalls, newDataset, post } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const path = '/import/call-transcriptions';
const line = JSON.stringify(call('CA1', ['agent: Hello']));
const vtt = 'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hello';

let client: TestClient;
let dataset = '';
beforeAll(async () => {
  client = await newTenant();
  dataset = `/import/examples/${encodeURIComponent(await newDataset(client))}`;
});

async function refusalOf(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

const refusal = (status: number, code: string, about = '') => ({
  status,
  code,
  message: expect.stringContaining(about),
});

test.each([
  '',
  'text/plain',
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/csvx',
])('the content type "%s" is answered with 415', async (type) => {
  expect(await refusalOf(await post(client, path, type, line))).toEqual(
    refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'text/csv'),
  );
  expect(await refusalOf(await post(client, dataset, type, line))).toEqual(
    refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'application/x-ndjson'),
  );
});

test('a long body of a wrong type is answered too', async () => {
  expect(await refusalOf(await post(client, path, 'text/plain', 'x'.repeat(20_000_000)))).toEqual(
    refusal(415, 'UNSUPPORTED_MEDIA_TYPE'),
  );
  expect(await importCalls(client, [call('after')])).toMatchObject({ received: 1, rejected: 0 });
});

test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('%s is answered with 405', async (method) => {
  for (const route of [path, dataset]) {
    const response = await client.fetch(route, { method });
    expect(response.headers.get('allow')).toBe('POST');
    expect(await refusalOf(response)).toEqual(refusal(405, 'METHOD_NOT_ALLOWED'));
  }
});

test.each(['', ' ', '2', '-0.1', '1.01', 'NaN', 'high', '0x1', '1e-1', 'Infinity', '0,5'])(
  'the confidence "%s" is answered with 400',
  async (confidence) => {
    const response = await post(
      client,
      `${path}?confidence=${encodeURIComponent(confidence)}`,
      'application/x-ndjson',
      line,
    );
    expect(await refusalOf(response)).toEqual(refusal(400, 'INVALID_INPUT', 'query.confidence'));
  },
);

test.each(['0', '1', '0.5', '.5', '1.0', '0.875'])('the confidence "%s" is taken', async (confidence) => {
  expect((await post(client, `${path}?confidence=${confidence}`, 'application/x-ndjson', line)).status).toBe(
    200,
  );
});

test.each([
  ['a label of both sides', 'agentLabels=Customer', 'query'],
  ['a label with a colon', 'callerLabels=a:b', 'query'],
])('%s is answered with 400, whatever the type', async (_name, query, about) => {
  for (const [type, body] of [
    ['application/x-ndjson', line],
    ['text/csv', 'x'],
    ['text/vtt', vtt],
  ] as const) {
    expect(await refusalOf(await post(client, `${path}?filename=x&${query}`, type, body))).toEqual(
      refusal(400, 'INVALID_INPUT', about),
    );
  }
});

test.each([
  ['no file name', '', 'query.filename'],
  ['an empty file name', 'filename=', 'query.filename'],
  ['a file name of 256 characters', `filename=${'x'.repeat(256)}`, 'query.filename'],
  ['a time that is none', 'filename=x&createdAt=yesterday', 'query.createdAt'],
])('a WebVTT with %s is answered with 400', async (_name, query, about) => {
  expect(await refusalOf(await post(client, `${path}?${query}`, 'text/vtt', vtt))).toEqual(
    refusal(400, 'INVALID_INPUT', about),
  );
});

test.each([
  ['confidnce=0.9', 'query.confidnce'],
  ['Confidence=0.9', 'query.Confidence'],
  ['autoValidate=true', 'query.autoValidate'],
  ['__proto__=1', 'query.__proto__'],
  ['confidence=0.9&confidence=0.8', 'query.confidence'],
])('calls with the parameters %s are answered with 400', async (query, about) => {
  const response = await post(client, `${path}?${query}`, 'application/x-ndjson', line);
  expect(await refusalOf(response)).toEqual(refusal(400, 'INVALID_INPUT', `${about}: `));
});

test('examples with a parameter that is none are answered with 400', async () => {
  const response = await post(client, `${dataset}?autovalidate=true`, 'application/x-ndjson', '{}');
  expect(await refusalOf(response)).toEqual(refusal(400, 'INVALID_INPUT', 'there are autoValidate'));
});

test.each(['gzip', 'br', 'identity, gzip', 'GZIP'])(
  'the Content-Encoding "%s" is answered with 415',
  async (encoding) => {
    for (const route of [path, dataset]) {
      const response = await client.fetch(route, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'content-encoding': encoding },
        body: gzipSync(line),
      });
      expect(await refusalOf(response)).toEqual(
        refusal(415, 'UNSUPPORTED_MEDIA_TYPE', encoding.toLowerCase()),
      );
    }
  },
);

test.each(['iso-8859-1', '"UTF-16"', 'windows-1252; header=present'])(
  'the charset %s is answered with 415',
  async (charset) => {
    for (const route of [path, dataset]) {
      const response = await post(client, route, `application/x-ndjson; charset=${charset}`, line);
      expect(await refusalOf(response)).toEqual(refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'utf-8'));
    }
  },
);

test.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8; header=present', 'US-ASCII'])(
  'the charset %s is taken, and the encoding identity',
  async (charset) => {
    const response = await client.fetch(path, {
      method: 'POST',
      headers: {
        'content-type': `application/x-ndjson; charset=${charset}`,
        'content-encoding': 'identity',
      },
      body: line,
    });
    expect(response.status).toBe(200);
  },
);

test('a wrong autoValidate is answered with 400', async () => {
  expect(
    await refusalOf(await post(client, `${dataset}?autoValidate=yes`, 'application/x-ndjson', '{}')),
  ).toEqual(refusal(400, 'INVALID_INPUT', 'query.autoValidate'));
});

test('paths that are none are answered with 404', async () => {
  for (const other of ['/import', '/import/examples', `${path}/more`, '/import/calls']) {
    expect(await refusalOf(await post(client, other, 'application/x-ndjson', line))).toEqual(
      refusal(404, 'NOT_FOUND'),
    );
  }
});

test.each(['VIEWER', 'REVIEWER'] as const)('a %s may not import', async (role) => {
  const reader = client.withRole(role);
  for (const route of [path, dataset]) {
    expect(await refusalOf(await post(reader, route, 'application/x-ndjson', line))).toEqual(
      refusal(403, 'FORBIDDEN', 'needs the role EDITOR'),
    );
  }
});
