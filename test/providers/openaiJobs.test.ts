import { describe, expect, test } from 'vitest';
import { failure, job, list, NEVER, useApi } from './openaiApi.ts';

const api = useApi();

const read = (fields: object) => {
  api.answerWith(200, job(fields));
  return api.provider.getJob('ftjob-1', NEVER);
};

describe('a job', () => {
  test('is read in full', async () => {
    const seen = await read({
      status: 'succeeded',
      finished_at: 1_790_000_600,
      estimated_finish: null,
      fine_tuned_model: 'ft:gpt-4.1-mini-2025-04-14:org::abc',
      trained_tokens: 12_345,
      error: null,
      hyperparameters: { n_epochs: 3, batch_size: 1, learning_rate_multiplier: 1.8 },
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 'auto' } } },
    });
    expect(seen).toEqual({
      id: 'ftjob-1',
      status: 'SUCCEEDED',
      rawStatus: 'succeeded',
      createdAt: new Date(1_790_000_000_000),
      finishedAt: new Date(1_790_000_600_000),
      estimatedFinishAt: null,
      model: 'ft:gpt-4.1-mini-2025-04-14:org::abc',
      trainedTokens: 12_345,
      error: null,
      hyperparameters: { nEpochs: 3, batchSize: 1, learningRateMultiplier: 1.8 },
      runId: 'run-1',
    });
  });

  test.each([
    ['validating_files', 'VALIDATING_FILES'],
    ['queued', 'QUEUED'],
    ['running', 'RUNNING'],
    ['paused', 'PAUSED'],
    ['failed', 'FAILED'],
    ['cancelled', 'CANCELLED'],
    ['pondering', 'UNKNOWN'],
    ['__proto__', 'UNKNOWN'],
    ['', 'UNKNOWN'],
  ])('that is %s is %s', async (rawStatus, status) => {
    expect(await read({ status: rawStatus })).toMatchObject({ status, rawStatus });
  });

  test.each([
    [{}, null],
    [null, null],
    [{ code: null, message: null, param: null }, null],
    ['a text', null],
    [
      { code: null, message: 'Something' },
      { code: 'unknown', message: 'Something' },
    ],
    [
      { code: 'invalid_n_examples', message: 'Too few', param: 'training_file' },
      { code: 'invalid_n_examples', message: 'Too few' },
    ],
    [{ code: 'x' }, { code: 'x', message: expect.stringContaining('code x') }],
  ])('with the error %j has failed with %j', async (error, expected) => {
    expect((await read({ status: 'failed', error })).error).toEqual(expected);
  });

  test('may lack or misstate whatever it can do without', async () => {
    const seen = await read({
      metadata: null,
      finished_at: 0,
      estimated_finish: 'soon',
      fine_tuned_model: '',
      trained_tokens: -1,
      hyperparameters: { n_epochs: 'auto', batch_size: null },
      method: { type: 'dpo' },
      novelty: { a: 1 },
    });
    expect(seen).toMatchObject({
      finishedAt: null,
      estimatedFinishAt: null,
      model: null,
      trainedTokens: null,
      hyperparameters: { nEpochs: null, batchSize: null, learningRateMultiplier: null },
      runId: null,
    });
  });

  test('takes its hyperparameters from the method where they are only there', async () => {
    const hyperparameters = { n_epochs: 4, batch_size: 2, learning_rate_multiplier: 'auto' };
    const seen = await read({ method: { type: 'supervised', supervised: { hyperparameters } } });
    expect(seen.hyperparameters).toEqual({ nEpochs: 4, batchSize: 2, learningRateMultiplier: null });
  });

  test('is cancelled with one request', async () => {
    api.answerWith(200, job({ status: 'cancelled' }));
    expect((await api.provider.cancelJob('ftjob-1', NEVER)).status).toBe('CANCELLED');
    expect(api.server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /fine_tuning/jobs/ftjob-1/cancel',
    ]);
  });
});

describe('lists of jobs', () => {
  test('findJobs asks for the run, and filters again where the filter is not heeded', async () => {
    const others = Array.from({ length: 150 }, (_, n) =>
      job({ id: `ftjob-other-${n}`, metadata: { tunesmith_run_id: `run-other-${n}` } }),
    );
    const ours = [job({ id: 'ftjob-old', created_at: 1_789_000_000 }), job({ id: 'ftjob-new' })];
    api.answerPages([
      ...others.slice(0, 120),
      ...ours,
      ...others.slice(120),
      job({ id: 'bare', metadata: null }),
    ]);

    const found = await api.provider.findJobs('run-1', NEVER);
    expect(found.map(({ id }) => id)).toEqual(['ftjob-new', 'ftjob-old']);
    expect(api.server.requests).toHaveLength(2);
    expect(api.server.requests[0]?.query.get('metadata[tunesmith_run_id]')).toBe('run-1');
    expect(api.server.requests[1]?.query.get('metadata[tunesmith_run_id]')).toBe('run-1');
  });

  test('listJobs gives one page', async () => {
    api.answerPages(['c', 'b', 'a'].map((id) => job({ id })));
    const first = await api.provider.listJobs({ after: null, limit: 2 }, NEVER);
    expect([first.jobs.map(({ id }) => id), first.hasMore]).toEqual([['c', 'b'], true]);
    const second = await api.provider.listJobs({ after: 'b', limit: 2 }, NEVER);
    expect([second.jobs.map(({ id }) => id), second.hasMore]).toEqual([['a'], false]);
  });

  test('a list that cannot be read to its end is not taken for all there is', async () => {
    for (const data of [[job()], []]) {
      api.answerWith(200, list(data, true));
      expect((await failure(api.provider.findJobs('run-1', NEVER))).code).toBe('PROVIDER_ANSWER_UNREADABLE');
    }
  });

  test('a server that does not say whether there is more is asked until nothing new comes', async () => {
    const jobs = Array.from({ length: 100 }, (_, n) => job({ id: `ftjob-${n}` }));
    api.answerWith(200, { data: jobs });
    expect(await api.provider.findJobs('run-1', NEVER)).toHaveLength(100);
    expect(api.server.requests).toHaveLength(2);
    api.answerWith(200, { data: jobs.slice(0, 3) });
    expect(await api.provider.findJobs('run-1', NEVER)).toHaveLength(3);
    expect(api.server.requests).toHaveLength(3);
  });
});
