/** A server whose database is gone. */
import { expect, test } from 'vitest';
import { openTestDatabase } from './support/database.ts';
import { send } from './support/rawHttp.ts';
import { startTestServer } from './support/server.ts';
import { openSocket } from './support/follow.ts';

test('without its database a server is live, not ready, and tells no secrets', async () => {
  const db = await openTestDatabase(() => undefined);
  const server = await startTestServer({ db, pollPattern: '0 0 0 1 1 *' });
  const client = await server.asNewTenant();
  await db.close();

  expect((await send(`${server.url}/health/live`)).status).toBe(200);
  const ready = await send(`${server.url}/health/ready`);
  expect([ready.status, JSON.parse(ready.body)]).toEqual([
    503,
    {
      status: 'not ready',
      reason: 'database, migrations',
      checks: { database: 'failed', migrations: 'failed', store: 'ok' },
    },
  ]);

  const masked = (
    errors: readonly { message: string; extensions?: Record<string, unknown> }[] | undefined,
  ) => {
    expect(errors).toHaveLength(1);
    const errorId = String(errors?.[0]?.extensions?.['errorId']);
    expect(errors).toMatchObject([
      {
        message: `Something went wrong on our side; the log has it as ${errorId}.`,
        extensions: { code: 'INTERNAL_ERROR', errorId: expect.any(String) },
      },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/prisma|pool|node_modules|stack/i);
    expect(server.logged.filter((line) => line.includes(errorId))).toHaveLength(1);
  };
  masked((await client.answer('{ datasets { totalCount } }')).errors);
  masked((await client.answer('mutation { createDataset(input: { name: "x" }) { __typename } }')).errors);
  const socket = openSocket(client);
  masked((await socket.until('{ datasets { totalCount } }')).errors);
  masked((await socket.until('subscription { trainingRunsUpdated { id } }')).errors);
  await socket.close();

  const imported = await client.fetch('/import/call-transcriptions', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: '{"call_sid":"CA1","created_at":"2026-11-01T10:00:00Z"}\n',
  });
  expect(imported.status).toBe(500);
  const { error } = (await imported.json()) as { error: { code: string; message: string } };
  expect(error).toMatchObject({
    code: 'INTERNAL_ERROR',
    message: expect.stringContaining('the log has it as'),
  });
  await server.close();
}, 120_000);
