import { describe, expect, test } from 'vitest';
import { createOpenAiProvider } from '../../src/services/providers/openai.ts';
import { failure, KEY, NEVER, newJob, useApi } from './openaiApi.ts';
import { json, startRecordingServer } from './recordingServer.ts';

const api = useApi();

const said = (fields: object) => ({
  error: { message: 'its own words', type: 'x', param: null, ...fields },
});

describe('errors', () => {
  test.each([
    [429, said({ code: 'rate_limit_exceeded' }), 'PROVIDER_RATE_LIMITED', true, 'its own words'],
    [429, said({ code: 'insufficient_quota' }), 'PROVIDER_QUOTA_EXCEEDED', false, 'Add credit'],
    [429, said({ code: null, type: 'insufficient_quota' }), 'PROVIDER_QUOTA_EXCEEDED', false, 'Add credit'],
    [400, said({ code: 'billing_hard_limit_reached' }), 'PROVIDER_QUOTA_EXCEEDED', false, 'Add credit'],
    [
      403,
      said({ code: 'training_not_available' }),
      'PROVIDER_TRAINING_NOT_AVAILABLE',
      false,
      'another provider',
    ],
    [403, said({ code: null }), 'PROVIDER_FORBIDDEN', false, 'its own words'],
    [401, said({ message: `Incorrect API key: ${KEY}` }), 'PROVIDER_UNAUTHORIZED', false, 'OPENAI_API_KEY'],
    [404, said({}), 'PROVIDER_NOT_FOUND', false, 'its own words'],
    [400, said({ code: 'invalid_n_examples' }), 'PROVIDER_REFUSED', false, 'its own words'],
    [422, said({ code: 42 }), 'PROVIDER_REFUSED', false, 'its own words'],
    [413, { error: 'just a text' }, 'PROVIDER_REFUSED', false, 'just a text'],
    [400, {}, 'PROVIDER_REFUSED', false, '400'],
    [400, said({ message: `You sent ${KEY}\u0000!` }), 'PROVIDER_REFUSED', false, 'You sent ***!'],
    [409, said({}), 'PROVIDER_REFUSED', true, 'its own words'],
    [500, said({}), 'PROVIDER_FAILED', true, 'its own words'],
    [503, null, 'PROVIDER_FAILED', true, '503'],
  ])('HTTP %i %j is %s', async (status, answer, code, retryable, words) => {
    api.answerWith(status, answer);
    const error = await failure(api.provider.getJob('ftjob-1', NEVER));
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toContain(words);
  });

  test('names no variable that the sandbox does not read', async () => {
    api.answerWith(401, said({}));
    const sandbox = createOpenAiProvider({
      name: 'sandbox',
      description: '',
      apiKey: 'x',
      baseURL: api.server.url,
    });
    expect((await failure(sandbox.getJob('ftjob-1', NEVER))).message).not.toContain('OPENAI');
  });

  test("a gateway's page of HTML is cut short", async () => {
    api.server.answer = (_request, response) =>
      response.writeHead(502).end(`<html>${'x'.repeat(100_000)}</html>`);
    const error = await failure(api.provider.getJob('ftjob-1', NEVER));
    expect(error.code).toBe('PROVIDER_FAILED');
    expect(error.message.length).toBeLessThan(700);
  });

  test('nobody listening is PROVIDER_UNREACHABLE, with the reason', async () => {
    await api.server.close();
    const error = await failure(api.provider.getJob('ftjob-1', NEVER));
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
    api.server = await startRecordingServer();
  });

  test('an answer cut off in the middle is PROVIDER_UNREACHABLE', async () => {
    api.server.answer = (_request, response, incoming) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id": ', () => incoming.socket.resetAndDestroy());
    };
    expect((await failure(api.provider.getJob('ftjob-1', NEVER))).code).toBe('PROVIDER_UNREACHABLE');
  });

  test.each([
    ['broken JSON', 'application/json', '{"id": '],
    ['HTML', 'text/html', '<html>Please log in</html>'],
    ['a job without an id', 'application/json', '{"status": "queued", "created_at": 1}'],
    ['null', 'application/json', 'null'],
  ])('%s under HTTP 200 is PROVIDER_ANSWER_UNREADABLE', async (_what, type, text) => {
    api.server.answer = (_request, response) => response.writeHead(200, { 'content-type': type }).end(text);
    const error = await failure(api.provider.createJob(newJob, NEVER));
    expect(error).toMatchObject({ code: 'PROVIDER_ANSWER_UNREADABLE', retryable: true });
  });

  test.each([
    ['HTML', 'text/html', '<html>Please log in</html>'],
    ['an object without data', 'application/json', '{"object": "list"}'],
  ])('%s is no empty list of jobs, after which a launch would go ahead', async (_what, type, text) => {
    api.server.answer = (_request, response) => response.writeHead(200, { 'content-type': type }).end(text);
    expect((await failure(api.provider.findJobs('run-1', NEVER))).code).toBe('PROVIDER_ANSWER_UNREADABLE');
  });
});

describe('how long to wait', () => {
  test.each<[string, Record<string, string>, number | null]>([
    ['seconds', { 'retry-after': '90' }, 90],
    ['milliseconds, which go first', { 'retry-after-ms': '1500', 'retry-after': '90' }, 2],
    ['a fraction', { 'retry-after': '0.2' }, 1],
    [
      "a date, by the answer's own",
      { 'retry-after': 'Sun, 22 Nov 2026 10:02:00 GMT', date: 'Sun, 22 Nov 2026 10:00:00 GMT' },
      120,
    ],
    ['a date gone by', { 'retry-after': 'Sun, 22 Nov 2020 10:02:00 GMT' }, 0],
    ['a time that nobody means', { 'retry-after': '99999999999' }, 86_400],
    ['a negative one', { 'retry-after': '-5' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, null],
    ['nothing', {}, null],
  ])('%s', async (_what, headers, expected) => {
    const started = Date.now();
    for (const status of [429, 503]) {
      api.answerWith(status, { error: { message: 'slower' } }, headers);
      expect((await failure(api.provider.getJob('ftjob-1', NEVER))).retryAfterSeconds).toBe(expected);
    }
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  test('a date without the answer’s own is compared with our clock', async () => {
    api.server.answer = (_request, response) => {
      response.sendDate = false;
      json(response, 429, {}, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    };
    const { retryAfterSeconds } = await failure(api.provider.getJob('ftjob-1', NEVER));
    expect(retryAfterSeconds).toBeGreaterThan(55);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
  });
});
