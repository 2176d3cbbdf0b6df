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
    const rounds = [
      { count: 100, rows: -1 },
      { count: 200, rows: -1 },
      { count: 200, rows: 500 }, // It is looked at after the answer, which does not wait for it.
      { count: 125, rows: 500 },
      { count: 100, rows: 500 }, // Nor was it after those before.
    ];
    for (const [round, { count, rows }] of rounds.entries()) {
      const examples = Array.from({ length: count }, (_, n) => example(`Question ${round}.${n}?`));
      await addExamples(client, datasetId, examples);
      await expect.poll(believed).toBe(rows);
    }
  } finally {
    await server.close();
  }
});
