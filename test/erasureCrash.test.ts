/** An erasure that is cut short anywhere, or whose provider is away, is seen as pending and comes to its end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginErasure } from '../src/services/erasureRequest.ts';
import { createExportService } from '../src/services/export.ts';
import { CALLER, SECRET, tablesHolding } from './support/erasure.ts';
import {
  actionsOf,
  erasuresOf,
  goOn,
  mortal,
  setScene,
  statusesOf,
  tracesOf,
} from './support/erasureScene.ts';
import { gate, lost, standIn } from './support/standIn.ts';
import { finishing } from './support/finishing.ts';
import { db, faults, setUpWorkshop, store, systemWith } from './support/workshop.ts';

setUpWorkshop();

test('active runs are cancelled, queued ones never submitted, files at the provider deleted', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const scene = await setScene(system, provider);
  expect(await tracesOf(scene, provider)).toEqual([
    'call_transcriptions',
    'finetuning_examples',
    'call_transcriptions',
    'call_transcriptions',
    'the export’s file',
    `at the provider: tunesmith-${scene.runs.active}.jsonl`,
    `at the provider: tunesmith-${scene.runs.trained}.jsonl`,
  ]);
  const first = await system.services.erasures.erase(scene.viewer, CALLER);
  expect(first).toMatchObject({
    calls: 2,
    examples: 2,
    exports: 1,
    files: 1,
    runsCancelled: 2,
    // The run at work has been told to end, and has not ended.
    providerFilesPending: 1,
    models: [{ name: 'ft:walrus', runId: scene.runs.trained }],
    erasure: { completedAt: null },
  });
  expect(await tracesOf(scene, provider)).toEqual([]);
  await goOn(system, scene);
  expect(await statusesOf(scene)).toEqual({ trained: 'SUCCEEDED', active: 'CANCELLED', queued: 'CANCELLED' });
  expect(provider.jobs.map(({ runId, status }) => [runId, status])).toEqual([
    [scene.runs.active, 'CANCELLED'],
    [scene.runs.trained, 'SUCCEEDED'],
  ]);
  expect(await erasuresOf(scene)).toMatchObject([{ completedAt: expect.any(Date), number: null }]);
  expect(await actionsOf(scene)).toEqual([
    'ERASE_CALLER',
    'TAINT_EXPORT',
    'CANCEL_TRAINING_RUN',
    'CANCEL_TRAINING_RUN',
    'DELETE_CALLER_DATA',
    'DELETE_EXPORT_FILES',
    'DELETE_PROVIDER_FILES',
    'DELETE_PROVIDER_FILES',
    'DELETE_PROVIDER_FILES',
    'COMPLETE_ERASURE',
  ]);
});

test('a provider that is away keeps nothing else from being erased, and is asked again', async () => {
  let away = true;
  const provider = standIn((it) => ({
    findFiles: async (name) => {
      if (away) throw lost();
      return it.files.filter((file) => file.name === name);
    },
  }));
  away = false;
  const system = systemWith(provider);
  const scene = await setScene(system, provider);
  away = true;
  const erased = await system.services.erasures.erase(scene.viewer, CALLER);
  expect(erased).toMatchObject({ calls: 2, files: 1, providerFilesPending: 3 });
  expect(await tablesHolding(db, scene.viewer.tenantId, SECRET)).toEqual([]);
  const [pending] = await erasuresOf(scene);
  expect(pending?.completedAt).toBeNull();
  expect(pending?.tasks.map(({ kind, problem, doneAt }) => [kind, problem, doneAt === null])).toEqual([
    ['EXPORT_FILES', null, false],
    ...Array.from({ length: 3 }, () => ['PROVIDER_FILES', 'The answer was lost.', true]),
  ]);
  // Asking again while it is away changes nothing, and says what is left.
  expect(await system.services.erasures.erase(scene.viewer, CALLER)).toMatchObject({
    calls: 0,
    files: 0,
    providerFilesPending: 3,
  });
  away = false;
  await goOn(system, scene);
  expect(await tracesOf(scene, provider)).toEqual([]);
  expect(await erasuresOf(scene)).toMatchObject([{ completedAt: expect.any(Date) }]);
  expect(faults).toEqual([]);
});

test('killed at any step: what is not done is seen as pending, and is done in the end', async () => {
  const rehearsal = standIn();
  const scene = await setScene(systemWith(rehearsal), rehearsal);
  const whole = mortal(rehearsal);
  await whole.erasures.erase(scene.viewer, CALLER);
  const steps = whole.steps();
  expect(steps).toBeGreaterThan(30);
  const property = fc.asyncProperty(fc.integer({ min: 0, max: steps - 1 }), async (lastStep) => {
    const provider = standIn();
    const system = systemWith(provider);
    const cut = await setScene(system, provider);
    await mortal(provider, lastStep)
      .erasures.erase(cut.viewer, CALLER)
      .catch(() => undefined);
    const [begun] = await erasuresOf(cut);
    // Before anything is noted nothing is done; from then on it is pending until nothing is left.
    expect(begun ? [] : await actionsOf(cut)).toEqual([]);
    expect(begun?.completedAt ? await tracesOf(cut, provider) : []).toEqual([]);
    if (!begun) await system.services.erasures.erase(cut.viewer, CALLER);
    await goOn(system, cut);
    expect(await tracesOf(cut, provider)).toEqual([]);
    expect(await erasuresOf(cut)).toMatchObject([
      { calls: 2, examples: 2, exports: 1, runsCancelled: 2, completedAt: expect.any(Date) },
    ]);
    expect(await statusesOf(cut)).toEqual({ trained: 'SUCCEEDED', active: 'CANCELLED', queued: 'CANCELLED' });
    const actions = await actionsOf(cut);
    for (const once of ['ERASE_CALLER', 'DELETE_CALLER_DATA', 'DELETE_EXPORT_FILES', 'COMPLETE_ERASURE'])
      expect(
        actions.filter((action) => action === once),
        once,
      ).toHaveLength(1);
  });
  await fc.assert(property, { numRuns: 8, examples: [[1], [5], [steps - 1]] });
}, 60_000);

test('an export that is being written while its caller is erased is begun anew, without them', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const scene = await setScene(system, provider);
  const { viewer } = scene;
  const { datasetId } = await db.withTenant(viewer.tenantId, (tx) =>
    tx.export.findUniqueOrThrow({ where: { id: scene.exportId } }),
  );
  await system.services.datasets.update(viewer, datasetId, { systemPrompt: 'Another file, please.' });
  const [reached, go] = [gate(), gate()];
  let written = 0;
  const keys: string[] = [];
  const exports = createExportService({
    db,
    store: finishing(store, async (finish, keyOf) => {
      if ((written += 1) === 1) {
        reached.open();
        await go.opened;
      }
      const file = await finish(keyOf);
      keys.push(file.key);
      return file;
    }),
  });
  const writing = exports.exportDataset(viewer, { datasetId, format: 'OPENAI_CHAT_JSONL' });
  await reached.opened;
  await system.services.erasures.erase(viewer, CALLER);
  go.open();
  const ready = await writing;
  expect(ready).toMatchObject({ exampleCount: 12, taintedAt: null });
  await goOn(system, scene);
  const [first = '', second = ''] = keys;
  expect([await store.size(first), await store.size(second)]).toEqual([null, Number(ready.bytes)]);
  expect(await erasuresOf(scene)).toMatchObject([{ exports: 2, completedAt: expect.any(Date) }]);
  expect(await tracesOf(scene, provider)).toEqual([]);
});

test('the job leaves a new erasure to who asked for it, and they are told what was erased', async () => {
  const provider = standIn();
  const system = systemWith(provider);
  const scene = await setScene(system, provider);
  // As far as the request is when a tick of the job comes between.
  await db.withTenant(scene.viewer.tenantId, (tx) => beginErasure(tx, scene.viewer, CALLER));
  await system.services.erasures.advanceDue(new AbortController().signal);
  expect(await erasuresOf(scene)).toMatchObject([{ dataErasedAt: null, calls: 0 }]);
  expect(await system.services.erasures.erase(scene.viewer, CALLER)).toMatchObject({ calls: 2, examples: 2 });
});
