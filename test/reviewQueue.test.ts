/** The queue: who is handed which example, for how long, in which order. */
import { beforeAll, expect, test } from 'vitest';
import { Prisma } from '../src/generated/prisma/client.ts';
import { queueQuery } from '../src/services/reviewQueue.ts';
import { addExamples, example, newDataset } from './support/calls.ts';
import { reject, validate } from './support/review.ts';
import {
  accept,
  decline,
  edit,
  letLeasesLapse,
  newRoom,
  release,
  rowId,
  searched,
  statusOf,
  take,
  takeWords,
} from './support/reviewers.ts';
import { newTenant, sharedServer } from './support/server.ts';

beforeAll(sharedServer, 120_000);

test('holds an example for whoever asks, and gives the same again for the full time', async () => {
  const { alice, datasetId, ids } = await newRoom([0.5, 0.9]);
  const first = await take(alice, datasetId);
  expect(first).toMatchObject({
    example: { id: ids[0], userMessage: 'Q0', revision: 1 },
    heldByOthers: 0,
    waitingForOthers: 0,
    dataset: { reviewStatus: { undecided: 2, leased: 1 } },
  });
  const seconds = (Date.parse(first.heldUntil ?? '') - Date.parse(first.takenAt ?? '')) / 1000;
  expect(seconds).toBe(300);
  const again = await take(alice, datasetId);
  expect(again.example?.id).toBe(first.example?.id);
  expect(again.takenAt).toBe(first.takenAt);
  expect(Date.parse(again.heldUntil ?? '')).toBeGreaterThan(Date.parse(first.heldUntil ?? ''));
});

test('no two have the same, and nobody is given one that they have judged', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5, 0.6], { minReviews: 2 });
  expect(await takeWords(alice, datasetId)).toBe('Q0');
  expect(await takeWords(bob, datasetId)).toBe('Q1');
  expect(await take(carol, datasetId)).toMatchObject({
    example: null,
    takenAt: null,
    heldUntil: null,
    heldByOthers: 2,
    waitingForOthers: 0,
    dataset: { reviewStatus: { undecided: 2, leased: 2 } },
  });
  await accept(alice, ids[0] ?? '');
  expect(await takeWords(alice, datasetId)).toBeNull();
  await accept(bob, ids[1] ?? '');
  expect(await takeWords(alice, datasetId)).toBe('Q1');
  await accept(alice, ids[1] ?? '');
  expect(await take(alice, datasetId)).toMatchObject({ example: null, heldByOthers: 0, waitingForOthers: 1 });
  expect(await takeWords(bob, datasetId)).toBe('Q0');
});

test('what is given back or not asked for again in time, the next one gets', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5, 0.6]);
  await take(alice, datasetId);
  expect(await release(alice, ids[0] ?? '')).toEqual({ __typename: 'Example', id: ids[0] });
  expect(await release(alice, ids[0] ?? '')).toMatchObject({ __typename: 'Example' });
  expect(await takeWords(bob, datasetId)).toBe('Q0');
  await release(alice, ids[0] ?? '');
  expect(await takeWords(alice, datasetId)).toBe('Q1'); // Bob's stayed his.
  await letLeasesLapse(alice);
  expect((await statusOf(alice, datasetId)).leased).toBe(0);
  expect(await takeWords(carol, datasetId)).toBe('Q0');
  expect(await takeWords(bob, datasetId)).toBe('Q1');
  expect(await takeWords(alice, datasetId)).toBeNull();
});

test('what is put off comes last for who put it off, and at once for the others', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5, 0.6, 0.7]);
  expect(await takeWords(alice, datasetId)).toBe('Q0');
  expect(await takeWords(alice, datasetId, true)).toBe('Q1');
  expect(await takeWords(bob, datasetId)).toBe('Q0');
  expect(await takeWords(alice, datasetId, true)).toBe('Q2');
  await accept(alice, ids[2] ?? '');
  await release(bob, ids[0] ?? '');
  expect(await takeWords(alice, datasetId)).toBe('Q0');
  expect(await takeWords(alice, datasetId, true)).toBe('Q1');
  await accept(alice, ids[1] ?? '');
  await accept(alice, ids[0] ?? '');
  expect(await takeWords(alice, datasetId)).toBeNull();
});

test('the order: contested, begun, flagged, then the quality that says least, the lower before the higher', async () => {
  const qualities = [1, 0.6, undefined, 0.4, 0.2, 0.9, 0.95, 0.97, 0.6, 0.99];
  const { alice, bob, carol, datasetId, ids } = await newRoom(qualities, { minReviews: 3 });
  const [, , , , , , begun = '', flagged = '', , contested = ''] = ids;
  for (const who of [alice, bob]) await accept(who, contested);
  await decline(bob.as('dave'), contested);
  await accept(bob, begun);
  await edit(alice, flagged, 'Write to ann@example.com, please.');
  await searched(alice, datasetId);
  // Three have judged the contested one and it is decided, two to one; it comes back when one takes it back.
  const order: (string | null)[] = [];
  for (let n = 0; n < 9; n += 1) {
    order.push(await takeWords(carol, datasetId));
    await reject(carol, { ids: [ids[Number(order.at(-1)?.slice(1))] ?? ''] });
  }
  expect(order).toEqual(['Q6', 'Q7', 'Q2', 'Q3', 'Q1', 'Q8', 'Q4', 'Q5', 'Q0']);
  expect(await takeWords(carol, datasetId)).toBeNull();
});

test('a contested example comes before one that more reviewers agree on, and that before one with fewer', async () => {
  const { alice, bob, carol, datasetId, ids } = await newRoom([0.5, 0.5, 0.5, 0.5], { minReviews: 5 });
  const [, fewer = '', more = '', contested = ''] = ids;
  const dave = alice.as('dave');
  await accept(alice, fewer);
  for (const who of [alice, bob, dave]) await accept(who, more);
  await accept(alice, contested);
  await decline(bob, contested);
  expect(await takeWords(carol, datasetId)).toBe('Q3');
  expect(await takeWords(carol, datasetId, true)).toBe('Q2');
  expect(await takeWords(carol, datasetId, true)).toBe('Q1');
  expect(await takeWords(carol, datasetId, true)).toBe('Q0');
});

test('what was found in an older wording flags nothing', async () => {
  const { alice, datasetId, ids } = await newRoom([0.5, 0.9]);
  const next = async () => {
    await searched(alice, datasetId);
    const words = await takeWords(alice, datasetId);
    await release(alice, ids[Number(words?.slice(1))] ?? '');
    return words;
  };
  expect(await next()).toBe('Q0');
  await edit(alice, ids[1] ?? '', 'Write to ann@example.com, please.');
  expect(await next()).toBe('Q1');
  await edit(alice, ids[1] ?? '', 'Write to us, please.');
  expect(await next()).toBe('Q0');
});

test('a direct decision takes an example out of the queue, also out of hands', async () => {
  const { alice, bob, datasetId, ids } = await newRoom([0.5, 0.6, 0.7]);
  await take(alice, datasetId);
  await validate(bob, { ids: ids.slice(0, 1) });
  expect(await accept(alice, ids[0] ?? '')).toMatchObject({ code: 'ALREADY_DECIDED' });
  expect((await statusOf(alice, datasetId)).leased).toBe(0);
  expect(await takeWords(alice, datasetId)).toBe('Q1');
  await reject(bob, { datasetId, filter: { validated: false } });
  expect(await takeWords(alice, datasetId)).toBeNull();
});

test('thirty reviewers at once get thirty examples, the first thirty of the queue', async () => {
  const tenant = await newTenant();
  const datasetId = await newDataset(tenant);
  const examples = Array.from({ length: 40 }, (_, at) => example(`Q${at}`, undefined, 0.5));
  await addExamples(tenant, datasetId, examples);
  const people = Array.from({ length: 30 }, (_, n) => tenant.as(`reviewer ${n}`));
  const words = await Promise.all(people.map((one) => takeWords(one, datasetId)));
  const sorted = words.map((one) => Number(one?.slice(1))).toSorted((a, b) => a - b);
  expect(sorted).toEqual(Array.from({ length: 30 }, (_, at) => at));
  const again = await Promise.all(people.map((one) => takeWords(one, datasetId)));
  expect(again).toEqual(words);
});

test('reviewers at work side by side finish everything, each example with as many as are wanted', async () => {
  const tenant = await newTenant();
  const datasetId = await newDataset(tenant, 'Busy', { minReviews: 2 });
  await addExamples(
    tenant,
    datasetId,
    Array.from({ length: 12 }, (_, at) => example(`Q${at}`)),
  );
  const judged: string[] = [];
  async function work(name: string): Promise<void> {
    const person = tenant.as(name);
    for (;;) {
      const { example: held, dataset } = await take(person, datasetId);
      if (held) {
        judged.push(`${name} ${held.id}`);
        await accept(person, held.id);
      } else if (dataset.reviewStatus.undecided === 0) return;
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(work));
  expect(judged).toHaveLength(24);
  expect(new Set(judged).size).toBe(24);
  expect(await statusOf(tenant, datasetId)).toMatchObject({ undecided: 0, inReview: 0, reviewed: 12 });
});

test('one who asks twice at once holds one example', async () => {
  const { alice, datasetId } = await newRoom([0.5, 0.6, 0.7]);
  const words = await Promise.all([1, 2, 3, 4].map(() => takeWords(alice, datasetId)));
  expect(words).toEqual(['Q0', 'Q0', 'Q0', 'Q0']);
});

test('the queue is read from its index, and not sorted', async () => {
  const { tenant, datasetId } = await newRoom([]);
  const { db } = await sharedServer();
  const { tenantId } = tenant;
  let lines: string[] = [];
  const looked = db.withTenant(tenantId, async (tx) => {
    await tx.$executeRaw`
      INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        quality_score, source, content_hash)
      SELECT ${tenantId}::uuid, ${rowId(datasetId)}::uuid, n, '[]', '', '', round(random()::numeric, 2), 'MANUAL',
        sha256(n::text::bytea)
      FROM generate_series(1, 5000) AS n`;
    await tx.$executeRaw`SELECT set_config('enable_sort', 'off', true)`; // As the service does.
    const query = queueQuery({ tenantId, subject: 'alice', role: 'ADMIN' as const }, rowId(datasetId));
    const plan = await tx.$queryRaw<{ 'QUERY PLAN': string }[]>(
      Prisma.sql`EXPLAIN (ANALYZE, TIMING OFF) ${query}`,
    );
    lines = plan.map((row) => row['QUERY PLAN']);
    throw new Error('Enough seen');
  });
  await expect(looked).rejects.toThrow('Enough seen');
  const reads = lines.filter((line) => /Scan.* on finetuning_examples/.test(line));
  expect(reads).toHaveLength(3);
  for (const read of reads) {
    expect(read).toContain('finetuning_examples_review_queue');
    expect(Number(/actual rows=(\d+)/.exec(read)?.[1])).toBeLessThanOrEqual(1);
  }
});

test('knows no dataset or example of others', async () => {
  const { alice, datasetId, ids } = await newRoom([0.5]);
  const stranger = (await newTenant()).as('alice');
  await expect(take(stranger, datasetId)).rejects.toThrow(/NOT_FOUND/);
  await expect(take(alice, ids[0] ?? '')).rejects.toThrow(/INVALID_INPUT/);
  expect(await release(stranger, ids[0] ?? '')).toMatchObject({ code: 'NOT_FOUND' });
  expect(await release(alice, datasetId)).toMatchObject({ code: 'INVALID_INPUT' });
});
