/** A caller in the middle of everything: examples, an export, a trained model, a run at work and one not submitted yet. */
import { randomUUID } from 'node:crypto';
import { providersOf } from '../../src/providers.ts';
import { createErasureService, type ErasureService } from '../../src/services/erasure.ts';
import type { Viewer } from '../../src/services/viewer.ts';
import type { System } from '../../src/system.ts';
import { call } from './calls.ts';
import { CALLER, ERASURE_ACTIONS, CALLER_WRITTEN, SECRET, tablesHolding } from './erasure.ts';
import type { StandIn } from './standIn.ts';
import { db, faults, NEVER, store } from './workshop.ts';

export interface Scene {
  viewer: Viewer;
  /** The export's file. */
  key: string;
  exportId: string;
  runs: { trained: string; active: string; queued: string };
}

export async function setScene(system: System, provider: StandIn): Promise<Scene> {
  const { services, worker, poller } = system;
  await services.baseModels.sync();
  const tenant = await db.asSystem((tx) => tx.tenant.create({ data: { name: randomUUID() } }));
  const viewer = { tenantId: tenant.id, subject: 'tester', role: 'ADMIN' as const };
  const calls = Array.from({ length: 14 }, (_, n) => {
    const words = n < 2 ? `${SECRET} since ${n} years` : `I would like to have plan ${n}`;
    const number = [CALLER, CALLER_WRITTEN][n] ?? `+1555020${1000 + n}`;
    const turns = [`caller: ${words}, what does it cost?`, 'agent: It costs nothing, as I am glad to say.'];
    return {
      line: n + 1,
      value: { ...call(`CA-${n < 2 ? 'secret-' : ''}${n}`, turns, { phone_number: number }) },
    };
  });
  await services.callTranscriptions.importCalls(viewer, calls);
  const dataset = await services.datasets.create(viewer, { name: 'Calls' });
  await services.collect.collect(viewer, { datasetId: dataset.id });
  const ready = await services.exports.exportDataset(viewer, {
    datasetId: dataset.id,
    format: 'OPENAI_CHAT_JSONL',
  });
  const launch = async () =>
    (await services.trainingRuns.launch(viewer, { exportId: ready.id, baseModel: 'sandbox-small' })).id;
  const trained = await launch();
  await worker.advanceDueRuns(NEVER);
  provider.set({ status: 'SUCCEEDED', model: 'ft:walrus', finishedAt: new Date() });
  await poller.pollActiveRuns(NEVER);
  await worker.advanceDueRuns(NEVER);
  // As if the clean-up of the run that has ended had left its file behind.
  provider.files.push({ id: 'file-left', name: `tunesmith-${trained}.jsonl`, bytes: 1, content: SECRET });
  const active = await launch();
  await worker.advanceDueRuns(NEVER);
  const queued = await launch();
  return {
    viewer,
    key: services.exports.trainingFile(ready).key,
    exportId: ready.id,
    runs: { trained, active, queued },
  };
}

/** What is left of the caller, wherever it may be. */
export async function tracesOf({ viewer, key }: Scene, provider: StandIn): Promise<string[]> {
  const tables = await tablesHolding(db, viewer.tenantId, SECRET);
  const sids = await tablesHolding(db, viewer.tenantId, 'CA-secret');
  const numbers = await tablesHolding(db, viewer.tenantId, CALLER);
  const file = (await store.size(key)) === null ? [] : ['the export’s file'];
  return [
    ...tables,
    ...sids,
    ...numbers,
    ...file,
    ...provider.files.map(({ name }) => `at the provider: ${name}`),
  ];
}

export interface Mortal {
  erasures: ErasureService;
  /** How many steps were made. */
  steps(): number;
}

/** The service in a process that dies at the n-th step; a step is anything outside of the process, and each commit. */
export function mortal(provider: StandIn, lastStep = Infinity): Mortal {
  let made = 0;
  const step = () => {
    if (made >= lastStep) throw new Error('killed');
    made += 1;
  };
  const before = <Args extends unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    async function killable(...args: Args): Promise<Result> {
      step();
      return act(...args);
    };
  const erasures = createErasureService({
    db: {
      withTenant: async (tenantId, work) => {
        step();
        return db.withTenant(tenantId, async (tx) => {
          const result = await work(tx);
          step(); // Before the commit: the database takes it all back.
          return result;
        });
      },
      asSystem: (work) => db.asSystem(work),
    },
    store: {
      size: before((key: string) => store.size(key)),
      delete: before((key: string) => store.delete(key)),
    },
    providers: providersOf({
      ...provider,
      findFiles: before((name, signal) => provider.findFiles(name, signal)),
      deleteFile: before((id, signal) => provider.deleteFile(id, signal)),
    }),
    onError: (error) => faults.push(error),
  });
  return { erasures, steps: () => made };
}

/** Another process goes on, when the dead one's lease has lapsed, until the erasures of the tenant are done. */
export async function goOn(system: System, { viewer }: Scene, rounds = 5): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await db.withTenant(viewer.tenantId, async (tx) => {
      await tx.$executeRaw`UPDATE caller_erasures SET lease_until = NULL, next_attempt_at = now() - interval '1 s'`;
      await tx.$executeRaw`UPDATE caller_erasure_tasks SET next_attempt_at = now() - interval '1 s', settles_at = now() - interval '1 s'`;
    });
    await system.poller.pollActiveRuns(NEVER);
    await system.worker.advanceDueRuns(NEVER);
    await system.services.erasures.advanceDue(NEVER);
  }
}

export function erasuresOf({ viewer }: Scene) {
  return db.withTenant(viewer.tenantId, (tx) =>
    tx.callerErasure.findMany({ where: { tenantId: viewer.tenantId }, include: { tasks: true } }),
  );
}

export function actionsOf({ viewer }: Scene): Promise<string[]> {
  return db.withTenant(viewer.tenantId, async (tx) => {
    const entries = await tx.auditEntry.findMany({
      where: { tenantId: viewer.tenantId, action: { in: ERASURE_ACTIONS } },
      orderBy: { id: 'asc' },
    });
    return entries.map(({ action }) => action);
  });
}

export function statusesOf({ viewer, runs }: Scene) {
  return db.withTenant(viewer.tenantId, async (tx) => {
    const rows = await tx.trainingRun.findMany({ where: { tenantId: viewer.tenantId } });
    const status = (id: string) => rows.find((row) => row.id === id)?.status;
    return { trained: status(runs.trained), active: status(runs.active), queued: status(runs.queued) };
  });
}
