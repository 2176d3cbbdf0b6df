import fc from 'fast-check';
import OpenAI, { APIConnectionError, APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import { ZodError } from 'zod';
import { createFaults, type FaultPlan, type Faults, type Held } from '../../src/sandbox/faults.ts';
import type { SandboxOptions } from '../../src/sandbox/server.ts';
import { conversations, refusal, sandboxed, until, upload } from './support.ts';

const MODEL = 'sandbox-small-2026-01-01';

/** A sandbox with faults, a file in it, and the harness's view of what is held. */
async function faulty(plan: FaultPlan = {}, options: SandboxOptions & { random?: () => number } = {}) {
  const { random, ...rest } = options;
  const faults = createFaults(random && { random });
  const { sandbox, client } = await sandboxed({ ...rest, faults });
  const file = await upload(client, conversations(10));
  faults.set(plan);
  const create = (run: string, signal?: AbortSignal) =>
    client.fineTuning.jobs.create(
      { model: MODEL, training_file: file.id, metadata: { tunesmith_run_id: run } },
      { ...(signal && { signal }) },
    );
  const listed = async () => (await client.fineTuning.jobs.list({ limit: 100 })).data.map((job) => job.id);
  const heldNext = () =>
    new Promise<Held>((resolve) => {
      const stop = faults.onHeld((held) => {
        stop();
        resolve(held);
      });
    });
  return { faults, sandbox, client, file, create, listed, heldNext };
}

/** The connection error a call ends in, and what it says of the socket. */
async function broken(call: PromiseLike<unknown>): Promise<string> {
  const error = await refusal(call);
  expect(error).toBeInstanceOf(APIConnectionError);
  for (let cause: unknown = error; cause instanceof Error; { cause } = cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'no code';
}

const CREATES = 'POST /v1/fine_tuning/jobs';

describe('a create', () => {
  test('is carried out and its connection reset: the job is there once', async () => {
    const { sandbox, create, listed, client } = await faulty({ dropCreateResponses: 1 });
    expect(await broken(create('run-a'))).toBe('ECONNRESET');
    const [job, ...others] = sandbox.ledger.read().jobs;
    expect(others).toEqual([]);
    expect(job).toMatchObject({ runId: 'run-a', cancelled: false });
    expect(await listed()).toEqual([job?.jobId]);
    expect((await client.fineTuning.jobs.retrieve(job?.jobId ?? '')).metadata).toEqual({
      tunesmith_run_id: 'run-a',
    });
    expect(sandbox.ledger.read().requests[CREATES]).toBe(1);
  });

  test('is carried out and answered with a 500', async () => {
    const { sandbox, create } = await faulty({ failAfter: 1 });
    expect(await refusal(create('run-a'))).toMatchObject({ status: 500, type: 'server_error' });
    expect(sandbox.ledger.jobsByRun().get('run-a')).toHaveLength(1);
  });

  test('that is wrong is refused as ever, whatever is planned for those made', async () => {
    const { sandbox, client } = await faulty({ dropCreateResponses: 1, failAfter: 1, holdCreate: true });
    const wrong = client.fineTuning.jobs.create({ model: MODEL, training_file: 'file-none' });
    expect(await refusal(wrong)).toMatchObject({ status: 400, param: 'training_file' });
    expect(sandbox.ledger.read().jobs).toEqual([]);
  });

  test('is reset before anything is done, as is any other request', async () => {
    const { sandbox, create, listed, client, faults } = await faulty({ reset: 1 });
    expect(await broken(create('run-a'))).toBe('ECONNRESET');
    expect(await broken(listed())).toBe('ECONNRESET');
    await broken(upload(client, 'x'.repeat(3_000_000)));
    expect(sandbox.ledger.read().jobs).toEqual([]);
    faults.set({});
    expect((await client.files.list()).data).toHaveLength(1);
    await create('run-a');
    expect(sandbox.ledger.jobsByRun().get('run-a')).toHaveLength(1);
  });
});

const statusOf = async (call: PromiseLike<unknown>) => (await refusal(call)).status;

describe('a refusal', () => {
  test.each([
    [{ status: 429 }, { code: 'rate_limit_exceeded', type: 'requests' }],
    [
      { status: 429, code: 'insufficient_quota' },
      { code: 'insufficient_quota', type: 'insufficient_quota' },
    ],
    [{ status: 500 }, { code: null, type: 'server_error' }],
    [{ status: 502 }, { code: null, type: 'server_error' }],
    [
      { status: 503, code: 'overloaded' },
      { code: 'overloaded', type: 'server_error' },
    ],
    [{ status: 409 }, { code: null, type: 'invalid_request_error' }],
  ] as const)('%j comes before anything is done', async (refuse, expected) => {
    const { sandbox, create } = await faulty({ refuse: [{ probability: 1, ...refuse }] });
    const error = await refusal(create('run-a'));
    expect(error).toMatchObject({ status: refuse.status, ...expected });
    expect(error.headers?.get('retry-after')).toBeNull();
    expect(sandbox.ledger.read().jobs).toEqual([]);
  });

  test('names the seconds to wait', async () => {
    const { create } = await faulty({ refuse: [{ probability: 1, status: 429, retryAfterSeconds: 90 }] });
    expect((await refusal(create('run-a'))).headers?.get('retry-after')).toBe('90');
  });

  test('is aimed at a route, and the first that fits is given', async () => {
    const { create, listed, client, file } = await faulty({
      refuse: [
        { probability: 1, status: 429, on: 'upload' },
        { probability: 1, status: 503, on: 'create' },
        { probability: 1, status: 500, on: 'any' },
      ],
    });
    expect(await statusOf(upload(client, 'x'.repeat(3_000_000)))).toBe(429);
    expect(await statusOf(create('run-a'))).toBe(503);
    expect(await statusOf(listed())).toBe(500);
    expect(await statusOf(client.files.delete(file.id))).toBe(500);
  });

  test.each(['upload', 'create', 'list', 'get', 'cancel', 'events'] as const)(
    'aimed at %s hits nothing else',
    async (on) => {
      const { client, create, listed, faults } = await faulty({}, { speed: 1 });
      const job = await create('run-a');
      faults.set({ refuse: [{ probability: 1, status: 503, on }] });
      const calls: Record<typeof on, () => PromiseLike<unknown>> = {
        upload: () => upload(client, 'x'),
        create: () => create('run-b'),
        list: listed,
        get: () => client.fineTuning.jobs.retrieve(job.id),
        events: () => client.fineTuning.jobs.listEvents(job.id),
        cancel: () => client.fineTuning.jobs.cancel(job.id),
      };
      const refused: string[] = [];
      for (const [name, call] of Object.entries(calls)) {
        await Promise.resolve(call()).catch((error: unknown) => {
          if (error instanceof APIError && error.status === 503) refused.push(name);
          else throw error;
        });
      }
      expect(refused).toEqual([on]);
    },
  );
});

describe('a plan', () => {
  test('without a chance, or none at all, changes nothing', async () => {
    const { sandbox, create, listed, faults } = await faulty({
      reset: 0,
      dropCreateResponses: 0,
      failAfter: 0,
      refuse: [{ probability: 0, status: 500 }],
      listDelaySeconds: { min: 0, max: 0 },
      holdCreate: false,
      holdUpload: false,
    });
    const first = await create('run-a');
    faults.set({});
    const second = await create('run-b');
    expect(await listed()).toEqual([second.id, first.id]);
    expect(sandbox.ledger.read().jobs.map(({ jobId }) => jobId)).toEqual([first.id, second.id]);
  });

  test.each([
    { reset: 1.1 },
    { failAfter: -0.1 },
    { listDelaySeconds: { min: 2, max: 1 } },
    { listDelaySeconds: { min: 0, max: 31 } },
    { refuse: [{ probability: 1, status: 418 }] },
    { refuse: [{ probability: 1, status: 429, retryAfterSeconds: 1.5 }] },
    { refuse: [{ probability: 1, status: 429, on: 'nothing' }] },
    { dropUploads: 1 },
  ])('%j is wrong, and the one before stays', async (plan) => {
    const { faults, create } = await faulty({ failAfter: 1 });
    expect(() => faults.set(plan as FaultPlan)).toThrow(ZodError);
    expect((await refusal(create('run-a'))).status).toBe(500);
  });
});

describe('a list delay', () => {
  test('hides a job from the list for its time, and from nothing else', async () => {
    let now = 1_790_000_000_000;
    const { client, create, listed, faults } = await faulty(
      { listDelaySeconds: { min: 10, max: 30 } },
      { now: () => now, random: () => 0.5 },
    );
    const early = await create('run-a');
    now += 5_000;
    const late = await create('run-b');
    expect(await listed()).toEqual([]);
    expect((await client.fineTuning.jobs.retrieve(early.id)).id).toBe(early.id);
    // What was drawn for a job stays with it.
    faults.set({});
    now += 14_999;
    expect(await listed()).toEqual([]);
    now += 1;
    expect(await listed()).toEqual([early.id]);
    const { data } = await client.fineTuning.jobs.list({ metadata: { tunesmith_run_id: 'run-b' } });
    expect(data).toEqual([]);
    now += 5_000;
    expect(await listed()).toEqual([late.id, early.id]);
    const third = await create('run-c');
    expect(await listed()).toEqual([third.id, late.id, early.id]);
  });
});

describe('what is held', () => {
  test('a create: its job is made, its answer comes when it is released', async () => {
    const { sandbox, create, heldNext, faults, listed } = await faulty({ holdCreate: true });
    const told = heldNext();
    const creating = create('run-a');
    expect(await told).toEqual({ held: 'create', runId: 'run-a' });
    const [made] = sandbox.ledger.read().jobs;
    expect(await listed()).toEqual([made?.jobId]);
    faults.set({});
    expect(faults.releaseHeld()).toBe(1);
    expect((await creating).id).toBe(made?.jobId);
    expect(faults.releaseHeld()).toBe(0);
  });

  test('a create whose client is gone: its job stays, and nothing is held any more', async () => {
    const { sandbox, create, heldNext, faults } = await faulty({ holdCreate: true });
    const told = heldNext();
    const gone = new AbortController();
    const creating = refusal(create('run-a', gone.signal));
    await told;
    gone.abort();
    await creating;
    expect(sandbox.ledger.jobsByRun().get('run-a')).toHaveLength(1);
    await until(async () => (faults.holding() === 0 ? true : undefined));
  });

  test('a create that is dropped once it is released', async () => {
    const { sandbox, create, heldNext, faults } = await faulty({ holdCreate: true, dropCreateResponses: 1 });
    const told = heldNext();
    const creating = broken(create('run-a'));
    await told;
    faults.releaseHeld();
    expect(await creating).toBe('ECONNRESET');
    expect(sandbox.ledger.read().jobs).toHaveLength(1);
  });

  test.each([10, 3_000_000])(
    'an upload of %d bytes: there is no file before it is released, all of it after',
    async (size) => {
      const { client, heldNext, faults, file } = await faulty({ holdUpload: true });
      const told = heldNext();
      const content = 'x'.repeat(size);
      const sending = upload(client, content, 'held.jsonl');
      expect(await told).toEqual({ held: 'upload' });
      expect((await client.files.list()).data.map(({ id }) => id)).toEqual([file.id]);
      expect(faults.releaseHeld()).toBe(1);
      const sent = await sending;
      expect(await (await client.files.content(sent.id)).text()).toBe(content);
    },
  );

  test.each([
    // All of it has come, so the sandbox sees the connection end.
    [10, 'once it has left', (faults: Faults) => faults.holding() === 0],
    // More is to be read, and more than the system's buffers take, before the end of the connection can be seen.
    [30_000_000, 'once it is released', (faults: Faults) => faults.releaseHeld() === 1],
  ])('an upload of %d bytes whose client is gone leaves no file %s', async (size, _, isOver) => {
    const { client, heldNext, faults, file } = await faulty({ holdUpload: true });
    const told = heldNext();
    const gone = new AbortController();
    const body = new File(['x'.repeat(size)], 'held.jsonl');
    const sending = refusal(
      client.files.create({ file: body, purpose: 'fine-tune' }, { signal: gone.signal }),
    );
    await told;
    gone.abort();
    await sending;
    faults.set({});
    await until(async () => isOver(faults) || undefined);
    const after = await upload(client, 'after');
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([after.id, file.id]);
  });

  test('a sandbox closes though something is held', async () => {
    const { sandbox, create, client, heldNext } = await faulty({ holdCreate: true, holdUpload: true });
    let told = heldNext();
    const calls = [refusal(create('run-a'))];
    await told;
    told = heldNext();
    calls.push(refusal(upload(client, 'x')));
    await told;
    await sandbox.close();
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(OpenAI.APIConnectionError);
  });
});

/** How a create ended for its client: with a job, refused, or with which numbers of jobs there may now be. */
async function endOf(call: PromiseLike<{ id: string }>): Promise<{ jobs: number[]; id?: string }> {
  try {
    return { jobs: [1], id: (await call).id };
  } catch (error) {
    if (error instanceof APIConnectionError) return { jobs: [0, 1] };
    if (error instanceof APIError) return { jobs: [error.status === 500 ? 1 : 0] };
    throw error;
  }
}

test('however requests end, the ledger, the book and the clients agree', async () => {
  const chance = fc.constantFrom(0, 0.3, 0.7);
  const { faults, sandbox, create, client } = await faulty();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({ dropCreateResponses: chance, failAfter: chance, reset: chance, refused: chance }),
      fc.integer({ min: 1, max: 8 }),
      async ({ refused, ...plan }, count) => {
        const names = Array.from({ length: count }, () => `run-${(runs += 1)}`);
        const before = sandbox.ledger.read().requests[CREATES] ?? 0;
        faults.set({ ...plan, refuse: [{ probability: refused, status: 503, on: 'create' }] });
        const ends = await Promise.all(names.map((run) => endOf(create(run))));
        faults.set({});
        const byRun = sandbox.ledger.jobsByRun();
        for (const [at, run] of names.entries()) {
          const ids = (byRun.get(run) ?? []).map(({ jobId }) => jobId);
          const { data } = await client.fineTuning.jobs.list({ metadata: { tunesmith_run_id: run } });
          expect(data.map(({ id }) => id)).toEqual(ids);
          expect(ends[at]?.jobs).toContain(ids.length);
          expect(ids[0]).toBe(ends[at]?.id ?? ids[0]);
        }
        expect(sandbox.ledger.read().requests[CREATES]).toBe(before + count);
      },
    ),
    { numRuns: 30 },
  );
});
