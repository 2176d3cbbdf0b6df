/** By which names the server may be called, and from which sites' pages, where the configuration says more than loopback. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';
import { send } from './support/rawHttp.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const SITE = 'https://app.example.com';
const TOKEN = 'a token of 24 characters';
const CALLS = '/import/call-transcriptions';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    metricsToken: TOKEN,
    origins: {
      publicUrl: 'https://tunesmith.example.com',
      hosts: ['Inside.Example', '10.0.0.5'],
      corsOrigins: [SITE],
    },
  });
});
afterAll(() => server.close());

const ASKED = '/graphql?query=%7B__typename%7D';
const get = (headers: Record<string, string>, path = ASKED) =>
  send(`${server.url}${path}`, { headers: { accept: 'application/json', ...headers } });
const upgrade = (headers: Record<string, string>) =>
  send(`${server.url}/graphql`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'graphql-transport-ws',
      ...headers,
    },
  });

describe('called', () => {
  test.each([
    'tunesmith.example.com',
    'TUNESMITH.example.com:443',
    'inside.example:8080',
    '10.0.0.5:4000',
    'localhost',
  ])('%s, it answers', async (host) => {
    expect((await get({ host })).status).toBe(200);
    expect((await upgrade({ host })).status).toBe(101);
  });
  test.each(['evil.example', 'example.com', 'tunesmith.example.com.evil.example', '10.0.0.50'])(
    '%s, it refuses and says what to set',
    async (host) => {
      const answer = await get({ host });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('ALLOWED_HOSTS');
      expect((await upgrade({ host })).status).toBe(403);
    },
  );

  test.each(['10.244.0.7:4000', 'evil.example'])('%s, probes are answered', async (host) => {
    for (const path of ['/health/live', '/health/ready']) {
      expect((await get({ host }, path)).status, path).toBe(200);
    }
    expect((await get({ host, authorization: `Bearer ${TOKEN}` }, '/metrics')).status).toBe(200);
    expect((await get({ host }, '/metrics')).status).toBe(401);
    for (const path of ['/', '/exports/1/2', '/health', '/metrics/more', CALLS]) {
      expect((await get({ host }, path)).status, path).toBe(403);
    }
  });
});

test('metrics that need no token are not told under a foreign name', async () => {
  const open = await startTestServer();
  const ask = (host: string) => send(`${open.url}/metrics`, { headers: { host } });
  expect((await ask('localhost')).status).toBe(200);
  expect((await ask('evil.example')).status).toBe(403);
  await open.close();
});

describe('from a page', () => {
  test('of a site that is listed, the answer may be read and sockets opened', async () => {
    const answer = await get({ origin: SITE });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-origin': SITE, vary: 'Origin' },
    });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect((await upgrade({ origin: SITE })).status).toBe(101);
  });

  test('a preflight is answered before anybody has to sign in', async () => {
    const answer = await send(`${server.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: SITE, 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': SITE,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': expect.stringContaining('Authorization'),
    });
  });

  test('of our own behind a proxy that changes Host, it is served', async () => {
    expect((await get({ origin: 'https://tunesmith.example.com' })).status).toBe(200);
  });

  test.each(['https://app.example.com.evil.example', 'http://app.example.com', `${SITE}:8443`, 'null'])(
    'of %s, nothing is told',
    async (origin) => {
      const answer = await get({ origin });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('CORS_ORIGINS');
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect((await upgrade({ origin })).status).toBe(403);
      const preflight = await send(`${server.url}/graphql`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect(preflight.status).toBe(403);
    },
  );
});

test('where clients come over https, browsers are told to stay there', async () => {
  expect((await get({})).headers['strict-transport-security']).toBe('max-age=31536000');
});

test.each([{ CORS_ORIGINS: '*' }, { CORS_ORIGINS: 'https://a.example/' }, { ALLOWED_HOSTS: 'a.example:80' }])(
  'the configuration refuses %j',
  (environment) => {
    expect(() => readConfig(environment)).toThrow(ConfigError);
  },
);
