import { describe, expect, test, vi } from 'vitest';
import { failure, job, KEY, NEVER, newJob, useApi } from './openaiApi.ts';
import { json } from './recordingServer.ts';

const api = useApi();

const ask = (limits: { maxTokens: number | null; temperature: number | null }) =>
  api.provider.chat({ model: 'ft:m', messages: [{ role: 'user', content: 'Hello' }], ...limits }, NEVER);

const answer = (message: object) => ({ model: 'ft:m-1', choices: [{ index: 0, message }] });

describe('createJob', () => {
  test('leaves out what is left to the provider', async () => {
    api.answerWith(200, job());
    const made = await api.provider.createJob(newJob, NEVER);
    expect(made).toMatchObject({ id: 'ftjob-1', status: 'QUEUED', runId: 'run-1' });
    expect(api.server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /fine_tuning/jobs',
    ]);
    expect(api.body()).toEqual({
      model: 'gpt-4.1-mini-2025-04-14',
      training_file: 'file-1',
      metadata: { tunesmith_run_id: 'run-1' },
      method: { type: 'supervised', supervised: { hyperparameters: {} } },
    });
    expect(api.server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test('sends what is asked for', async () => {
    api.answerWith(200, job());
    const hyperparameters = { nEpochs: 3, batchSize: 8, learningRateMultiplier: 0.5 };
    await api.provider.createJob({ ...newJob, suffix: 'help-desk', seed: 0, hyperparameters }, NEVER);
    expect(api.body()).toMatchObject({
      suffix: 'help-desk',
      seed: 0,
      method: {
        supervised: { hyperparameters: { n_epochs: 3, batch_size: 8, learning_rate_multiplier: 0.5 } },
      },
    });
  });

  test.each([500, 502, 503, 409, 408, 429])(
    'sends one request when HTTP %i is the answer',
    async (status) => {
      api.answerWith(
        status,
        { error: { message: 'no' } },
        { 'x-should-retry': 'true', 'retry-after-ms': '1' },
      );
      expect((await failure(api.provider.createJob(newJob, NEVER))).retryable).toBe(true);
      expect(api.server.requests).toHaveLength(1);
    },
  );

  test('sends one request when the connection breaks', async () => {
    api.server.answer = (_request, _response, incoming) => incoming.socket.resetAndDestroy();
    const error = await failure(api.provider.createJob(newJob, NEVER));
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', retryable: true });
    expect(api.server.requests).toHaveLength(1);
  });

  test('sends one request when a connection that was kept open breaks', async () => {
    api.answerWith(200, job());
    await api.provider.getJob('ftjob-1', NEVER);
    api.server.answer = (_request, _response, incoming) => incoming.socket.destroy();
    expect((await failure(api.provider.createJob(newJob, NEVER))).code).toBe('PROVIDER_UNREACHABLE');
    expect(api.server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('sends one request when no answer comes in time', async () => {
    api.server.answer = () => undefined;
    const error = await failure(api.connect({ timeoutMs: 100 }).createJob(newJob, NEVER));
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', retryable: true });
    expect(error.message).toContain('within 0.1 s');
    expect(api.server.requests).toHaveLength(1);
  });

  test('does not wait for an answer that stalls after its beginning', async () => {
    api.server.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"id": "ftjob-1",');
    };
    const error = await failure(api.connect({ timeoutMs: 100 }).createJob(newJob, NEVER));
    expect(error.code).toBe('PROVIDER_UNREACHABLE');
    expect(api.server.requests).toHaveLength(1);
  });

  test('does not follow a redirect, which would launch a second time', async () => {
    api.server.answer = (_request, response) =>
      json(response, 307, {}, { location: `${api.server.url}/elsewhere` });
    const error = await failure(api.provider.createJob(newJob, NEVER));
    expect(error).toMatchObject({ code: 'PROVIDER_REFUSED', retryable: false });
    expect(api.server.requests).toHaveLength(1);
  });
});

describe('an abort', () => {
  test('before the request sends none', async () => {
    const error = await failure(api.provider.createJob(newJob, AbortSignal.abort()));
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', retryable: true });
    expect(api.server.requests).toHaveLength(0);
  });

  test('during the request ends it', async () => {
    const controller = new AbortController();
    api.server.answer = () => controller.abort();
    expect((await failure(api.provider.createJob(newJob, controller.signal))).message).toContain(
      'broken off',
    );
    expect(api.server.requests).toHaveLength(1);
  });

  test('leaves no listener behind on a signal that lives long', async () => {
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    api.answerWith(200, job());
    await api.provider.getJob('ftjob-1', signal);
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls[0]?.[1]).toBe(added.mock.calls[0]?.[1]);
  });
});

describe('chat', () => {
  test('answers, with what it used', async () => {
    api.answerWith(200, {
      ...answer({ role: 'assistant', content: 'Good day' }),
      usage: { prompt_tokens: 8, completion_tokens: 2 },
    });
    const got = await ask({ maxTokens: 5, temperature: 0 });
    expect(got).toEqual({ content: 'Good day', model: 'ft:m-1', promptTokens: 8, completionTokens: 2 });
    expect(api.body()).toEqual({
      model: 'ft:m',
      messages: [{ role: 'user', content: 'Hello' }],
      max_completion_tokens: 5,
      temperature: 0,
    });
  });

  test('leaves limits out that are not given, and takes refusals and tool calls', async () => {
    api.answerWith(200, answer({ content: null, refusal: 'I would rather not' }));
    expect(await ask({ maxTokens: null, temperature: null })).toMatchObject({
      content: 'I would rather not',
      promptTokens: null,
    });
    expect(api.body()).toEqual({ model: 'ft:m', messages: [{ role: 'user', content: 'Hello' }] });
    api.answerWith(200, answer({ content: null, tool_calls: [] }));
    expect((await ask({ maxTokens: null, temperature: null })).content).toBe('');
  });
});

test('the environment does not reach into a provider', async () => {
  vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
  vi.stubEnv('OPENAI_ORG_ID', 'org-1');
  vi.stubEnv('OPENAI_PROJECT_ID', 'proj-1');
  vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-admin');
  vi.stubEnv('OPENAI_LOG', 'debug');
  const logged = vi.spyOn(console, 'debug');
  api.answerWith(200, job());
  await api.connect().getJob('ftjob-1', NEVER);
  const headers = api.server.requests[0]?.headers ?? {};
  expect(headers.authorization).toBe(`Bearer ${KEY}`);
  expect(headers['openai-organization']).toBeUndefined();
  expect(headers['openai-project']).toBeUndefined();
  expect(logged).not.toHaveBeenCalled();
  logged.mockRestore();
});
