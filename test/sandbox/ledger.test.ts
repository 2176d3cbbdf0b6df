import { describe, expect, test } from 'vitest';
import { clientOf, conversations, launch, refusal, sandboxed } from './support.ts';

const ofRun = (run: string) => ({ metadata: { tunesmith_run_id: run } });

describe('the ledger', () => {
  test('has every job in order, by run, and which were cancelled', async () => {
    let now = 1_790_000_000_000;
    const { sandbox, client } = await sandboxed({ speed: 1, now: () => now });
    const a = await launch(client, conversations(10), ofRun('run-a'));
    now += 1500;
    const b = await launch(client, conversations(10), ofRun('run-b'));
    const again = await launch(client, conversations(10), ofRun('run-a'));
    const none = await launch(client, conversations(10), { metadata: { other: 'run-a' } });
    await client.fineTuning.jobs.cancel(again.id);

    const entry = (job: { id: string }, runId: string | null, createdAt: number) => ({
      jobId: job.id,
      runId,
      createdAt,
      cancelled: job === again,
    });
    const jobs = [
      entry(a, 'run-a', 1_790_000_000_000),
      entry(b, 'run-b', now),
      entry(again, 'run-a', now),
      entry(none, null, now),
    ];
    expect(sandbox.ledger.read().jobs).toEqual(jobs);
    expect([...sandbox.ledger.jobsByRun()]).toEqual([
      ['run-a', [jobs[0], jobs[2]]],
      ['run-b', [jobs[1]]],
    ]);
  });

  test('has no job that was refused, nor a cancel that was', async () => {
    const { sandbox, client } = await sandboxed();
    const { jobs } = client.fineTuning;
    await refusal(jobs.create({ model: 'gpt-5', training_file: 'file-none' }));
    await refusal(jobs.cancel('ftjob-none'));
    expect(sandbox.ledger.read().jobs).toEqual([]);
    expect(sandbox.ledger.jobsByRun().size).toBe(0);
  });

  test('counts requests by route, refused ones too, but nobody without the key', async () => {
    const { sandbox, client } = await sandboxed();
    await launch(client, conversations(10));
    await client.fineTuning.jobs.list();
    await client.fineTuning.jobs.list({ limit: 1 });
    await refusal(client.fineTuning.jobs.retrieve('ftjob-none'));
    await refusal(clientOf(sandbox.url, 'no').models.list());
    expect(sandbox.ledger.read().requests).toEqual({
      'POST /v1/files': 1,
      'POST /v1/fine_tuning/jobs': 1,
      'GET /v1/fine_tuning/jobs': 2,
      'GET /v1/fine_tuning/jobs/:id': 1,
    });
  });

  test('gives out copies', async () => {
    const { sandbox, client } = await sandboxed();
    await launch(client, conversations(10), ofRun('run-a'));
    const before = sandbox.ledger.read();
    sandbox.ledger.read().jobs.pop();
    for (const job of sandbox.ledger.jobsByRun().get('run-a') ?? []) job.cancelled = true;
    expect(sandbox.ledger.read()).toEqual(before);
  });
});
