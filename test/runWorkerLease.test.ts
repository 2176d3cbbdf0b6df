/** Who works on a run: one worker at a time, and whoever was overtaken changes nothing. */
import { expect, test } from 'vitest';
import { gate, lost, standIn } from './support/standIn.ts';
import { faults, launchOn, NEVER, setUpWorkshop, systemWith } from './support/workshop.ts';

setUpWorkshop();

test('two workers at once on the same runs take each of them once', async () => {
  const provider = standIn();
  const systems = [systemWith(provider), systemWith(provider)];
  const [first] = systems;
  if (!first) throw new Error('no system');
  const runs = [];
  for (let n = 0; n < 6; n += 1) runs.push(await launchOn(first));
  const taken = await Promise.all(systems.map(({ worker }) => worker.advanceDueRuns(NEVER)));
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(6);
  expect(provider.calls.get('createJob')).toBe(6);
  expect(new Set(provider.jobs.map(({ runId }) => runId)).size).toBe(6);
  for (const run of runs) expect(await run.row()).toMatchObject({ step: 'FOLLOW', fence: 1 });
});

test('a worker that was overtaken saves nothing', async () => {
  const [uploading, goOn] = [gate(), gate()];
  const late = standIn((it) => ({
    uploadFile: async ({ name, bytes }) => {
      uploading.open();
      await goOn.opened;
      it.files.push({ id: 'file-late', name, bytes, content: '' });
      return { id: 'file-late', name, bytes };
    },
  }));
  const prompt = standIn();
  const [slow, quick] = [systemWith(late), systemWith(prompt)];
  const run = await launchOn(slow);
  const overtaken = slow.worker.advanceDueRuns(NEVER);
  await uploading.opened;
  expect(await quick.worker.advanceDueRuns(NEVER)).toBe(0); // The lease holds.
  await run.pass(61);
  expect(await quick.worker.advanceDueRuns(NEVER)).toBe(1);
  const after = await run.row();
  const told = await run.told();
  expect(after).toMatchObject({ step: 'FOLLOW', providerJobId: prompt.jobs[0]?.id });
  goOn.open();
  await overtaken;
  expect(await run.row()).toEqual(after);
  expect(await run.told()).toEqual(told);
  expect(late.calls.get('createJob')).toBeUndefined();
  expect(faults).toEqual([]);
});

test('a worker that is stopped leaves the run for the next one', async () => {
  const uploading = gate();
  const provider = standIn(() => ({
    uploadFile: ({ signal }) => {
      uploading.open();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(lost())));
    },
  }));
  const stop = new AbortController();
  const system = systemWith(provider);
  const run = await launchOn(system);
  const working = system.worker.advanceDueRuns(stop.signal);
  await uploading.opened;
  stop.abort();
  await working;
  expect(await run.row()).toMatchObject({
    step: 'UPLOAD',
    attempts: 0,
    leaseUntil: null,
    status: 'PREPARING',
  });
  const next = standIn();
  await systemWith(next).worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ step: 'FOLLOW', providerJobId: next.jobs[0]?.id });
});

test('a worker that stood still between its intent and the act does not act', async () => {
  const provider = standIn();
  let still = true;
  const slow = systemWith(provider, 0, {
    leaseSeconds: 0.2,
    reach: (point) => {
      // The whole process stands still, as under SIGSTOP: nothing else runs meanwhile.
      if (point !== 'workerPaused' || !still) return;
      still = false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    },
  });
  const run = await launchOn(slow);
  await slow.worker.advanceDueRuns(NEVER);
  expect(provider.calls.get('createJob')).toBeUndefined();
  // Nobody has taken the run over and nothing was sent: the intent is taken back.
  expect(await run.row()).toMatchObject({ submitIntentAt: null, submitAttempts: 0, step: 'SUBMIT' });
  await slow.worker.advanceDueRuns(NEVER);
  expect(provider.calls.get('createJob')).toBe(1);
  expect(await run.row()).toMatchObject({ step: 'FOLLOW', submitAttempts: 1 });
});

test('a tenant with many due runs does not keep the others waiting', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const busy = await launchOn(system);
  const { datasetId } = await busy.row();
  const more = Array.from({ length: 40 }, () =>
    system.services.trainingRuns.launch(busy.viewer, { datasetId, baseModel: 'sandbox-small' }),
  );
  await Promise.all(more);
  const patient = [await launchOn(system), await launchOn(system)];
  expect(await system.worker.advanceDueRuns(NEVER)).toBe(8);
  for (const run of patient) expect((await run.row()).step).toBe('FOLLOW');
});

test('a file that arrives after its run was cancelled is deleted as well', async () => {
  const [uploading, goOn] = [gate(), gate()];
  const provider = standIn((it) => ({
    uploadFile: async ({ name, bytes }) => {
      uploading.open();
      await goOn.opened;
      it.files.push({ id: 'file-late', name, bytes, content: '' });
      return { id: 'file-late', name, bytes };
    },
  }));
  const system = systemWith(provider);
  const run = await launchOn(system);
  const working = system.worker.advanceDueRuns(NEVER);
  await uploading.opened;
  await system.services.trainingRuns.cancel(run.viewer, run.id);
  await systemWith(provider).worker.advanceDueRuns(NEVER);
  expect(await run.row()).toMatchObject({ status: 'CANCELLED', step: 'DONE' });
  goOn.open();
  await working;
  expect(provider.files).toHaveLength(1);
  await system.worker.advanceDueRuns(NEVER);
  expect(provider.files).toEqual([]);
  expect(await run.row()).toMatchObject({ status: 'CANCELLED', step: 'DONE' });
});

test('who knows to be alone takes over at once', async () => {
  const uploading = gate();
  const dead = systemWith(
    standIn(() => ({
      uploadFile: () => {
        uploading.open();
        return new Promise(() => undefined);
      },
    })),
  );
  const run = await launchOn(dead);
  void dead.worker.advanceDueRuns(NEVER);
  await uploading.opened;
  const alone = systemWith(standIn());
  expect(await alone.worker.advanceDueRuns(NEVER)).toBe(0);
  await alone.lease.releaseAll();
  expect(await alone.worker.advanceDueRuns(NEVER)).toBe(1);
  expect(await run.row()).toMatchObject({ step: 'FOLLOW' });
});
