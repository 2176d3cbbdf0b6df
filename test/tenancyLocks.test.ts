/**
 * Tenants are kept apart by two locks: row level security, and the tenant that services name in every query. With either
 * of them broken the other holds: over HTTP and WebSocket, for every id that can be given, and for downloads.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/db/database.ts';
import { openTestDatabase } from './support/database.ts';
import {
  answerTo,
  Everything,
  MISSING,
  missing,
  places,
  setForeignScene,
  typeAt,
  type Place,
  type Scene,
} from './support/foreignIds.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let db: Database;
let whole: TestServer;
let scene: Scene;
/** What the owner's things hold that nobody else may see. */
const SECRETS = /secret number|I may not tell|Q twice|"Secret"/;

beforeAll(async () => {
  db = await openTestDatabase();
  whole = await startTestServer({ db });
  scene = await setForeignScene(whole);
}, 120_000);
afterAll(async () => {
  await whole.close();
  await db.close();
});

/**
 * Past the roles, as whoever owns the tables. Each in a transaction of its own: one that waits for a table while it holds
 * another would wait in a circle with a job that reads both.
 */
async function rowLevelSecurity(state: 'ENABLE' | 'DISABLE'): Promise<void> {
  const tables = await db.asSystem(
    (tx) => tx.$queryRaw<{ name: string }[]>`
      SELECT DISTINCT quote_ident(table_name) AS name FROM information_schema.columns
      WHERE table_schema = current_schema() AND column_name = 'tenant_id'
        AND table_name NOT IN (SELECT viewname FROM pg_views WHERE schemaname = current_schema())`,
  );
  for (const { name } of tables)
    await db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      await tx.$executeRawUnsafe(`ALTER TABLE ${name} ${state} ROW LEVEL SECURITY`);
    });
}

/** What the owner sees of their own, but for what goes on by itself. */
async function everything(): Promise<unknown> {
  return { ...(await scene.owner.run(Everything, {})), trainingRuns: expect.anything() };
}

async function expectNothingLeaks(
  place: Place,
  stranger: Scene['stranger'],
  transport: 'HTTP' | 'WebSocket',
) {
  const type = typeAt(place.field, place.path);
  const id = Buffer.from(scene.ids[type], 'base64').toString().split(':')[1] ?? '';
  const asked = { stranger, baseModel: scene.baseModel };
  const answer = JSON.stringify(await answerTo(asked, place, scene.ids[type], transport));
  const expected = JSON.stringify(await answerTo(asked, place, missing(type), transport));
  expect(answer).not.toMatch(SECRETS);
  // Not refused before it was looked for.
  expect(expected).toMatch(place.kind === 'mutation' ? /NOT_FOUND/ : /./);
  expect(answer.replaceAll(id, MISSING)).toBe(expected);
}

describe.each(['HTTP', 'WebSocket'] as const)('over %s', (transport) => {
  describe('with row level security off, the services alone', () => {
    let before: unknown;
    beforeAll(async () => {
      before = await everything();
      await rowLevelSecurity('DISABLE');
    });
    afterAll(() => rowLevelSecurity('ENABLE'));

    test('really are alone', async () => {
      const seen = await db.withTenant(scene.stranger.tenantId, (tx) => tx.dataset.findMany());
      expect(seen.map(({ tenantId }) => tenantId)).toContain(scene.owner.tenantId);
    });

    test.each(places)('keep $name apart', (place) => expectNothingLeaks(place, scene.stranger, transport));

    test('and nothing of the owner’s has changed', async () => {
      expect(await scene.owner.run(Everything, {})).toEqual(before);
    });
  });

  describe('with services that name the wrong tenant, row level security alone', () => {
    let server: TestServer;
    let confused: Scene['stranger'];
    let before: unknown;
    beforeAll(async () => {
      before = await everything();
      const { tenantId } = scene.stranger;
      // Every query names the owner, and the database is told that it is the stranger who asks.
      const stranger: Database = {
        ...db,
        withTenant: (_named, work) => db.withTenant(tenantId, work),
        clientOf: () => db.clientOf(tenantId),
      };
      server = await startTestServer({ db: stranger, sandbox: whole.sandbox, scheduled: false });
      confused = server.asTenant(scene.owner.tenantId);
    }, 60_000);
    afterAll(() => server.close());

    test('really is alone', async () => {
      const { system } = server;
      const links = system.services.downloadLinks;
      expect(links.sign(scene.owner.tenantId, MISSING, 'TRAINING')).toContain(scene.owner.tenantId);
      const own = await confused.answer('{ datasets { totalCount } }');
      expect(own).toEqual({ data: { datasets: { totalCount: 0 } } });
    });

    test.each(places)('keeps $name apart', (place) => expectNothingLeaks(place, confused, transport));

    test('downloads too', async () => {
      const id = Buffer.from(scene.ids.Export, 'base64').toString().split(':')[1] ?? '';
      const url = server.system.services.downloadLinks.sign(scene.owner.tenantId, id, 'TRAINING');
      const response = await fetch(url);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toMatch(SECRETS);
    });

    test('and nothing of the owner’s has changed', async () => {
      expect(await scene.owner.run(Everything, {})).toEqual(before);
    });
  });
});
