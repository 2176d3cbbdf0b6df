/** Answers are told again until what they tell changes, to those for whom they are. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TableWakeUp } from '../src/db/notifications.ts';
import { noteStatement, notingSources, type Sources } from '../src/db/sources.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { withNotedSubject } from '../src/schema/context.ts';
import { createMemoryCache, DEFAULT_CACHE, type Question } from '../src/http/responseCache.ts';
import type { Viewer } from '../src/services/viewer.ts';
import type { TestClient } from './support/client.ts';
import { createServerDatabase, openTestDatabase } from './support/database.ts';
import { readSeries } from './support/prometheus.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const Names = graphql(`
  query CachedNames {
    datasets(first: 100) {
      edges {
        node {
          name
          exampleCount
        }
      }
    }
  }
`);
const Make = graphql(`
  mutation CachedMake($name: String!) {
    createDataset(input: { name: $name, systemPrompt: "Answer." }) {
      ... on Dataset {
        id
      }
    }
  }
`);
const Rename = graphql(`
  mutation CachedRename($id: ID!, $name: String!) {
    updateDataset(input: { id: $id, name: $name }) {
      ... on Dataset {
        id
      }
    }
  }
`);
const Calls = graphql(`
  query CachedCalls {
    callTranscriptions {
      totalCount
    }
  }
`);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    scheduled: false,
    responseCache: ({ notifications }) => createMemoryCache({ notifications, ...DEFAULT_CACHE }),
  });
});
afterAll(() => server.close());

async function lookUps(): Promise<{ hits: number; misses: number }> {
  const series = readSeries((await server.metrics.render()).text);
  const of = (outcome: string) =>
    series.get(`tunesmith_response_cache_lookups_total{outcome="${outcome}"}`) ?? 0;
  return { hits: of('hit'), misses: of('miss') };
}

/** How many of the answers that `work` is given had been kept. */
async function hitsOf(work: () => Promise<unknown>): Promise<number> {
  const before = await lookUps();
  await work();
  return (await lookUps()).hits - before.hits;
}

async function made(client: TestClient, name: string): Promise<string> {
  const { createDataset } = await client.run(Make, { name });
  if (!('id' in createDataset)) throw new Error('The dataset was refused');
  return createDataset.id;
}

const namesFor = async (client: TestClient): Promise<string[]> =>
  (await client.run(Names, {})).datasets.edges.map(({ node }) => node.name).toSorted();

describe('an answer', () => {
  test('is told again, and not after a mutation that changed it was answered', async () => {
    const client = await server.asNewTenant();
    const id = await made(client, 'first');
    expect(await namesFor(client)).toEqual(['first']);
    expect(await hitsOf(() => namesFor(client))).toBe(1);
    await client.run(Rename, { id, name: 'second' });
    expect(await namesFor(client)).toEqual(['second']);
  });

  test('is never older than the last mutation of any of many writers', async () => {
    const client = await server.asNewTenant();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const id = await made(client, `${writer}-0`);
        for (let round = 1; round <= 25; round += 1) {
          await client.run(Rename, { id, name: `${writer}-${round}` });
          expect(await namesFor(client)).toContain(`${writer}-${round}`);
        }
      }),
    );
    expect(await hitsOf(() => namesFor(client))).toBe(1);
  });

  test('outlives changes of what it does not tell, and of other tenants', async () => {
    const [client, stranger] = [await server.asNewTenant(), await server.asNewTenant()];
    await client.run(Calls, {});
    await made(client, 'no call');
    await stranger.fetch('/import/call-transcriptions', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: call('CA1'),
    });
    expect(await hitsOf(() => client.run(Calls, {}))).toBe(1);
  });

  test('does not outlive an import over HTTP', async () => {
    const client = await server.asNewTenant();
    expect((await client.run(Calls, {})).callTranscriptions.totalCount).toBe(0);
    await client.fetch('/import/call-transcriptions', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: call('CA2'),
    });
    expect((await client.run(Calls, {})).callTranscriptions.totalCount).toBe(1);
  });

  test('is for a tenant and a role', async () => {
    const client = await server.asNewTenant();
    await made(client, 'mine');
    await namesFor(client);
    expect(await hitsOf(() => namesFor(client.withRole('VIEWER')))).toBe(0);
    expect(await hitsOf(() => namesFor(client.as('a colleague')))).toBe(1);
    expect(await namesFor(await server.asNewTenant())).toEqual([]);
  });

  test.each([
    ['what the clock has a say in', '{ baseModels { id trainable } }'],
    ['a budget, which is of a month', '{ budget { monthlyUsd spentUsd } }'],
    ['an error', '{ node(id: "x") { id } }'],
    ['what comes of no table', '{ __typename providers { name } }'],
  ])('is not kept: %s', async (_what, query) => {
    const client = await server.asNewTenant();
    const first = await client.answer(query);
    expect(await hitsOf(() => client.answer(query))).toBe(0);
    expect(Object.keys(first)).not.toEqual([]);
  });
});

const call = (callSid: string) =>
  JSON.stringify({
    callSid,
    createdAt: '2026-11-02T09:30:00Z',
    turns: [
      { speaker: 'caller', text: 'Hello?' },
      { speaker: 'agent', text: 'Hello!' },
    ],
  });

describe('the database', () => {
  test('tells of every table when it changes, and each is known by name', async () => {
    const tables = await server.db.asSystem(
      (tx) =>
        tx.$queryRaw<{ name: string; isView: boolean; events: number }[]>`
          SELECT c.relname AS name, c.relkind IN ('v', 'm') AS "isView", (
            SELECT count(*)::int FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid,
              unnest(ARRAY[4, 8, 16]) AS event
            WHERE t.tgrelid = c.oid AND p.proname IN ('notify_table', 'notify_shared_table')
              AND t.tgtype::int & event > 0 AND t.tgenabled = 'O'
          ) AS events
          FROM pg_class c
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
            AND c.relname <> '_prisma_migrations'`,
    );
    expect(tables.length).toBeGreaterThan(20);
    const told = new Set(tables.flatMap(({ name, events }) => (events === 3 ? [name] : [])));
    for (const { name, isView } of tables) {
      const sources = [...sourcesOf(`SELECT 1 FROM "public"."${name}" AS t`).tables];
      // A view changes when what it is made of does.
      expect({ name, sources: isView ? sources.length > 0 : sources }).toEqual({
        name,
        sources: isView || [name],
      });
      expect(sources.filter((source) => !told.has(source))).toEqual([]);
    }
  });

  test.each([
    ['SELECT "t"."updated_at" FROM finetuning_datasets AS t', false],
    ['WITH a AS (SELECT 1) SELECT * FROM a', false],
    ['BEGIN', false],
    ["SELECT set_config('tunesmith.tenant_id', $1, true)", false],
    ['UPDATE finetuning_datasets SET name = $1', true],
    ['WITH a AS (DELETE FROM finetuning_datasets RETURNING id) SELECT * FROM a', true],
    ['SELECT id FROM finetuning_examples FOR UPDATE SKIP LOCKED', true],
    ['SELECT now()', true],
    ['SELECT * FROM finetuning_review_leases WHERE lease_until > clock_timestamp()', true],
    ['COPY (SELECT 1) TO STDOUT', true],
  ])('%s: of the moment? %s', (text, momentary) => {
    expect(sourcesOf(text).momentary).toBe(momentary);
  });
});

function sourcesOf(text: string): Sources {
  const sources: Sources = { tables: new Set(), personal: false, momentary: false };
  notingSources(sources, () => noteStatement(text));
  return sources;
}

const asked = (tenantId: string, of: string[]): Question => ({
  viewer: { tenantId, role: 'VIEWER', subject: 'me' },
  body: of.join(),
  type: 'application/json',
});

function notedSubject(viewer: Viewer): boolean {
  const noted: Sources = { tables: new Set(), personal: false, momentary: false };
  notingSources(noted, () => viewer.subject);
  return noted.personal;
}

/** What listens to tables is told by hand. */
function byHand() {
  const handlers: ((wakeUp: TableWakeUp) => void)[] = [];
  return {
    tell(wakeUp: TableWakeUp) {
      for (const handler of handlers) handler(wakeUp);
    },
    notifications: {
      caughtUp: async () => undefined,
      listenToTables(handler: (wakeUp: TableWakeUp) => void) {
        handlers.push(handler);
        return () => undefined;
      },
    },
  };
}

describe('in memory', () => {
  const tenants = ['A', 'B'];
  const tables = ['one', 'two', 'three'];
  const ofTenant = fc.constantFrom(...tenants);
  const ofTables = fc.subarray(tables, { minLength: 1 });
  const step = fc.oneof(
    fc.record({ change: fc.constantFrom(...tables), tenantId: fc.option(ofTenant) }),
    fc.record({ ask: ofTables, tenantId: ofTenant }),
    fc.record({ answer: fc.nat(3) }),
    fc.record({ connection: fc.constantFrom('lost' as const, 'resumed' as const) }),
  );

  test('no answer is found that was begun before a change of its tables, in whatever order things come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const heard = byHand();
        const cache = createMemoryCache({ ...DEFAULT_CACHE, notifications: heard.notifications });
        let outdated = false;
        /** How often each table of each tenant has changed; an answer tells that of its tables. */
        const state = new Map<string, number>();
        const told = (question: { tenantId: string; of: string[] }) =>
          question.of.map((table) => state.get(`${question.tenantId} ${table}`) ?? 0).join();
        const waiting: (() => void)[] = [];
        for (const now of steps) {
          if ('connection' in now) heard.tell({ kind: now.connection });
          else if ('change' in now) {
            for (const tenant of now.tenantId === null ? tenants : [now.tenantId])
              state.set(`${tenant} ${now.change}`, (state.get(`${tenant} ${now.change}`) ?? 0) + 1);
            heard.tell({ kind: 'table', tenantId: now.tenantId, table: now.change });
          } else if ('ask' in now) {
            const question = { tenantId: now.tenantId, of: now.ask };
            const { answer, keep } = await cache.find(asked(question.tenantId, question.of));
            const body = told(question);
            outdated ||= answer !== undefined && answer.body.toString() !== body;
            const sources = { tables: new Set(now.ask), personal: false, momentary: false };
            waiting.push(() => keep({ body: Buffer.from(body), label: 'query' }, sources));
          } else waiting.splice(now.answer, 1)[0]?.();
        }
        expect(outdated).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('an answer that who asks had a say in is for them alone', async () => {
    const cache = createMemoryCache({ ...DEFAULT_CACHE, notifications: byHand().notifications });
    const question = asked('A', ['one']);
    const another = { ...question, viewer: { ...question.viewer, subject: 'another' } };
    const sources = { tables: new Set(['one']), personal: true, momentary: false };
    (await cache.find(question)).keep({ body: Buffer.from('yours'), label: 'query' }, sources);
    expect((await cache.find(question)).answer?.body.toString()).toBe('yours');
    expect((await cache.find(another)).answer).toBeUndefined();
    expect(notedSubject(withNotedSubject(question.viewer))).toBe(true);
  });
});

describe.runIf(process.env['TEST_DATABASE_URL'])('on a server', () => {
  test('a change by hand in SQL is heard', async () => {
    const client = await server.asNewTenant();
    await made(client, 'by hand');
    await namesFor(client);
    await server.db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      await tx.$executeRaw`UPDATE finetuning_datasets SET name = 'in SQL' WHERE tenant_id = ${client.tenantId}::uuid`;
    });
    await expect.poll(() => namesFor(client)).toEqual(['in SQL']);
  });

  test('while changes cannot be heard nothing is kept, and mutations are answered', async () => {
    const url = await createServerDatabase();
    const db = await openTestDatabase(() => undefined);
    onTestFinished(() => db.close());
    expect(url).toBeDefined();
    const tenantId = '019ab000-0000-7000-8000-000000000033';
    await ensureTenant(db, tenantId);
    const heard: string[] = [];
    db.notifications.listenToTables(({ kind }) => void heard.push(kind));
    await db.asSystem(async (tx) => {
      await tx.$executeRaw`SET LOCAL ROLE NONE`;
      await tx.$queryRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'tunesmith-listener'`;
    });
    await expect.poll(() => heard).toContain('lost');
    await db.notifications.caughtUp();
    await expect.poll(() => heard.at(-1)).toBe('resumed');
    await db.withTenant(tenantId, (tx) => tx.dataset.create({ data: { tenantId, name: 'heard' } }));
    await db.notifications.caughtUp();
    expect(heard.at(-1)).toBe('table');
  });
});
