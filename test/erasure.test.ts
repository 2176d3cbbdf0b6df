/** Erasing a caller on a whole server: what is gone, what is refused, and what stays. */
import { expect, test } from 'vitest';
import { addExamples, call, collect, examplesOf, importCalls, newDataset } from './support/calls.ts';
import {
  Allow,
  auditEntries,
  CALLER,
  CALLER_WRITTEN,
  callerOf,
  collectedDataset,
  erase,
  Erase,
  importCaller,
  SECRET,
  tablesHolding,
} from './support/erasure.ts';
import { ExportDataset } from './support/runDocuments.ts';
import { ended, launch, refusedLaunch, rowId } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';
import type { TestClient } from './support/client.ts';
import { graphql } from '../src/generated/gql/index.ts';

const Exports = graphql(`
  query EraseExports {
    exports {
      edges {
        node {
          id
          taintedAt
          filesDeletedAt
          downloadUrl
        }
      }
    }
  }
`);

const Erasures = graphql(`
  query EraseErasures($phoneNumber: String, $id: ID!) {
    erasures(phoneNumber: $phoneNumber) {
      totalCount
      edges {
        node {
          id
          requestedBy
          calls
          examples
          liftedAt
        }
      }
    }
    erasure(id: $id) {
      id
      calls
      examples
      exports
      runsCancelled
    }
  }
`);

async function exportsOf(client: TestClient) {
  return (await client.run(Exports, {})).exports.edges.map(({ node }) => node);
}

async function exported(client: TestClient, datasetId: string) {
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId } });
  if (!('id' in exportDataset)) throw new Error(exportDataset.message);
  return exportDataset;
}

test('a caller is erased: calls, examples, files; the models that learned from them are named', async () => {
  const client = await newTenant();
  const { db } = await sharedServer();
  await importCaller(client);
  const datasetId = await collectedDataset(client);
  const run = await ended(client, (await launch(client, { datasetId })).id);
  const [before] = await exportsOf(client);
  expect(await (await fetch(before?.downloadUrl ?? '')).text()).toContain(SECRET);
  expect(await tablesHolding(db, client.tenantId, SECRET)).toEqual([
    'call_transcriptions',
    'finetuning_examples',
  ]);

  const counts = { calls: 2, examples: 2, exports: 1, files: 1, runsCancelled: 0 };
  const dry = await erase(client, CALLER_WRITTEN, true);
  expect(dry).toMatchObject({ ...counts, providerFilesPending: 1, erasure: null });
  expect(dry.models.map(({ name }) => name)).toContain(run.resultModelId);
  expect(await callerOf(client)).toMatchObject({ calls: { totalCount: 2 } });

  const erased = await erase(client, CALLER_WRITTEN);
  expect(erased).toMatchObject({ ...counts, providerFilesPending: 0, models: dry.models });
  expect(erased.erasure).toMatchObject({
    numberEnding: '01',
    completedAt: expect.any(String),
    steps: [
      { name: 'SUPPRESS', done: 1, pending: 0 },
      { name: 'DELETE_DATA', done: 1, pending: 0 },
      { name: 'END_RUNS', done: 1, pending: 0 },
      { name: 'DELETE_FILES', done: 1, pending: 0 },
      { name: 'DELETE_PROVIDER_FILES', done: 1, pending: 0 },
    ],
  });
  for (const { completedAt, problem } of erased.erasure?.steps ?? [])
    expect({ completedAt, problem }).toEqual({ completedAt: expect.any(String), problem: null });

  for (const trace of [SECRET, CALLER, CALLER_WRITTEN, 'CA-secret'])
    expect(await tablesHolding(db, client.tenantId, trace), trace).toEqual([]);
  expect(await callerOf(client)).toMatchObject({
    calls: { totalCount: 0 },
    examples: { totalCount: 0 },
    exports: { totalCount: 0 },
  });
  const [after] = await exportsOf(client);
  expect(after).toMatchObject({ taintedAt: expect.any(String), filesDeletedAt: expect.any(String) });
  const download = await fetch(after?.downloadUrl ?? '');
  expect([download.status, await download.json()]).toEqual([
    410,
    { error: { code: 'EXPORT_TAINTED', message: expect.stringContaining('export the dataset again') } },
  ]);

  // Everybody else's examples are there, and counted.
  expect(await examplesOf(client, datasetId)).toHaveLength(14);
  expect(await erase(client)).toMatchObject({
    calls: 0,
    examples: 0,
    exports: 0,
    files: 0,
    providerFilesPending: 0,
    runsCancelled: 0,
    models: dry.models,
    erasure: { id: erased.erasure?.id, completedAt: erased.erasure?.completedAt },
  });
}, 60_000);

test('a tainted export is neither launched nor taken again, and the dataset can be exported anew', async () => {
  const client = await newTenant();
  await importCaller(client);
  const datasetId = await collectedDataset(client);
  const before = await exported(client, datasetId);
  await erase(client);
  expect(await refusedLaunch(client, { exportId: before.id })).toMatchObject({
    __typename: 'ExportTaintedError',
    code: 'EXPORT_TAINTED',
  });
  const after = await exported(client, datasetId);
  expect(after.id).not.toBe(before.id);
  expect(after.exampleCount).toBe(14);
  const run = await ended(client, (await launch(client, { exportId: after.id })).id);
  expect(run.status).toBe('SUCCEEDED');
  expect((await exportsOf(client)).map(({ id, taintedAt }) => [id, taintedAt === null])).toEqual([
    [after.id, true],
    [before.id, false],
  ]);
}, 60_000);

test('bytes that held the words are not given out again, whoever typed them in', async () => {
  const client = await newTenant();
  await importCaller(client);
  const [first, second] = [await collectedDataset(client), await collectedDataset(client, 'A copy')];
  const copies = (await examplesOf(client, first)).map(({ messages }) => ({
    messages: messages.map(({ role, content }) => ({ role, content })),
  }));
  const [one, two] = [await exported(client, first), await exported(client, second)];
  expect(one.sha256).toBe(two.sha256);
  const erased = await erase(client);
  expect(erased).toMatchObject({ calls: 2, examples: 4, exports: 2, files: 1 });
  // By hand the same words can come back as examples, since nothing tells whose they are; the same file cannot.
  const fresh = await newDataset(client, 'By hand');
  await addExamples(client, fresh, copies, true);
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId: fresh } });
  expect(exportDataset).toMatchObject({ message: expect.stringContaining('erased') });
  expect(await exportsOf(client)).toHaveLength(2);
}, 60_000);

test('another tenant’s caller with the same number is not touched', async () => {
  const [client, other] = [await newTenant(), await newTenant()];
  for (const each of [client, other]) {
    await importCaller(each);
    await exported(each, await collectedDataset(each));
  }
  const before = await callerOf(other);
  expect(await erase(client)).toMatchObject({ calls: 2, examples: 2, exports: 1 });
  expect(await callerOf(other)).toEqual(before);
  expect((await exportsOf(other)).map(({ taintedAt }) => taintedAt)).toEqual([null]);
  expect(await auditEntries(other)).toEqual([]);
  const report = await importCalls(other, [
    call('CA-new', ['caller: hello there'], { phone_number: CALLER }),
  ]);
  expect(report).toMatchObject({ stored: 1, rejected: 0 });
  expect(await other.run(Allow, { input: { phoneNumber: CALLER } })).toEqual({
    allowCaller: { code: 'CALLER_NOT_ERASED' },
  });
}, 60_000);

test('an erased caller’s calls are not imported again, with or without the number, until they are allowed', async () => {
  const client = await newTenant();
  await importCaller(client);
  await erase(client);
  const feed = [
    call('CA-new', ['caller: hello'], { phone_number: '001 555 010 0001' }),
    call('CA-fine', ['caller: hello'], { phone_number: '+15550209999' }),
    { call_sid: 'broken' },
    call('CA-secret-1', [`caller: ${SECRET}`]),
  ];
  const report = await importCalls(client, feed);
  const reason = expect.stringMatching(/^is of a caller who was erased on \d{4}-\d\d-\d\d; allowCaller lets/);
  expect(report).toMatchObject({
    received: 4,
    stored: 1,
    rejected: 3,
    faults: [{ line: 1, field: 'phone_number', reason }, { line: 3 }, { line: 4, field: 'call_sid', reason }],
  });
  expect(JSON.stringify(report.faults)).not.toContain('0001');

  const { allowCaller } = await client.run(Allow, { input: { phoneNumber: CALLER_WRITTEN } });
  expect(allowCaller).toEqual({ liftedAt: expect.any(String) });
  expect(await importCalls(client, feed)).toMatchObject({ stored: 2, unchanged: 1, rejected: 1 });

  // A new request is a new erasure, and the old one is still told.
  const again = await erase(client);
  expect(again).toMatchObject({ calls: 1, examples: 0 });
  const id = again.erasure?.id ?? '';
  const { erasures, erasure } = await client.run(Erasures, { phoneNumber: CALLER_WRITTEN, id });
  expect(erasures.edges.map(({ node }) => [node.calls, node.requestedBy, node.liftedAt === null])).toEqual([
    [1, 'tester', true],
    [2, 'tester', false],
  ]);
  expect(erasure).toMatchObject({ id, calls: 1, examples: 0, exports: 0, runsCancelled: 0 });
  const none = await client.run(Erasures, { phoneNumber: '+15550209999', id });
  expect(none.erasures.totalCount).toBe(0);
}, 60_000);

test('a caller of whom there is nothing is kept out all the same', async () => {
  const client = await newTenant();
  expect(await erase(client)).toMatchObject({ calls: 0, erasure: { completedAt: expect.any(String) } });
  const report = await importCalls(client, [call('CA-1', ['caller: hello'], { phone_number: CALLER })]);
  expect(report).toMatchObject({ stored: 0, rejected: 1 });
});

test('every step is in the audit log, and the number is not', async () => {
  const client = await newTenant();
  await importCaller(client);
  const datasetId = await collectedDataset(client);
  const run = await ended(client, (await launch(client, { datasetId })).id);
  const { erasure } = await erase(client);
  await client.run(Allow, { input: { phoneNumber: CALLER } });
  const entries = await auditEntries(client);
  expect(entries.map(({ action }) => action)).toEqual([
    'ALLOW_CALLER',
    'COMPLETE_ERASURE',
    'DELETE_PROVIDER_FILES',
    'DELETE_EXPORT_FILES',
    'DELETE_CALLER_DATA',
    'TAINT_EXPORT',
    'ERASE_CALLER',
  ]);
  expect(JSON.stringify(entries)).not.toContain(CALLER.slice(-4));
  const erasureId = rowId(erasure?.id ?? '');
  expect(entries.find(({ action }) => action === 'COMPLETE_ERASURE')).toMatchObject({
    actor: 'tester',
    subjectType: 'CallerErasure',
    subjectId: erasureId,
    detail: { calls: 2, examples: 2, exports: 1, runsCancelled: 0 },
  });
  expect((await auditEntries(client, { subjectId: erasureId })).map(({ action }) => action)).toEqual([
    'ALLOW_CALLER',
    'COMPLETE_ERASURE',
    'DELETE_CALLER_DATA',
    'ERASE_CALLER',
  ]);
  expect(await auditEntries(client, { action: 'DELETE_PROVIDER_FILES' })).toMatchObject([
    { subjectType: 'TrainingRun', subjectId: rowId(run.id), detail: { erasureId } },
  ]);
}, 60_000);

test('nobody changes the audit log: neither the tenant nor the system', async () => {
  const client = await newTenant();
  const { db } = await sharedServer();
  await erase(client);
  for (const statement of ["UPDATE audit_entries SET actor = 'nobody'", 'DELETE FROM audit_entries']) {
    await expect(db.withTenant(client.tenantId, (tx) => tx.$executeRawUnsafe(statement))).rejects.toThrow(
      /permission denied/,
    );
    await expect(db.asSystem((tx) => tx.$executeRawUnsafe(statement))).rejects.toThrow(/permission denied/);
  }
  expect((await auditEntries(client)).length).toBeGreaterThan(0);
});

test.each(['', 'anonymous', '\u0000'])('%j is refused, and nothing is erased', async (phoneNumber) => {
  const client = await newTenant();
  await importCalls(client, [call('CA-1', ['caller: hello'], { phone_number: 'Anonymous' })]);
  const { eraseCaller } = await client.run(Erase, { input: { phoneNumber } });
  expect(eraseCaller).toMatchObject({
    __typename: 'InvalidInputError',
    faults: [{ field: 'input.phoneNumber' }],
  });
  expect(await auditEntries(client)).toEqual([]);
});

test('what was collected meanwhile from a call that is gone is left out', async () => {
  const client = await newTenant();
  await importCaller(client);
  const datasetId = await collectedDataset(client);
  // Collecting and erasing at once: whichever comes first, nothing of the caller stays.
  const names = ['a', 'b', 'c'];
  const more = await Promise.all(names.map((name) => collectedDataset(client, name).catch(() => null)));
  const [, ...collected] = await Promise.all([
    erase(client),
    ...more.filter((id) => id !== null).map((id) => collect(client, { datasetId: id })),
    exported(client, datasetId).catch(() => null),
  ]);
  expect(collected).toHaveLength(4);
  const { db } = await sharedServer();
  expect(await tablesHolding(db, client.tenantId, SECRET)).toEqual([]);
});
