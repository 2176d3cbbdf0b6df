/** Webhooks over real HTTP with real signatures: they make the poller look at once, and are believed in nothing else. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import OpenAI from 'openai';
import { createOpenAiWebhookReader } from '../src/services/providers/openaiWebhook.ts';
import { createOpenAiProvider } from '../src/services/providers/openai.ts';
import type { Provider } from '../src/services/providers/port.ts';
import type { TestClient } from './support/client.ts';
import { send } from './support/rawHttp.ts';
import { launch, newDataset, readRun } from './support/runs.ts';
import type { TestServer } from './support/server.ts';
import { gate, gone, lost, standIn, type StandIn } from './support/standIn.ts';
import { serverWith, setUpWorkshop } from './support/workshop.ts';

const KEY = Buffer.from('a key of twenty-four byte');
const SECRET = `whsec_${KEY.toString('base64')}`;
const readWebhook = createOpenAiWebhookReader(
  new OpenAI({ apiKey: 'none', webhookSecret: null, logLevel: 'off' }),
  SECRET,
);
/** Never within a test: only a webhook makes the poller look. */
const NEVER = '0 0 0 1 1 *';
const MODEL = 'gpt-4.1-mini-2025-04-14';
/** OpenAI takes no new jobs from 6 January 2027 on. */
const BEFORE_THE_END = new Date('2026-12-01T00:00:00Z');

setUpWorkshop();

let provider: StandIn;
let server: TestServer;
let client: TestClient;
let id: string;
let jobId: string;

/** Starts a server with a run of which the provider has a job. */
async function start(replaced: Partial<Provider> = {}) {
  provider = standIn(() => ({ readWebhook, ...replaced }), 'openai');
  server = await serverWith(provider, { pollPattern: NEVER, clock: { now: () => BEFORE_THE_END } });
  client = await server.asNewTenant();
  const datasetId = await newDataset(client, 12);
  id = (await launch(client, { datasetId, provider: 'openai', baseModel: MODEL })).id;
  await vi.waitUntil(async () => (await status()) === 'QUEUED', { timeout: 10_000 });
  jobId = provider.jobs[0]?.id ?? '';
}

beforeEach(() => start());

const status = async () => (await readRun(client, id)).status;
const looks = () => provider.calls.get('getJob') ?? 0;
const event = (type = 'fine_tuning.job.succeeded', data: unknown = { id: jobId }) =>
  JSON.stringify({ id: `evt_${randomUUID()}`, object: 'event', created_at: 1_795_000_000, type, data });

interface Signing {
  key?: Buffer;
  /** Seconds since 1970. */
  at?: number;
  headers?: Record<string, string>;
}

function signature(body: string, webhookId: string, at: number, key: Buffer = KEY): string {
  return `v1,${createHmac('sha256', key).update(`${webhookId}.${at}.${body}`).digest('base64')}`;
}

async function post(body: string, { key = KEY, at = now(), headers = {} }: Signing = {}, url = server.url) {
  const webhookId = `wh_${randomUUID()}`;
  const answer = await send(`${url}/webhooks/openai`, {
    method: 'POST',
    headers: {
      host: 'localhost',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': webhookId,
      'webhook-timestamp': String(at),
      'webhook-signature': signature(body, webhookId, at, key),
      ...headers,
    },
    body,
  });
  return { status: answer.status, body: JSON.parse(answer.body) as { error?: { code: string } } };
}

const now = () => Math.floor(Date.now() / 1000);
const RECEIVED = { status: 200, body: { status: 'received' } };
const refused = (code: string, http = 401) => ({ status: http, body: { error: { code } } });

describe('a webhook makes the poller look at once', () => {
  test('and what the provider says then is what holds', async () => {
    provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1_000 });
    expect(await post(event())).toEqual(RECEIVED);
    await expect.poll(status).toBe('SUCCEEDED');
  });

  test('its own words are not believed', async () => {
    provider.set({ status: 'RUNNING' });
    expect(await post(event('fine_tuning.job.failed', { id: jobId, status: 'failed' }))).toEqual(RECEIVED);
    await expect.poll(status).toBe('RUNNING');
  });

  test('with several signatures, of which one is right, as while a secret is changed', async () => {
    provider.set({ status: 'CANCELLED' });
    const body = event('fine_tuning.job.cancelled');
    const other = signature(body, 'wh_1', now(), randomBytes(24));
    const signatures = `${other} ${signature(body, 'wh_1', now())}`;
    expect(await post(body, { headers: { 'webhook-id': 'wh_1', 'webhook-signature': signatures } })).toEqual(
      RECEIVED,
    );
    await expect.poll(status).toBe('CANCELLED');
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
    expect(await status()).toBe('QUEUED');
    held.open();
    await expect.poll(status).toBe('SUCCEEDED');
    expect(looks()).toBeLessThanOrEqual(2);
  });

  test('a look that fails is logged, and answered all the same', async () => {
    provider.getJob = async () => {
      throw lost();
    };
    expect(await post(event())).toEqual(RECEIVED);
    await expect.poll(() => server.logged.some((line) => line.includes('PROVIDER_UNREACHABLE'))).toBe(true);
    expect(await status()).toBe('QUEUED');
  });
});

describe('what is none of ours is taken without a word', () => {
  test.each([
    ['a job that we do not know', () => event('fine_tuning.job.succeeded', { id: 'ftjob-elsewhere' })],
    ['another kind of event', () => event('response.completed')],
    ['an event without an id', () => event('fine_tuning.job.succeeded', {})],
    ['an event without data', () => event('fine_tuning.job.succeeded', null)],
  ])('%s', async (_name, body) => {
    const before = looks();
    expect(await post(body())).toEqual(RECEIVED);
    expect(looks()).toBe(before);
  });
});

describe('refused', () => {
  test.each<[string, () => ReturnType<typeof post>, ReturnType<typeof refused>]>([
    ['another key', () => post(event(), { key: randomBytes(24) }), refused('INVALID_SIGNATURE')],
    ['an old one, repeated', () => post(event(), { at: now() - 360 }), refused('INVALID_SIGNATURE')],
    ['one of the future', () => post(event(), { at: now() + 360 }), refused('INVALID_SIGNATURE')],
    [
      'another body than was signed',
      () =>
        post(event(), {
          headers: { 'webhook-signature': signature('{}', 'wh_1', now()), 'webhook-id': 'wh_1' },
        }),
      refused('INVALID_SIGNATURE'),
    ],
    [
      'another time than was signed',
      () => post(event(), { at: now() - 60, headers: { 'webhook-timestamp': String(now()) } }),
      refused('INVALID_SIGNATURE'),
    ],
    [
      'a signature that is none',
      () => post(event(), { headers: { 'webhook-signature': 'v1,%%% v2,abc nothing' } }),
      refused('INVALID_SIGNATURE'),
    ],
    [
      'no signature',
      () => post(event(), { headers: { 'webhook-signature': '' } }),
      refused('INVALID_SIGNATURE'),
    ],
    ['what is no JSON', () => post('succeeded'), refused('INVALID_INPUT', 400)],
    ['what is no event', () => post('[]'), refused('INVALID_INPUT', 400)],
    ['too large a body', () => post(event('x'.repeat(257 * 1024))), refused('BODY_TOO_LARGE', 413)],
    [
      'another site’s page',
      () => post(event(), { headers: { origin: 'https://evil.example' } }),
      refused('FORBIDDEN_ORIGIN', 403),
    ],
    [
      'a foreign Host',
      () => post(event(), { headers: { host: 'tuner.example' } }),
      refused('FORBIDDEN_ORIGIN', 403),
    ],
  ])('%s', async (_name, answer, expected) => {
    expect(await answer()).toMatchObject(expected);
    expect(await status()).toBe('QUEUED');
    expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  });

  test('a body without a length that grows too large', async () => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    });
    const sent = fetch(`${server.url}/webhooks/openai`, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit);
    // Cut off while it still sends, a client may or may not see the answer.
    const answered = await sent.then(
      (response) => response.status,
      () => 413,
    );
    expect(answered).toBe(413);
  });

  test('by any other method', async () => {
    const answer = await send(`${server.url}/webhooks/openai`, { headers: { host: 'localhost' } });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});

test('without a secret there is nothing to receive', async () => {
  await server.close();
  server = await serverWith(standIn(() => ({}), 'openai'));
  expect(await post(event())).toMatchObject(refused('WEBHOOK_NOT_SET_UP', 404));
});

test('the provider takes webhooks exactly when it knows their secret', () => {
  const options = { name: 'openai', description: '', apiKey: 'none' } as const;
  expect(createOpenAiProvider(options).readWebhook).toBeUndefined();
  expect(createOpenAiProvider({ ...options, webhookSecret: SECRET }).readWebhook).toBeTypeOf('function');
});
