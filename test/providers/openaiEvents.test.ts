import { describe, expect, test } from 'vitest';
import { list, NEVER, useApi } from './openaiApi.ts';

const api = useApi();

const event = (n: number, fields: object = {}) => ({
  object: 'fine_tuning.job.event',
  id: `ftevent-${n}`,
  created_at: 1_790_000_000 + n,
  level: 'info',
  message: `event ${n}`,
  type: 'message',
  data: {},
  ...fields,
});

const newestFirst = (count: number) => Array.from({ length: count }, (_, n) => event(count - n));

const readOne = async (fields: object) => {
  api.answerWith(200, list([event(1, fields)]));
  const [only] = await api.provider.listEvents('ftjob-1', null, NEVER);
  return only;
};

const checkpoint = (step: number) => ({
  id: `ftckpt-${step}`,
  created_at: 1_790_000_000 + step,
  fine_tuned_model_checkpoint: `ft:gpt:org::abc:ckpt-step-${step}`,
  step_number: step,
  fine_tuning_job_id: 'ftjob-1',
  metrics: {
    step,
    train_loss: 1 / step,
    valid_loss: 7,
    full_valid_loss: 5,
    full_valid_mean_token_accuracy: 0.5,
  },
});

describe('events', () => {
  test('come oldest first, over as many pages as it takes', async () => {
    api.answerPages(newestFirst(250));
    const events = await api.provider.listEvents('ftjob-1', null, NEVER);
    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 250 }, (_, n) => `ftevent-${n + 1}`));
    expect(
      api.server.requests.map(({ path, query }) => [path, query.get('limit'), query.get('after')]),
    ).toEqual([
      ['/fine_tuning/jobs/ftjob-1/events', '100', null],
      ['/fine_tuning/jobs/ftjob-1/events', '100', 'ftevent-151'],
      ['/fine_tuning/jobs/ftjob-1/events', '100', 'ftevent-51'],
    ]);
  });

  test.each([
    [250, 1, []],
    [248, 1, [249, 250]],
    [151, 1, Array.from({ length: 99 }, (_, n) => 152 + n)],
    [150, 2, Array.from({ length: 100 }, (_, n) => 151 + n)],
  ])('after event %i take %i request(s)', async (after, requests, expected) => {
    api.answerPages(newestFirst(250));
    const events = await api.provider.listEvents('ftjob-1', `ftevent-${after}`, NEVER);
    expect(events.map(({ id }) => id)).toEqual(expected.map((n) => `ftevent-${n}`));
    expect(api.server.requests).toHaveLength(requests);
  });

  test('are all of them when the one to go on from is gone', async () => {
    api.answerPages(newestFirst(120));
    expect(await api.provider.listEvents('ftjob-1', 'ftevent-gone', NEVER)).toHaveLength(120);
  });

  test('carry metrics, in either spelling', async () => {
    const data = {
      step: 88,
      total_steps: 436,
      train_loss: 0.478,
      train_mean_token_accuracy: 0.924,
      valid_loss: 10.1,
      validation_mean_token_accuracy: 0.5,
      full_valid_loss: 9.9,
      full_valid_mean_token_accuracy: 0.6,
    };
    const metrics = {
      step: 88,
      totalSteps: 436,
      trainLoss: 0.478,
      trainAccuracy: 0.924,
      validLoss: 10.1,
      validAccuracy: 0.5,
    };
    expect(await readOne({ type: 'metrics', data })).toMatchObject({ kind: 'METRICS', metrics });
    const { validation_mean_token_accuracy: valid_mean_token_accuracy, ...rest } = data;
    expect(await readOne({ type: 'metrics', data: { ...rest, valid_mean_token_accuracy } })).toMatchObject({
      metrics,
    });
    const short = { step: 1, train_accuracy: 0.1, valid_accuracy: 0.2 };
    expect(await readOne({ type: 'metrics', data: short })).toMatchObject({
      metrics: { step: 1, trainLoss: null, trainAccuracy: 0.1, validAccuracy: 0.2 },
    });
  });

  test('tolerate what is unknown or missing', async () => {
    expect(
      await readOne({ type: 'moderation_checks', level: 'fatal', data: { blocked: false } }),
    ).toMatchObject({
      kind: 'MESSAGE',
      level: 'INFO',
      metrics: null,
    });
    expect(await readOne({ type: undefined, data: undefined, message: null })).toMatchObject({
      kind: 'MESSAGE',
      message: '',
    });
    expect(await readOne({ type: 'metrics', data: null })).toMatchObject({ kind: 'MESSAGE', metrics: null });
    expect(await readOne({ type: 'metrics', data: { step: 1, train_loss: 'NaN' } })).toMatchObject({
      kind: 'METRICS',
      metrics: { step: 1, trainLoss: null },
    });
    expect(await readOne({ level: 'warn', message: 'half \ud83d\u0000 gone' })).toMatchObject({
      level: 'WARN',
      message: 'half \ufffd gone',
    });
  });
});

test('checkpoints come by step, compared on the whole validation file', async () => {
  api.answerPages([checkpoint(20), checkpoint(10), { ...checkpoint(5), metrics: null }]);
  const found = await api.provider.listCheckpoints('ftjob-1', NEVER);
  expect(found.map(({ step }) => step)).toEqual([5, 10, 20]);
  expect(found[0]?.metrics).toMatchObject({ step: 5, trainLoss: null });
  expect(found[1]).toMatchObject({
    model: 'ft:gpt:org::abc:ckpt-step-10',
    metrics: { step: 10, trainLoss: 0.1, validLoss: 5, validAccuracy: 0.5 },
  });
});
