import { expect, test } from 'vitest';
import { addExamples, example, newDataset } from './support/calls.ts';
import { startTestServer } from './support/server.ts';

test('the database looks at a table anew when it has grown by much, by whatever it was', async () => {
  const server = await startTestServer();
  try {
    const client = await server.asNewTenant();
    const datasetId = await newDataset(client);
    /** What the database believes the table to hold; -1 before it has ever looked. */
    const believed = () =>
      server.db.asSystem(async (tx) => {
        const [row] = await tx.$queryRaw<{ rows: number }[]>`
          SELECT reltuples::int AS rows FROM pg_class WHERE relname = 'finetuning_examples'`;
        return row?.rows;
      });
    const added: number[] = [];
    const seen: (number | undefined)[] = [];
    for (const count of [100, 200, 200, 125]) {
      await addExamples(
        client,
        datasetId,
        Array.from({ length: count }, (_, n) => example(`Question ${added.length}.${n}?`)),
      );
      added.push(count);
      seen.push(await believed());
    }
    expect(seen).toEqual([-1, -1, 500, 500]);
  } finally {
    await server.close();
  }
});
