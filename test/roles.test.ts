/** Who may do what: each root field with each role, over HTTP, by `node`, in nested fields and in subscriptions. */
import { parse } from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import { importCalls, call, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { CALLER, erase } from './support/erasure.ts';
import { operationOf, rootFields, smallestValue, type Kind, type RootField } from './support/operations.ts';
import { newTenant } from './support/server.ts';
import { roleOf } from '../src/schema/roleDescriptions.ts';
import { includesRole, ROLES, type Role } from '../src/services/viewer.ts';

/** The least role of everything that is not free to every viewer. */
const NEEDED: Record<Exclude<Role, 'VIEWER'>, string[]> = {
  REVIEWER: [
    'keepBestOfDuplicates',
    'rejectExamples',
    'releaseExample',
    'reviewExample',
    'setQualityScore',
    'takeExampleToReview',
    'undoReview',
    'updateExample',
    'validateExamples',
  ],
  EDITOR: [
    'addExamples',
    'askModel',
    'collectExamples',
    'createDataset',
    'deleteDataset',
    'exportDataset',
    'findDuplicates',
    'importCallTranscriptions',
    'refreshTrainingRun',
    'updateDataset',
  ],
  ADMIN: [
    'allowCaller',
    'apiKeys',
    'auditLog',
    'cancelTrainingRun',
    'createApiKey',
    'eraseCaller',
    'erasure',
    'erasures',
    'launchTrainingRun',
    'resolveTrainingRun',
    'revokeApiKey',
    'setMonthlyBudget',
  ],
};

const MISSING = Buffer.from('Dataset:019ab000-0000-7000-8000-000000000001').toString('base64');

/** Whatever lets the operation begin; most then find that their ids are of nothing. */
const values: Record<string, unknown> = {
  id: MISSING,
  phoneNumber: '+15550199999',
  dryRun: true,
  usd: 1,
  qualityScore: 0.5,
  verdict: 'ACCEPT',
  giveUp: true,
  name: 'Of a test',
  calls: [],
};

const fields = (['query', 'mutation', 'subscription'] as Kind[]).flatMap((kind) =>
  rootFields(kind).map((field) => ({ kind, field, name: field.name, needed: neededFor(field.name) })),
);

function neededFor(name: string): Role {
  return ROLES.find((role) => role !== 'VIEWER' && NEEDED[role].includes(name)) ?? 'VIEWER';
}

async function answerTo(client: TestClient, kind: Kind, field: RootField): Promise<string> {
  const variables = Object.fromEntries(
    field.args
      .filter(({ type, defaultValue }) => String(type).endsWith('!') && defaultValue === undefined)
      .map(({ name, type }) => [
        name,
        smallestValue(type, [name], (path, named) =>
          named === 'ID' ? MISSING : (values[path.at(-1) ?? ''] ?? scalarOf(named)),
        ),
      ]),
  );
  const document = operationOf(kind, field);
  if (kind !== 'subscription') return JSON.stringify(await client.answer(document, variables));
  try {
    for await (const news of client.follow(parse(document), variables as never)) return JSON.stringify(news);
    return 'ended';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function scalarOf(type: string): unknown {
  if (type === 'String') return 'x';
  if (type === 'Role') return 'VIEWER';
  return type === 'ChatRole' ? 'USER' : undefined;
}

let client: TestClient;
let erasureId = '';
beforeAll(async () => {
  client = await newTenant();
  await importCalls(client, [{ ...call('CA1', ['caller: Hello']), phone_number: CALLER }]);
  erasureId = (await erase(client)).erasure?.id ?? '';
  if (erasureId === '') throw new Error('There is no erasure to look for');
});

test('the schema declares what the table says, and tells it in the descriptions', () => {
  const declared = fields.map(({ name, field }) => [name, roleOf(field) ?? 'VIEWER']);
  expect(declared).toEqual(fields.map(({ name, needed }) => [name, needed]));
  const told = fields.filter(({ field }) => /Needs the role/.test(field.description ?? ''));
  expect(told.map(({ name }) => name).toSorted()).toEqual(Object.values(NEEDED).flat().toSorted());
});

// The one that has nothing to tell at first: without runs there is no news to wait for.
const answered = fields.filter(({ name }) => name !== 'trainingRunsUpdated');

const asked = answered.flatMap((one) => ROLES.map((role) => ({ ...one, role })));

test.each(asked.filter(({ role, needed }) => includesRole(role, needed)))(
  'a $role may have $kind $name',
  async ({ role, kind, field }) => {
    const answer = await answerTo(client.withRole(role), kind, field);
    expect(answer).not.toMatch(/FORBIDDEN|INTERNAL_ERROR/);
  },
);

test.each(asked.filter(({ role, needed }) => !includesRole(role, needed)))(
  'a $role may not have $kind $name',
  async ({ role, kind, field, needed }) => {
    const answer = await answerTo(client.withRole(role), kind, field);
    expect(answer).toContain(`needs the role ${needed} and yours is ${role}`);
    expect(answer).toContain('"code":"FORBIDDEN"');
  },
);

test('a mutation that is refused does nothing, and says so as data', async () => {
  const refused = await client
    .withRole('REVIEWER')
    .answer(
      'mutation { createDataset(input: { name: "Not by me" }) { __typename ... on ForbiddenError { code role needed } } }',
    );
  expect(refused).toEqual({
    data: {
      createDataset: { __typename: 'ForbiddenError', code: 'FORBIDDEN', role: 'REVIEWER', needed: 'EDITOR' },
    },
  });
  expect(await client.answer('{ datasets(filter: { name: "Not by me" }) { totalCount } }')).toEqual({
    data: { datasets: { totalCount: 0 } },
  });
});

test.each([
  ['node', '{ node(id: $id) { id ... on CallerErasure { numberEnding } } }'],
  ['nodes', '{ nodes(ids: [$id]) { id ... on CallerErasure { numberEnding } } }'],
  ['a list’s count', '{ erasures { totalCount } }'],
  ['the audit log’s count', '{ auditLog { totalCount } }'],
])('what is for admins is not to be had by %s', async (_way, query) => {
  const document = query.includes('$id') ? `query ($id: ID!) ${query}` : query;
  const answerAs = (role: Role) =>
    client.withRole(role).answer(document, query.includes('$id') ? { id: erasureId } : {});
  const refused = JSON.stringify(await answerAs('EDITOR'));
  expect(refused).toContain('"code":"FORBIDDEN"');
  expect(refused).not.toMatch(/numberEnding":"|totalCount":\d/);
  expect((await answerAs('ADMIN')).errors).toBeUndefined();
});

test('a reviewer reviews what an editor has made', async () => {
  const datasetId = await newDataset(client.withRole('EDITOR'), 'Shared work');
  const taken = await client
    .withRole('REVIEWER')
    .answer(`mutation { takeExampleToReview(input: { datasetId: "${datasetId}" }) { __typename } }`);
  expect(taken).toEqual({ data: { takeExampleToReview: { __typename: 'TakeExamplePayload' } } });
});
