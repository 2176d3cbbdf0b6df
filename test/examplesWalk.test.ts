/** Walking through the examples of a dataset that changes meanwhile. */
import { expect, test } from 'vitest';
import { addExamples, example, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { page, walk } from './support/examplePages.ts';
import { validate } from './support/review.ts';
import { newTenant } from './support/server.ts';

const questions = Array.from({ length: 9 }, (_, index) => `Question ${index}`);
async function nineExamples(): Promise<[TestClient, string]> {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(
    client,
    datasetId,
    questions.map((question) => example(question)),
  );
  return [client, datasetId];
}

test('is walked without a gap or a repeat while examples are added', async () => {
  const [client, datasetId] = await nineExamples();
  let added = 0;
  const addOne = async () =>
    void (added < 6 && (await addExamples(client, datasetId, [example(`New ${(added += 1)}`)])));
  expect(await walk(client, datasetId, { first: 2 }, addOne)).toEqual([
    ...questions,
    ...Array.from({ length: added }, (_, index) => `New ${index + 1}`),
  ]);
  added = 5;
  expect((await walk(client, datasetId, { last: 4 }, addOne)).slice(0, 9)).toEqual(questions);
});

test.each([{ first: 2 }, { last: 2 }])(
  'is reviewed page by page without missing one, by %j',
  async (size) => {
    const [client, datasetId] = await nineExamples();
    const review = async (contents: string[]) => {
      for (const search of contents) await validate(client, { datasetId, filter: { search } });
    };
    expect(await walk(client, datasetId, { ...size, filter: { validated: false } }, review)).toEqual(
      questions,
    );
    expect((await page(client, datasetId, { filter: { validated: false } })).contents).toEqual([]);
  },
);
