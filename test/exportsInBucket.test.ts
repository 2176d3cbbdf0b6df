/** The whole way of an export whose files lie in a bucket, over GraphQL and signed links. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addExamples, example, newDataset } from './support/calls.ts';
import { exportOf, sha256 } from './support/exportOf.ts';
import { startS3 } from './support/s3.ts';
import { startTestServer } from './support/server.ts';

test('a bucket that is lost makes the server not ready, and the log says what to mend', async () => {
  const spool = await mkdtemp(join(tmpdir(), 'tunesmith-spool-'));
  const s3 = await startS3();
  const server = await startTestServer({ store: s3.store('', spool, { bucket: 'lost' }), scheduled: false });
  try {
    const ready = await fetch(`${server.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ checks: { database: 'ok', store: 'failed' } });
    expect(server.logged.join('')).toMatch(
      /There is no bucket lost at [\d.:]+\. Make it, or check S3_BUCKET/,
    );
  } finally {
    await server.close();
    await s3.close();
    await rm(spool, { recursive: true, force: true });
  }
});

test('is downloaded by its link, whole and in part, and a lost object is written again', async () => {
  const spool = await mkdtemp(join(tmpdir(), 'tunesmith-spool-'));
  const s3 = await startS3();
  const store = s3.store('whole/', spool);
  const server = await startTestServer({ store });
  try {
    const client = await server.asNewTenant();
    const datasetId = await newDataset(client);
    await addExamples(client, datasetId, [example('A'), example('B')], true);
    const made = await exportOf(client, datasetId);
    const whole = Buffer.from(await (await fetch(made.downloadUrl)).arrayBuffer());
    expect(sha256(whole)).toBe(made.sha256);
    const part = await fetch(made.downloadUrl, { headers: { range: 'bytes=3-9' } });
    expect(part.status).toBe(206);
    expect(await part.text()).toBe(whole.subarray(3, 10).toString());
    const key = `${client.tenantId}/${made.sha256}.jsonl`;
    expect(await store.size(key)).toBe(whole.length);
    // A lost object is written again by the next export.
    await store.delete(key);
    expect(await exportOf(client, datasetId)).toMatchObject({ id: made.id });
    expect(await store.size(key)).toBe(whole.length);
  } finally {
    await server.close();
    await s3.close();
    await rm(spool, { recursive: true, force: true });
  }
});
