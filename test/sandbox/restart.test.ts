import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';
import {
  clientOf,
  conversations,
  eventsOf,
  launch,
  tempDir,
  until,
  untilOver,
  untilStatus,
  upload,
} from './support.ts';

async function spawned(dataDir: string, speed: number): Promise<{ url: string; child: ChildProcess }> {
  const script = fileURLToPath(new URL('serve.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir, String(speed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const url of createInterface({ input: child.stdout })) return { url, child };
  throw new Error('The sandbox printed no URL.');
}

/** Starts on the directory again and checks that the job goes on to its end, telling nothing twice. */
async function goesOn(
  dataDir: string,
  before: Awaited<ReturnType<typeof eventsOf>>,
  job: { id: string; created_at: number },
) {
  const sandbox = await startSandbox({ dataDir, speed: Infinity });
  onTestFinished(() => sandbox.close());
  const client = clientOf(sandbox.url);
  const done = await untilOver(client, job.id);
  expect(done).toMatchObject({ id: job.id, created_at: job.created_at, status: 'succeeded' });
  const events = await eventsOf(client, job.id);
  expect(events.slice(0, before.length)).toEqual(before);
  const messages = events.map((event) => event.message);
  expect(new Set(messages).size).toBe(messages.length);
  expect((await client.fineTuning.jobs.list()).data).toHaveLength(1);
  return { sandbox, client, done };
}

describe('a data directory', () => {
  test('carries a job over kill -9 in the middle of its run', async () => {
    const dataDir = await tempDir();
    const { url, child } = await spawned(dataDir, 10);
    const client = clientOf(url);
    const job = await launch(client, conversations(60), { suffix: 'kept' });
    const before = await until(async () => {
      const events = await eventsOf(client, job.id);
      return events.length > 30 ? events : undefined;
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = await goesOn(dataDir, before, job);
    const { choices } = await again.client.chat.completions.create({
      model: again.done.fine_tuned_model ?? '',
      messages: [{ role: 'user', content: 'Where is parcel number 31?' }],
    });
    expect(choices[0]?.message.content).toContain('Parcel 31 has reached');
  });

  test('carries a job over kill -9 right after it was accepted', async () => {
    const dataDir = await tempDir();
    const { url, child } = await spawned(dataDir, 1);
    const job = await launch(clientOf(url), conversations(20));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { done } = await goesOn(dataDir, [], job);
    expect(done.trained_tokens).toBeGreaterThan(0);
  });

  test('is cleared of what a crash left half written', async () => {
    const dataDir = await tempDir();
    const first = await startSandbox({ dataDir });
    const job = await launch(clientOf(first.url), conversations(20));
    const before = await eventsOf(clientOf(first.url), job.id);
    await first.close();
    await appendFile(join(dataDir, 'jobs', `${job.id}.events`), '{"key":"validated","event":{"obj');
    await writeFile(join(dataDir, 'jobs', 'ftjob-never.events'), '{}\n');
    await writeFile(join(dataDir, 'jobs', `${job.id}.json.9.tmp`), '{');
    await writeFile(join(dataDir, 'files', 'file-never.part'), '{"mess');
    const { sandbox, client } = await goesOn(dataDir, before, job);
    const events = await eventsOf(client, job.id);
    await sandbox.close();
    // A torn line left in the log would now have swallowed the event written after it.
    await goesOn(dataDir, events, job);
    const left = [...(await readdir(join(dataDir, 'jobs'))), ...(await readdir(join(dataDir, 'files')))];
    expect(left.filter((name) => /never|tmp|part/.test(name))).toEqual([]);
  });

  test('keeps files, order, paused jobs and deleted models', async () => {
    const dataDir = await tempDir();
    const first = await startSandbox({ dataDir, speed: 20 });
    const client = clientOf(first.url);
    const files = [await upload(client, 'a\n'), await upload(client, 'b\n')];
    const done = await untilOver(client, (await launch(client, conversations(10))).id);
    await client.models.delete(done.fine_tuned_model ?? '');
    const paused = await launch(client, conversations(60));
    await untilStatus(client, paused.id, 'running');
    await client.fineTuning.jobs.pause(paused.id);
    const state = async (asked: typeof client) => ({
      files: (await asked.files.list()).data,
      jobs: (await asked.fineTuning.jobs.list()).data,
      models: (await asked.models.list()).data,
      events: await eventsOf(asked, paused.id),
      bytes: await (await asked.files.content(files[0]?.id ?? '')).text(),
    });
    const before = await state(client);
    expect(before.models.map((model) => model.id)).not.toContain(done.fine_tuned_model);
    await first.close();
    const second = await startSandbox({ dataDir, speed: Infinity });
    onTestFinished(() => second.close());
    expect(await state(clientOf(second.url))).toEqual(before);
    await clientOf(second.url).fineTuning.jobs.resume(paused.id);
    expect((await untilOver(clientOf(second.url), paused.id)).status).toBe('succeeded');
  });
});
