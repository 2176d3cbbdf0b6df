import { describe, expect, test } from 'vitest';
import {
  conversations,
  eventsOf,
  launch,
  refusal,
  sandboxed,
  until,
  untilOver,
  untilStatus,
  upload,
} from './support.ts';

describe('a job is steered', () => {
  test('cancelled while it runs: nothing is told or made afterwards', async () => {
    const { client } = await sandboxed({ speed: 20 });
    const { id } = await launch(client, conversations(60));
    expect((await untilStatus(client, id, 'running')).estimated_finish).toBeGreaterThan(0);
    expect((await client.fineTuning.jobs.cancel(id)).status).toBe('cancelled');
    const told = await eventsOf(client, id);
    expect(told.at(-1)?.message).toBe('Fine-tuning job cancelled');
    // Another whole job passes before looking again: a step of the cancelled one would have been told by then.
    await untilOver(client, (await launch(client, conversations(10))).id);
    expect(await eventsOf(client, id)).toEqual(told);
    const job = await client.fineTuning.jobs.retrieve(id);
    expect(job).toMatchObject({ status: 'cancelled', fine_tuned_model: null });
    expect(await refusal(client.fineTuning.jobs.cancel(id))).toMatchObject({ status: 400 });
  });

  test('cancelled after a checkpoint: the checkpoint stays and answers', async () => {
    const { client } = await sandboxed({ speed: 20 });
    const { id } = await launch(client, conversations(40));
    const model = await until(async () => {
      const [made] = (await client.fineTuning.jobs.checkpoints.list(id)).data;
      return made?.fine_tuned_model_checkpoint;
    });
    expect((await client.fineTuning.jobs.cancel(id)).fine_tuned_model).toBeNull();
    const { choices } = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Where is parcel number 8?' }],
    });
    expect(choices[0]?.message.content).toContain('Parcel 8 has reached');
  });

  test('paused and resumed: it goes through the queue and tells no step twice', async () => {
    const { client } = await sandboxed({ speed: 20 });
    const { id } = await launch(client, conversations(60));
    await untilStatus(client, id, 'running');
    expect(await client.fineTuning.jobs.pause(id)).toMatchObject({
      status: 'paused',
      estimated_finish: null,
    });
    expect(await refusal(client.fineTuning.jobs.pause(id))).toMatchObject({ status: 400 });
    const before = await eventsOf(client, id);
    expect((await client.fineTuning.jobs.resume(id)).status).toBe('queued');
    expect(await refusal(client.fineTuning.jobs.resume(id))).toMatchObject({ status: 400 });
    expect((await untilOver(client, id)).status).toBe('succeeded');
    const events = await eventsOf(client, id);
    expect(events.slice(0, before.length)).toEqual(before);
    const messages = events.map((event) => event.message);
    expect(new Set(messages).size).toBe(messages.length);
    expect(messages).toContain('Fine-tuning job resumed');
  });
});

describe('jobs are listed', () => {
  test('newest first, in pages, by metadata', async () => {
    const { client } = await sandboxed();
    const file = await upload(client, conversations(10));
    const create = (metadata: Record<string, string> | null) =>
      client.fineTuning.jobs.create({ model: 'gpt-4o-mini-2024-07-18', training_file: file.id, metadata });
    const ids: string[] = [];
    for (const run of ['a', 'b', 'a', 'c']) ids.push((await create({ run, 'team/x': 'one & two' })).id);
    ids.push((await create(null)).id);

    const listed = async (query: object) =>
      (await client.fineTuning.jobs.list(query)).data.map((job) => job.id);
    expect(await listed({})).toEqual(ids.toReversed());
    expect(await listed({ metadata: { run: 'a' } })).toEqual([ids[2], ids[0]]);
    expect(await listed({ metadata: { run: 'c', 'team/x': 'one & two' } })).toEqual([ids[3]]);
    expect(await listed({ metadata: { run: 'c', 'team/x': 'two' } })).toEqual([]);
    expect(await listed({ metadata: null })).toEqual([ids[4]]);
    const page = await client.fineTuning.jobs.list({ limit: 2 });
    expect(page).toMatchObject({ has_more: true });
    const all: string[] = [];
    for await (const job of page) all.push(job.id);
    expect(all).toEqual(ids.toReversed());
  });
});
