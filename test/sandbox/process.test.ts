import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSandboxProcess, type SandboxProcessOptions } from '../../crashtest/messages.ts';
import { jobsByRun } from '../../src/sandbox/ledger.ts';
import { clientOf, conversations, launch, refusal, tempDir, untilOver, upload } from './support.ts';

async function opened(options: Partial<SandboxProcessOptions> = {}) {
  const dataDir = await tempDir();
  const harness = await openSandboxProcess({ dataDir, speed: Infinity, ...options });
  onTestFinished(() => harness.close());
  return { harness, dataDir, client: clientOf(harness.url) };
}

const program = fileURLToPath(new URL('../../crashtest/sandbox.ts', import.meta.url));
const ofRun = (run: string) => ({ metadata: { tunesmith_run_id: run } });

describe('a sandbox in a process of its own', () => {
  test('takes plans, tells what it holds, releases it, and gives its ledger', async () => {
    const { harness, dataDir, client } = await opened();
    await harness.setFaults({ dropCreateResponses: 1 });
    await refusal(launch(client, conversations(10), ofRun('run-a')));

    await harness.setFaults({ holdUpload: true });
    const sending = upload(client, conversations(10));
    expect(await harness.held()).toEqual({ held: 'upload' });
    expect(await harness.releaseHeld()).toBe(1);
    await sending;

    await harness.setFaults({});
    const { id } = await upload(client, conversations(10));
    await harness.setFaults({ holdCreate: true });
    const create = (run: string) =>
      client.fineTuning.jobs.create({ model: 'sandbox-small-2026-01-01', training_file: id, ...ofRun(run) });
    const creating = create('run-b');
    expect(await harness.held()).toEqual({ held: 'create', runId: 'run-b' });
    const { jobs, requests } = await harness.ledger();
    expect(jobs.map(({ runId }) => runId)).toEqual(['run-a', 'run-b']);
    expect(requests).toEqual({ 'POST /v1/files': 3, 'POST /v1/fine_tuning/jobs': 2 });
    expect(await harness.releaseHeld()).toBe(1);
    expect((await creating).id).toBe(jobs[1]?.jobId);

    await harness.setFaults({});
    await untilOver(client, (await create('run-a')).id);
    expect(jobsByRun((await harness.ledger()).jobs).get('run-a')).toHaveLength(2);
    await harness.close();
    expect(await readdir(dataDir)).toEqual(['files', 'jobs']);
  });

  test('does not tell of what was released before anybody asked', async () => {
    const { harness, client } = await opened();
    await harness.setFaults({ holdUpload: true });
    const sending = upload(client, 'x');
    expect(await harness.held()).toEqual({ held: 'upload' });
    const second = upload(client, 'x');
    // Released over and over until the second one, of which nobody asked, was held and released too.
    let released = 0;
    while (released < 2) released += await harness.releaseHeld();
    await Promise.all([sending, second]);
    await harness.setFaults({});
    const { id } = await upload(client, conversations(10));
    const next = harness.held();
    await harness.setFaults({ holdCreate: true });
    const creating = refusal(
      client.fineTuning.jobs.create({
        model: 'sandbox-small-2026-01-01',
        training_file: id,
        ...ofRun('run-c'),
      }),
    );
    expect(await next).toEqual({ held: 'create', runId: 'run-c' });
    await harness.close();
    await creating;
  });

  test('refuses a wrong plan without ending, and rejects what is waited for when it ends', async () => {
    const { harness } = await opened();
    await expect(harness.setFaults({ failAfter: 2 })).rejects.toThrow('Too big');
    expect((await harness.ledger()).jobs).toEqual([]);
    const waiting = harness.held();
    await Promise.all([expect(waiting).rejects.toThrow("The sandbox's process ended (0)."), harness.close()]);
    await expect(harness.ledger()).rejects.toThrow('ended');
    await harness.close();
  });

  test('that cannot listen is an error', async () => {
    const { harness } = await opened();
    const port = Number(new URL(harness.url).port);
    const dataDir = await tempDir();
    await expect(openSandboxProcess({ dataDir, port })).rejects.toThrow('ended (1)');
  });

  test('runs as a bundle', async () => {
    const outfile = join(await tempDir(), 'sandbox.mjs');
    await build({
      entryPoints: [program],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const { client } = await opened({ entry: new URL(`file://${outfile}`) });
    expect((await untilOver(client, (await launch(client, conversations(10))).id)).status).toBe('succeeded');
  });

  test('ends on a message that is none of its own', async () => {
    const child = fork(program, ['--data-dir', await tempDir()], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    expect(await once(child, 'message')).toMatchObject([{ url: expect.any(String) }, undefined]);
    child.send({ faults: { failAfter: 2 } });
    expect(await exited).toEqual([1, null]);
  });
});
