import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/db/database.ts';
import type { Tx } from '../src/db/tenancy.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { addExamples, example } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { findDuplicates } from './support/duplicates.ts';
import { CALLER, erase } from './support/erasure.ts';
import { ended, launch, newDataset } from './support/runs.ts';
import { accept, take } from './support/reviewers.ts';
import { newTenant, sharedServer } from './support/server.ts';

const ImportCalls = graphql(`
  mutation RunTenancyImport($input: ImportCallTranscriptionsInput!) {
    importCallTranscriptions(input: $input) {
      ... on ImportReport {
        stored
      }
    }
  }
`);

const Collect = graphql(`
  mutation RunTenancyCollect($input: CollectExamplesInput!) {
    collectExamples(input: $input) {
      ... on CollectExamplesPayload {
        added
      }
    }
  }
`);

const UpdateExample = graphql(`
  mutation RunTenancyUpdate($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      ... on Example {
        revision
      }
    }
  }
`);

const Examples = graphql(`
  query RunTenancyExamples($datasetId: ID!) {
    examples(datasetId: $datasetId, first: 1) {
      edges {
        node {
          id
        }
      }
    }
  }
`);

let db: Database;
let ours: TestClient;
let theirs: TestClient;
/** Every table with a tenant_id, and every view. */
let tables: string[];
let views: string[];

/** Past the roles: as whoever the server logged in as. */
const asOwner = <T>(work: (tx: Tx) => Promise<T>) =>
  db.asSystem(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE NONE`;
    return work(tx);
  });
const count = async (tx: Tx, table: string, where = 'true') => {
  const [row] = await tx.$queryRawUnsafe<{ count: number }[]>(
    `SELECT count(*)::int AS count FROM ${table} WHERE ${where}`,
  );
  return row?.count;
};

beforeAll(async () => {
  ({ db } = await sharedServer());
  [tables, views] = await asOwner(async (tx) => {
    const rows = await tx.$queryRaw<{ table: string; isView: boolean }[]>`
      SELECT table_name AS table, table_type = 'VIEW' AS "isView"
      FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_schema = current_schema() AND column_name = 'tenant_id' ORDER BY 1`;
    const named = (wanted: boolean) =>
      rows.flatMap(({ table, isView }) => (isView === wanted ? [table] : []));
    return [named(false), named(true)];
  });
  [ours, theirs] = [await furnished(), await furnished()];
}, 120_000);

/** A tenant with rows in every table. */
async function furnished(): Promise<TestClient> {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const turns = [
    { speaker: 'caller', text: 'Hello, may I ask you for something?' },
    { speaker: 'agent', text: 'Of course you may, what is it about?' },
  ];
  const call = { callSid: 'CA1', createdAt: '2026-11-01T10:00:00Z', transcriptConfidence: 0.9, turns };
  const said = turns.map(({ speaker, text }) => ({ speaker, text: `${text} By somebody else.` }));
  const calls = [call, { ...call, callSid: 'CA2', phoneNumber: CALLER, turns: said }];
  await client.run(ImportCalls, { input: { calls } });
  await client.run(Collect, { input: { datasetId } });
  const { examples } = await client.run(Examples, { datasetId });
  const id = examples.edges[0]?.node.id ?? '';
  await client.run(UpdateExample, { input: { id, assistantResponse: 'Something else.' } });
  await addExamples(client, datasetId, [example('To put off?'), example('To review?')]);
  await addExamples(client, datasetId, [example('Q twice', 'Twice'), example('Q, twice', 'Twice')]);
  await findDuplicates(client, { datasetId });
  const reviewer = client.as('reviewer');
  await take(reviewer, datasetId);
  await accept(reviewer, (await take(reviewer, datasetId, true)).example?.id ?? '');
  await take(reviewer, datasetId);
  await ended(client, (await launch(client, { datasetId, hyperparameters: { nEpochs: 2 } })).id);
  await erase(client);
  await client.answer('mutation { createApiKey(input: { name: "x", role: VIEWER }) { __typename } }');
  return client;
}

test('every table of a tenant is under row level security, forced, with a policy', async () => {
  expect(tables.length).toBeGreaterThanOrEqual(9);
  const secured = await asOwner(
    (tx) => tx.$queryRaw<{ table: string; enabled: boolean; forced: boolean; policies: number }[]>`
      SELECT c.relname AS table, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
        (SELECT count(*)::int FROM pg_policies AS p WHERE p.tablename = c.relname AND 'tunesmith_app' = ANY (p.roles)
          AND p.qual LIKE '%current_tenant()%' AND p.with_check LIKE '%current_tenant()%') AS policies
      FROM pg_class AS c WHERE c.relname = ANY (${tables}) AND c.relkind = 'r' ORDER BY 1`,
  );
  expect(secured).toEqual(tables.map((table) => ({ table, enabled: true, forced: true, policies: 1 })));
});

test('every view is read with the rights of who asks', async () => {
  const secured = await asOwner(
    (tx) => tx.$queryRaw<{ view: string }[]>`
      SELECT relname AS view FROM pg_class
      WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace AND 'security_invoker=true' = ANY (reloptions)
      ORDER BY 1`,
  );
  expect(secured.map(({ view }) => view)).toEqual(views);
});

test('every reference between tenants’ tables includes the tenant', async () => {
  const references = await asOwner(
    (tx) => tx.$queryRaw<{ name: string; tenant: boolean }[]>`
      SELECT f.conname AS name, EXISTS (
        SELECT FROM unnest(f.conkey, f.confkey) AS pair(here, there)
        JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = pair.here AND a.attname = 'tenant_id'
        JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = pair.there AND b.attname = 'tenant_id'
      ) AS tenant
      FROM pg_constraint AS f WHERE f.contype = 'f'
        AND f.conrelid::regclass::text = ANY (${tables}) AND f.confrelid::regclass::text = ANY (${tables})`,
  );
  expect(references.length).toBeGreaterThanOrEqual(10);
  expect(references.filter(({ tenant }) => !tenant)).toEqual([]);
});

test('the application’s roles may not log in and may not pass by row level security', async () => {
  const roles = await asOwner(
    (tx) =>
      tx.$queryRaw`SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname LIKE 'tunesmith%' ORDER BY 1`,
  );
  expect(roles).toEqual(
    ['tunesmith_app', 'tunesmith_system'].map((rolname) => ({
      rolname,
      rolsuper: false,
      rolbypassrls: false,
      rolcanlogin: false,
    })),
  );
});

test('without a tenant nothing is to be seen', async () => {
  const readable = [...tables, ...views];
  const seen = await asOwner(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE tunesmith_app`;
    return Promise.all([...readable, 'tenants'].map(async (table) => [table, await count(tx, table)]));
  });
  expect(seen).toEqual([...readable, 'tenants'].map((table) => [table, 0]));
});

test('a tenant sees its own rows of every table and none of another’s', async () => {
  const [own, other] = [`tenant_id = '${ours.tenantId}'`, `tenant_id = '${theirs.tenantId}'`];
  for (const table of [...tables, ...views]) {
    expect(await asOwner((tx) => count(tx, table, other)), table).toBeGreaterThan(0);
    const [mine, foreign, all] = await db.withTenant(ours.tenantId, async (tx) => [
      await count(tx, table, own),
      await count(tx, table, other),
      await count(tx, table),
    ]);
    expect([foreign, all], table).toEqual([0, mine]);
    expect(mine, table).toBeGreaterThan(0);
  }
});

const outcome = (sql: string) =>
  db.withTenant(ours.tenantId, (tx) => tx.$executeRawUnsafe(sql)).catch((error: unknown) => String(error));

/** No row was touched, or the tenant has no right to do that to any. */
const isHarmless = (result: unknown) => result === 0 || /permission denied/.test(String(result));

describe('a tenant cannot touch another’s rows', () => {
  test('neither change nor delete them', async () => {
    for (const table of tables) {
      expect(
        await outcome(`UPDATE ${table} SET tenant_id = tenant_id WHERE tenant_id = '${theirs.tenantId}'`),
        table,
      ).toSatisfy(isHarmless);
      expect(await outcome(`DELETE FROM ${table} WHERE tenant_id = '${theirs.tenantId}'`), table).toSatisfy(
        isHarmless,
      );
    }
  });

  test('nor add to them, nor give its own away', async () => {
    for (const table of tables) {
      expect(await outcome(`INSERT INTO ${table} (tenant_id) VALUES ('${theirs.tenantId}')`), table).toMatch(
        /row-level security/,
      );
      expect(await outcome(`UPDATE ${table} SET tenant_id = '${theirs.tenantId}'`), table).toMatch(
        /row-level security|permission denied/,
      );
    }
  });
});

test('even the owner of the database cannot make a row of one tenant refer to another’s', async () => {
  const moves = [
    ['finetuning_examples', 'dataset_id', 'finetuning_datasets', ", position = 999, content_hash = '\\x00'"],
    ['finetuning_examples', 'call_transcription_id', 'call_transcriptions'],
    ['finetuning_example_revisions', 'example_id', 'finetuning_examples', ', revision = 999'],
    ['finetuning_reviews', 'example_id', 'finetuning_examples', ', example_revision = 999'],
    ['finetuning_review_leases', 'example_id', 'finetuning_examples'],
    ['finetuning_review_skips', 'example_id', 'finetuning_examples', ", reviewer = 'x'"],
    ['finetuning_exports', 'dataset_id', 'finetuning_datasets'],
    ['finetuning_training_runs', 'dataset_id', 'finetuning_datasets'],
    ['finetuning_training_runs', 'export_id', 'finetuning_exports'],
    ['finetuning_run_events', 'run_id', 'finetuning_training_runs', ', seq = 9999'],
    ['finetuning_checkpoints', 'run_id', 'finetuning_training_runs'],
  ] as const;
  for (const [table, column, target, unique = ''] of moves) {
    const sql = `UPDATE ${table} SET ${column} = (SELECT id FROM ${target} WHERE tenant_id = '${theirs.tenantId}' LIMIT 1)${unique}
      WHERE ctid = (SELECT ctid FROM ${table} WHERE tenant_id = '${ours.tenantId}' LIMIT 1)`;
    await expect(
      asOwner((tx) => tx.$executeRawUnsafe(sql)),
      `${table}.${column}`,
    ).rejects.toThrow(/foreign key/i);
  }
});

test('200 tenants’ questions side by side get the answers of their own', async () => {
  const clients = Array.from({ length: 200 }, (_, n) => (n % 2 ? ours : theirs));
  const answers = await Promise.all(
    clients.map(({ tenantId }) => db.clientOf(tenantId).dataset.findMany({ select: { tenantId: true } })),
  );
  expect(answers.map((rows) => rows.map(({ tenantId }) => tenantId))).toEqual(
    clients.map(({ tenantId }) => [tenantId]),
  );
  // Nothing of a tenant stays behind on the connection.
  const left = await asOwner(
    (tx) => tx.$queryRaw`SELECT current_tenant() AS tenant, current_user = session_user AS owner`,
  );
  expect(left).toEqual([{ tenant: null, owner: true }]);
});
