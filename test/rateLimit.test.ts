/** How many requests each may send in a minute. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRateLimit, RateLimitedError } from '../src/http/limits/rateLimit.ts';
import { send } from './support/rawHttp.ts';
import { openRawSocket } from './support/rawSocket.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { requestsPerMinute: 2 } });
});
afterAll(() => server.close());

test('past the limit it is 429 with the time to wait, over WebSocket too; others are served', async () => {
  const [client, other] = await Promise.all([server.asNewTenant(), server.asNewTenant()]);
  const ask = ({ headers }: typeof client) =>
    send(`${server.url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
  expect((await ask(client)).status).toBe(200);
  expect((await ask(client)).status).toBe(200);
  const refused = await ask(client);
  expect(refused).toMatchObject({
    status: 429,
    body: expect.stringContaining('"extensions":{"code":"RATE_LIMITED"}'),
  });
  expect(refused.body).toContain('RATE_LIMIT_PER_MINUTE');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(30);

  const raw = await openRawSocket(server.url, client.headers);
  const answered = new Promise<string>((resolve) => {
    raw.socket.on('message', (data: Buffer) => resolve(data.toString()));
  });
  raw.subscribe('one', '{ __typename }');
  expect(await answered).toContain('RATE_LIMITED');
  expect(raw.socket.readyState).toBe(raw.socket.OPEN);
  raw.socket.terminate();

  expect((await ask(other)).status).toBe(200);
});

test('what was taken comes back evenly, and never more than a minute’s worth', () => {
  let now = 0;
  const limit = createRateLimit(60, () => now);
  const viewer = { tenantId: 't', subject: 's' };
  const taken = () => {
    for (let count = 0; ; count++) {
      try {
        limit.take(viewer);
      } catch (error) {
        if (!(error instanceof RateLimitedError) || error.seconds !== 1) throw error;
        return count;
      }
    }
  };
  expect(taken()).toBe(60);
  now += 10_000;
  expect(taken()).toBe(10);
  now += 3_600_000;
  expect(taken()).toBe(60);
});
