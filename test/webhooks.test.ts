/** Webhooks over real HTTP with real signatures: they make the poller look at once, and are believed in nothing else. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createOpenAiProvider } from '../src/services/providers/openai.ts';
import type { Provider } from '../src/services/providers/port.ts';
import type { TestServer } from './support/server.ts';
import { gate, gone, lost, standIn, type StandIn } from './support/standIn.ts';
import {
  now,
  ONLY_WEBHOOKS,
  postWebhook,
  readWebhook,
  RECEIVED,
  refused,
  runWithJob,
  SECRET,
  signature,
  type Signing,
  type Told,
} from './support/webhooks.ts';
import { serverWith, setUpWorkshop } from './support/workshop.ts';

setUpWorkshop();

let provider: StandIn;
let server: TestServer;
let told: Told;

/** Starts a server with a run of which the provider has a job. */
async function start(replaced: Partial<Provider> = {}) {
  provider = standIn(() => ({ readWebhook, ...replaced }), 'openai');
  server = await serverWith(provider, ONLY_WEBHOOKS);
  told = await runWithJob(server, provider);
}

const post = (body: string, signing?: Signing) => postWebhook(server.url, body, signing);
const event = (type?: string, data?: unknown) => told.event(type, data);

describe('a webhook makes the poller look at once', () => {
  beforeEach(() => start());

  test('and what the provider says then is what holds', async () => {
    provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1_000 });
    expect(await post(event())).toEqual(RECEIVED);
    await expect.poll(told.status).toBe('SUCCEEDED');
  });

  test('its own words are not believed', async () => {
    provider.set({ status: 'RUNNING' });
    expect(await post(event('fine_tuning.job.failed', { id: told.jobId, status: 'failed' }))).toEqual(
      RECEIVED,
    );
    await expect.poll(told.status).toBe('RUNNING');
  });

  test('with several signatures, of which one is right, as while a secret is changed', async () => {
    provider.set({ status: 'CANCELLED' });
    const body = event('fine_tuning.job.cancelled');
    const other = signature(body, 'wh_1', now(), randomBytes(24));
    const signatures = `${other} ${signature(body, 'wh_1', now())}`;
    expect(await post(body, { headers: { 'webhook-id': 'wh_1', 'webhook-signature': signatures } })).toEqual(
      RECEIVED,
    );
    await expect.poll(told.status).toBe('CANCELLED');
  });

  test('which is answered before the look is over, and looked at once however often it is told', async () => {
    const held = gate();
    await server.close();
    await start({
      async getJob(job) {
        await held.opened;
        return provider.jobs.find((one) => one.id === job) ?? Promise.reject(gone());
      },
    });
    provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1_000 });
    for (let n = 0; n < 5; n += 1) expect(await post(event())).toEqual(RECEIVED);
    expect(await told.status()).toBe('QUEUED');
    held.open();
    await expect.poll(told.status).toBe('SUCCEEDED');
    expect(told.looks()).toBeLessThanOrEqual(2);
  });

  test('a look that fails is logged, and answered all the same', async () => {
    provider.getJob = async () => {
      throw lost();
    };
    expect(await post(event())).toEqual(RECEIVED);
    await expect.poll(() => server.logged.some((line) => line.includes('PROVIDER_UNREACHABLE'))).toBe(true);
    expect(await told.status()).toBe('QUEUED');
  });
});

test('without a secret there is nothing to receive', async () => {
  server = await serverWith(standIn(() => ({}), 'openai'));
  expect(await post('{}')).toMatchObject(refused('WEBHOOK_NOT_SET_UP', 404));
});

test('the provider takes webhooks exactly when it knows their secret', () => {
  const options = { name: 'openai', description: '', apiKey: 'none' } as const;
  expect(createOpenAiProvider(options).readWebhook).toBeUndefined();
  expect(createOpenAiProvider({ ...options, webhookSecret: SECRET }).readWebhook).toBeTypeOf('function');
});
