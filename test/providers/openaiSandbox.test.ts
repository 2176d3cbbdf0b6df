import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createOpenAiProvider } from '../../src/services/providers/openai.ts';
import type { NewJob, Provider, ProviderJob } from '../../src/services/providers/port.ts';
import { failure, NEVER } from './openaiApi.ts';

let sandbox: Sandbox;
let provider: Provider;

beforeAll(async () => {
  sandbox = await startSandbox({ speed: Infinity });
  provider = connect('sandbox');
});
afterAll(() => sandbox.close());

const connect = (apiKey: string) =>
  createOpenAiProvider({ name: 'sandbox', description: 'a test', apiKey, baseURL: sandbox.url });

/** A file of examples, each a question that names a number and an answer that repeats it. */
function trainingFile(examples: number): Buffer {
  const lines = Array.from({ length: examples }, (_, n) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `What does the blue plan number ${n} cost?` },
        { role: 'assistant', content: `Plan ${n} costs ${n * 3} euros a month.` },
      ],
    }),
  );
  return Buffer.from(`${lines.join('\n')}\n`);
}

const upload = (name: string, examples = 12) => {
  const content = trainingFile(examples);
  return provider.uploadFile({
    name,
    bytes: content.length,
    open: () => Readable.from([content]),
    signal: NEVER,
  });
};

const jobOn = (trainingFileId: string, runId: string): NewJob => ({
  baseModel: 'sandbox-small-2026-01-01',
  trainingFileId,
  validationFileId: null,
  method: { type: 'SUPERVISED' },
  runId,
  suffix: 'test',
  seed: 7,
  hyperparameters: { nEpochs: 2, batchSize: null, learningRateMultiplier: null },
});

async function finished(id: string): Promise<ProviderJob> {
  for (;;) {
    const job = await provider.getJob(id, NEVER);
    if (['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(job.status)) return job;
    await setTimeout(5);
  }
}

describe('the whole port, against the sandbox', { timeout: 30_000 }, () => {
  test('files come, are found and go', async () => {
    const first = await upload('found.jsonl');
    const second = await upload('found.jsonl', 20);
    await upload('other.jsonl');
    expect(first).toMatchObject({ name: 'found.jsonl', bytes: trainingFile(12).length });
    expect(await provider.findFiles('found.jsonl', NEVER)).toHaveLength(2);
    await provider.deleteFile(first.id, NEVER);
    await provider.deleteFile(first.id, NEVER);
    expect(await provider.findFiles('found.jsonl', NEVER)).toEqual([second]);
  });

  test('a job is created, followed and answers', async () => {
    const file = await upload('train.jsonl');
    const created = await provider.createJob(jobOn(file.id, 'run-1'), NEVER);
    expect(created).toMatchObject({ runId: 'run-1', error: null, model: null });

    const done = await finished(created.id);
    expect(done).toMatchObject({ status: 'SUCCEEDED', runId: 'run-1', error: null });
    expect(done.model).toContain(':test:');
    expect(done.trainedTokens).toBeGreaterThan(0);
    expect(done.hyperparameters).toMatchObject({ nEpochs: 2, batchSize: expect.any(Number) });
    expect(done.finishedAt?.getTime()).toBeGreaterThanOrEqual(done.createdAt.getTime());

    const events = await provider.listEvents(created.id, null, NEVER);
    const steps = events.flatMap((event) => (event.kind === 'METRICS' ? [event.metrics?.step] : []));
    expect(steps.length).toBeGreaterThan(0);
    expect(steps).toEqual(steps.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
    const middle = events[Math.floor(events.length / 2)];
    const rest = await provider.listEvents(created.id, middle?.id ?? null, NEVER);
    expect(rest).toEqual(events.slice(Math.floor(events.length / 2) + 1));

    const checkpoints = await provider.listCheckpoints(created.id, NEVER);
    expect(checkpoints.length).toBeGreaterThan(0);
    expect(checkpoints[0]?.metrics.trainLoss).toEqual(expect.any(Number));

    const messages = [{ role: 'user' as const, content: 'What does the blue plan number 4 cost?' }];
    const answer = await provider.chat(
      { model: done.model ?? '', messages, maxTokens: 50, temperature: 0 },
      NEVER,
    );
    expect(answer.content).toBe('Plan 4 costs 12 euros a month.');
    expect(answer.promptTokens).toBeGreaterThan(0);
  });

  test('jobs are found by run, and listed by page', async () => {
    const file = await upload('more.jsonl');
    const ids: string[] = [];
    for (const runId of ['run-a', 'run-b', 'run-a']) {
      ids.unshift((await provider.createJob(jobOn(file.id, runId), NEVER)).id);
    }
    const found = await provider.findJobs('run-a', NEVER);
    expect(found.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(await provider.findJobs('run-none', NEVER)).toEqual([]);

    const first = await provider.listJobs({ after: null, limit: 2 }, NEVER);
    expect([first.jobs.map(({ id }) => id), first.hasMore]).toEqual([ids.slice(0, 2), true]);
    const next = await provider.listJobs({ after: ids[1] ?? null, limit: 1 }, NEVER);
    expect(next.jobs.map(({ id }) => id)).toEqual(ids.slice(2));
  });

  test('a file that is too small fails the job, with the reason', async () => {
    const file = await upload('small.jsonl', 3);
    const { id } = await provider.createJob(jobOn(file.id, 'run-small'), NEVER);
    const failed = await finished(id);
    expect(failed).toMatchObject({
      status: 'FAILED',
      error: { code: 'invalid_n_examples' },
      finishedAt: null,
    });
  });

  test('a running job is cancelled, one that is over is not', async () => {
    const slow = await startSandbox({ speed: 0.01 });
    try {
      const there = createOpenAiProvider({
        name: 'sandbox',
        description: '',
        apiKey: 'sandbox',
        baseURL: slow.url,
      });
      const content = trainingFile(10);
      const open = () => Readable.from([content]);
      const file = await there.uploadFile({ name: 'a.jsonl', bytes: content.length, open, signal: NEVER });
      const { id } = await there.createJob(jobOn(file.id, 'run-1'), NEVER);
      expect((await there.cancelJob(id, NEVER)).status).toBe('CANCELLED');
      const again = await failure(there.cancelJob(id, NEVER));
      expect(again).toMatchObject({ code: 'PROVIDER_REFUSED', retryable: false });
    } finally {
      await slow.close();
    }
  });

  test('what it refuses comes with its code', async () => {
    expect((await failure(provider.getJob('ftjob-none', NEVER))).code).toBe('PROVIDER_NOT_FOUND');
    expect((await failure(connect('wrong').getJob('ftjob-none', NEVER))).code).toBe('PROVIDER_UNAUTHORIZED');
    const refused = await failure(provider.createJob(jobOn('file-none', 'run-1'), NEVER));
    expect(refused.code).toBe('PROVIDER_REFUSED');
    expect(refused.message).toContain('file-none');
  });
});
