import { readdirSync, readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';
import { addExamples, example } from './support/calls.ts';
import { openSocket } from './support/follow.ts';
import { newTenant, sharedServer } from './support/server.ts';
import type { TestClient } from './support/client.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

const folder = new URL('../examples/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.graphql'));
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

describe('each example', () => {
  test.each(files)('%s fits the schema', (name) => {
    expect(validate(schema, parse(read(name)))).toEqual([]);
    expect(read(name)).toMatch(/^# /);
  });
});

async function run(
  client: TestClient,
  name: string,
  ids: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const { data, errors } = await client.answer(withIds(name, ids));
  expect(errors, name).toBeUndefined();
  const [result] = Object.values(data ?? {});
  expect(result, name).not.toHaveProperty('code');
  return result as Record<string, unknown>;
}

/** The example as a reader pastes it, with the ids put where it says so. */
function withIds(name: string, ids: Record<string, string>): string {
  let text = read(name);
  for (const [place, id] of Object.entries(ids)) {
    expect(text, name).toContain(place);
    text = text.replaceAll(place, id);
  }
  expect(text, name).not.toMatch(/THE ID/);
  return text;
}

test('the six steps run as they are, one after the other', async () => {
  const client = await newTenant();
  expect(await run(client, 'import.graphql')).toMatchObject({ stored: 7, rejected: 0 });
  const dataset = await run(client, '1-create.graphql');
  const one = { 'THE ID FROM STEP 1': String(dataset['id']) };
  const collected = await run(client, '2-collect.graphql', one);
  // As many as a launch needs, and more: whoever has only GraphiQL's tabs comes to the end of them.
  expect(collected['added']).toBeGreaterThanOrEqual(10);
  const before = await client.answer(withIds('before-launch.graphql', one));
  expect(before).toMatchObject({
    data: {
      preflight: { ok: true, checked: collected['added'] },
      dataset: {
        tokens: expect.any(Number),
        costEstimate: { costUsd: { expected: expect.any(Number) } },
        report: { counts: { validated: collected['added'] }, latestSplit: null },
      },
    },
  });
  const exported = await run(client, '3-export.graphql', one);
  expect(exported['exampleCount']).toBe(collected['added']);
  const file = await fetch(String(exported['downloadUrl']));
  expect((await file.text()).trimEnd().split('\n')).toHaveLength(Number(exported['exampleCount']));

  const launched = await run(client, '4-launch.graphql', { 'THE ID FROM STEP 3': String(exported['id']) });
  expect(launched).toMatchObject({ status: 'PREPARING', baseModel: 'sandbox-small-2026-01-01' });
  const four = { 'THE ID FROM STEP 4': String(launched['id']) };
  const socket = openSocket(client);
  const { data, errors } = await socket.until(withIds('5-monitor.graphql', four));
  await socket.close();
  expect(errors).toEqual([]);
  expect(data.at(-1)).toMatchObject({
    trainingRunUpdated: { status: 'SUCCEEDED', resultModelId: expect.any(String) },
  });
  const answer = await run(client, '6-use.graphql', four);
  expect(answer['content']).toMatch(/book/);

  const runs = (await client.answer(read('runs.graphql'))).data;
  expect(runs).toMatchObject({
    trainingRuns: { edges: [{ node: { id: launched['id'], status: 'SUCCEEDED' } }] },
  });
});

test('a review session: take, judge, see how it stands', async () => {
  const client = await newTenant();
  const dataset = await run(client, '1-create.graphql');
  const one = { 'THE ID FROM STEP 1': String(dataset['id']) };
  await addExamples(client, String(dataset['id']), [example('Is the lamp in stock?')]);
  const taken = await run(client, 'review-take.graphql', one);
  const { id } = taken['example'] as { id: string };
  expect(await run(client, 'review-judge.graphql', { 'THE ID OF THE EXAMPLE': id })).toMatchObject({
    verdict: 'ACCEPT',
    example: { validated: true, averageRating: 4 },
  });
  expect(await run(client, 'review-status.graphql', one)).toMatchObject({
    reviewStatus: { undecided: 0, reviewed: 1, reviewers: [{ reviewer: 'tester', accepted: 1 }] },
  });
});
