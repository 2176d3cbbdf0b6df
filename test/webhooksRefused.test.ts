/** Webhooks that nobody should send, or that tell of nothing here: all to one server, with one run that stays as it is. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { providersOf } from '../src/providers.ts';
import { withEndlessBody } from './support/endlessBody.ts';
import { send } from './support/rawHttp.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { standIn } from './support/standIn.ts';
import {
  now,
  ONLY_WEBHOOKS,
  postWebhook,
  readWebhook,
  RECEIVED,
  refused,
  runWithJob,
  signature,
  type Signing,
  type Told,
} from './support/webhooks.ts';

const provider = standIn(() => ({ readWebhook }), 'openai');
let server: TestServer;
let told: Told;

beforeAll(async () => {
  server = await startTestServer({ ...ONLY_WEBHOOKS, providers: providersOf(provider) });
  told = await runWithJob(server, provider);
});
afterAll(() => server.close());

const post = (body: string, signing?: Signing) => postWebhook(server.url, body, signing);
const event = (type?: string, data?: unknown) => told.event(type, data);

describe('what is none of ours is taken without a word', () => {
  test.each([
    ['a job that we do not know', () => event('fine_tuning.job.succeeded', { id: 'ftjob-elsewhere' })],
    ['another kind of event', () => event('response.completed')],
    ['an event without an id', () => event('fine_tuning.job.succeeded', {})],
    ['an event without data', () => event('fine_tuning.job.succeeded', null)],
  ])('%s', async (_name, body) => {
    const before = told.looks();
    expect(await post(body())).toEqual(RECEIVED);
    expect(told.looks()).toBe(before);
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
    const before = told.looks();
    expect(await answer()).toMatchObject(expected);
    expect(told.looks()).toBe(before);
    expect(await told.status()).toBe('QUEUED');
    expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  });

  test('a body without a length that grows too large', async () => {
    const answered = await withEndlessBody((body) =>
      fetch(`${server.url}/webhooks/openai`, { method: 'POST', body, duplex: 'half' } as RequestInit)
        // Cut off while it still sends, a client may or may not see the answer.
        .then(
          (response) => response.status,
          () => 413,
        ),
    );
    expect(answered).toBe(413);
  });

  test('by any other method', async () => {
    const answer = await send(`${server.url}/webhooks/openai`, { headers: { host: 'localhost' } });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});

// Last: had one of the others been let in, the run would not have been as it was until now.
test('and what is right is still listened to', async () => {
  provider.set({ status: 'SUCCEEDED', model: 'ft:x', trainedTokens: 1_000 });
  expect(await post(event())).toEqual(RECEIVED);
  await expect.poll(told.status).toBe('SUCCEEDED');
});
