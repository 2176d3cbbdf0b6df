/** What the calendar does to a launch: models end, warnings come before, prices have their day. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { providersOf } from '../src/providers.ts';
import { launch, newDataset, readRun, refusedLaunch } from './support/runs.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { standIn } from './support/standIn.ts';
import type { TestClient } from './support/client.ts';

let server: TestServer;
let now = new Date();
let client: TestClient;
let datasetId: string;

beforeAll(async () => {
  server = await startTestServer({
    clock: { now: () => now },
    providers: providersOf(standIn(undefined, 'openai'), standIn(undefined, 'sandbox')),
  });
  client = await server.asNewTenant();
  datasetId = await newDataset(client, 50);
});
afterAll(() => server.close());

const MINI = 'gpt-4o-mini-2024-07-18';
const on = (day: string) => {
  now = new Date(day);
};
const codes = (run: { warnings: { code: string }[] }) => run.warnings.map(({ code }) => code);

test('a model is launched on without a warning while its end is far, with one when it is near', async () => {
  on('2026-08-01T12:00:00Z');
  const early = await launch(client, { datasetId, baseModel: MINI });
  expect(early.provider).toBe('openai');
  expect(codes(early)).toEqual([]);
  on('2026-11-23T12:00:00Z');
  const late = await launch(client, { datasetId, baseModel: MINI });
  expect(codes(late)).toEqual(['BASE_MODEL_SHUTS_DOWN_SOON', 'TRAINING_ENDS_SOON']);
  expect(late.warnings[0]?.message).toContain('2027-01-14');
  expect((await readRun(client, late.id)).price).toEqual({
    validFrom: '2026-06-01',
    trainingUsdPerMTokens: 3,
  });
});

test('no launch once training has ended, and none once the model is shut down', async () => {
  on('2027-01-05T23:59:59Z');
  await launch(client, { datasetId, baseModel: MINI });
  on('2027-01-06T00:00:00Z');
  expect(await refusedLaunch(client, { datasetId, baseModel: MINI })).toMatchObject({
    __typename: 'BaseModelUnavailableError',
    code: 'BASE_MODEL_TRAINING_ENDED',
    message: expect.stringContaining('2027-01-06'),
  });
  on('2027-01-14T00:00:00Z');
  expect(await refusedLaunch(client, { datasetId, baseModel: MINI })).toMatchObject({
    code: 'BASE_MODEL_SHUT_DOWN',
  });
});

test('a run that was launched stays the same run when its key comes again after the end', async () => {
  on('2027-01-05T12:00:00Z');
  const input = { datasetId, baseModel: MINI, requestKey: 'kept' };
  const run = await launch(client, input);
  on('2027-06-01T12:00:00Z');
  expect((await launch(client, input)).id).toBe(run.id);
});

test('an undated name means the dated model', async () => {
  on('2026-08-01T12:00:00Z');
  expect((await launch(client, { datasetId, baseModel: 'gpt-4o-mini' })).baseModel).toBe(MINI);
  on('2026-12-01T12:00:00Z');
  const refused = await refusedLaunch(client, { datasetId, baseModel: 'gpt-3.5-turbo' });
  expect(refused).toMatchObject({
    code: 'BASE_MODEL_SHUT_DOWN',
    message: expect.stringContaining('gpt-3.5-turbo-0125'),
  });
});

test('the sandbox’s models never age', async () => {
  on('2099-01-01T00:00:00Z');
  const run = await launch(client, { datasetId, provider: 'sandbox', baseModel: 'sandbox-small' });
  expect(codes(run)).toEqual([]);
  expect((await readRun(client, run.id)).price).not.toBeNull();
});

test('one provider’s model is unknown to another', async () => {
  on('2026-08-01T12:00:00Z');
  expect(await refusedLaunch(client, { datasetId, provider: 'sandbox', baseModel: MINI })).toMatchObject({
    code: 'UNKNOWN_BASE_MODEL',
  });
});
