/** The server goes down and comes back: runs go on where they were. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startSandbox } from '../src/sandbox/server.ts';
import { Events } from './support/runDocuments.ts';
import { ended, launch, newDataset, reached, readRun, rowId } from './support/runs.ts';
import { sandboxProvider } from './support/server.ts';
import { db, serverWith, setUpWorkshop } from './support/workshop.ts';

setUpWorkshop();

test('servers that come and go finish a run without losing or doubling an event', async () => {
  const sandbox = await startSandbox({ speed: 2 });
  const provider = sandboxProvider(sandbox);
  const first = await serverWith(provider);
  const client = await first.asNewTenant();
  const { id } = await launch(client, {
    datasetId: await newDataset(client, 20),
    hyperparameters: { nEpochs: 3 },
  });
  await reached(client, id, 'RUNNING');
  const seen = (await readRun(client, id)).lastSeq;
  await first.close();

  const second = await serverWith(provider);
  const again = second.asTenant(client.tenantId);
  const seqs: number[] = [];
  for await (const { trainingRunEvents } of again.follow(Events, { id, afterSeq: seen }))
    seqs.push(trainingRunEvents.seq);
  const run = await ended(again, id);
  expect(run.status).toBe('SUCCEEDED');
  expect(seqs).toEqual(Array.from({ length: run.lastSeq - seen }, (_, index) => seen + index + 1));

  const answered = await fetch(`${sandbox.url}/fine_tuning/jobs/${run.providerJobId}/events?limit=100`, {
    headers: { authorization: 'Bearer sandbox' },
  });
  const { data } = (await answered.json()) as { data: { id: string }[] };
  const kept = await db.withTenant(client.tenantId, (tx) =>
    tx.runEvent.findMany({
      where: { runId: rowId(id), type: { in: ['MESSAGE', 'METRICS'] }, providerEventId: { not: null } },
    }),
  );
  expect(kept).toHaveLength(data.length);
  expect(new Set(kept.map((event) => event.providerEventId))).toEqual(new Set(data.map((event) => event.id)));
  await second.close();
  await sandbox.close();
});

test('a sandbox that restarts as well loses no job', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tunesmith-restart-'));
  const before = await startSandbox({ speed: 2, dataDir });
  const port = Number(new URL(before.url).port);
  const server = await serverWith(sandboxProvider(before));
  const client = await server.asNewTenant();
  const { id } = await launch(client, { datasetId: await newDataset(client, 20) });
  await reached(client, id, 'RUNNING');
  await before.close();
  const after = await startSandbox({ speed: 2, dataDir, port });
  expect((await ended(client, id)).status).toBe('SUCCEEDED');
  await server.close();
  await after.close();
});
