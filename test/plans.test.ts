/** Plans of queries. That they answer as GraphQL's executor does is seen to for every query of the shared server (verifiedPlans.ts). */
import { parse } from 'graphql';
import fc from 'fast-check';
import { getNamedType, isLeafType, isObjectType, isRequiredArgument, type GraphQLObjectType } from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';
import { answerByPlan } from '../src/schema/plan/execute.ts';
import { withNotedSubject, type Context } from '../src/schema/context.ts';
import { serverViewer } from '../src/services/viewer.ts';
import { exportOf } from './support/exportOf.ts';
import { ended, launch, newDataset } from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';
import type { TestClient } from './support/client.ts';

let client: TestClient;
let datasetId: string;
let runId: string;

beforeAll(async () => {
  client = await newTenant();
  datasetId = await newDataset(client, 14);
  await newDataset(client, 3, 'Others');
  await exportOf(client, datasetId);
  ({ id: runId } = await launch(client, { datasetId }));
  await ended(client, runId);
}, 120_000);

async function byPlan(query: string, variableValues: Record<string, unknown> = {}) {
  const { db, system } = await sharedServer();
  const context: Context = {
    viewer: withNotedSubject(serverViewer(client.tenantId, 'plans')),
    db: db.clientOf(client.tenantId),
    services: system.services,
    gone: () => new AbortController().signal,
  };
  return answerByPlan({ schema, document: parse(query), variableValues }, context);
}

const ids = () => ({ id: datasetId, run: runId });

test.each([
  ['a name', 'query ($id: ID!) { dataset(id: $id) { name } }'],
  [
    'a dataset with its lists',
    `query ($id: ID!) { dataset(id: $id) { id createdAt examples(first: 2) { totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node { id qualityScore messages { role content } callTranscription { callSid } } } }
      trainingRuns(first: 1) { edges { node { status trainedTokens } } } } }`,
  ],
  [
    'a page',
    '{ datasets(first: 10) { totalCount edges { node { id examples(last: 3) { edges { node { position } } } } } } }',
  ],
  [
    'a run with its events',
    `query ($run: ID!) { trainingRun(id: $run) { id hyperparameters { nEpochs } dataset { id name }
      events(last: 5) { edges { node { seq message } } } } }`,
  ],
  [
    'names of their own, fragments and conditions',
    `query ($id: ID!, $yes: Boolean! = true) { one: dataset(id: $id) { ...D } other: dataset(id: $id) { __typename } }
      fragment D on Dataset { id ... on Node { id } name @include(if: $yes) description @skip(if: $yes) }`,
  ],
])('%s is answered by a plan', async (_what, query) => {
  const { data } = await client.answer(query, ids());
  expect(data).toBeTruthy();
  expect(JSON.stringify(await byPlan(query, ids()))).toBe(JSON.stringify(data));
});

test.each([
  ['what needs a role', '{ auditLog { edges { node { action } } } }'],
  ['the schema', '{ __schema { queryType { name } } }'],
  ['a node of any type', 'query ($id: ID!) { node(id: $id) { id } }'],
  ['a wrong id', '{ dataset(id: "nonsense") { id } }'],
  [
    'too large a page',
    'query ($id: ID!) { dataset(id: $id) { examples(first: 101) { edges { node { id } } } } }',
  ],
  ['a mutation', 'mutation ($id: ID!) { deleteDataset(id: $id) { __typename } }'],
])('%s is left to the executor', async (_what, query) => {
  expect(await byPlan(query, ids())).toBeNull();
});

/** What a query may select of a type, so deep. Arguments are left out, but for the size of pages. */
function selectionOf(type: GraphQLObjectType, depth: number): fc.Arbitrary<string> {
  const fields = Object.values(type.getFields()).filter(({ args }) => !args.some(isRequiredArgument));
  const choices = fields.flatMap(({ name, type: given, args }) => {
    const named = getNamedType(given);
    if (isLeafType(named)) return [fc.constant(name)];
    if (!isObjectType(named) || depth === 0) return [];
    const inside = fc
      .tuple(
        selectionOf(named, depth - 1),
        args.some((arg) => arg.name === 'first')
          ? fc.constantFrom('', '(first: 2)', '(last: 1)', '(first: 20)')
          : fc.constant(''),
        fc.constantFrom('', `again_${name}: `),
      )
      .map(([selection, page, alias]) => `${alias}${name}${page} { ${selection} }`);
    return [inside];
  });
  const some = fc.uniqueArray(fc.oneof(...choices), {
    minLength: 0,
    maxLength: 5,
    selector: (text) => text.split(/[ ({:]/)[0],
  });
  return some.map((selected) => ['__typename', ...selected].join(' '));
}

function typeNamed(name: string): GraphQLObjectType {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`There is no type ${name}`);
  return type;
}

test('whatever is asked of datasets and runs is answered as the executor answers it', async () => {
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(
      selectionOf(typeNamed('Dataset'), 4),
      selectionOf(typeNamed('TrainingRun'), 3),
      async (ofDataset, ofRun) => {
        const query = `query ($id: ID!, $run: ID!) { dataset(id: $id) { ${ofDataset} } trainingRun(id: $run) { ${ofRun} } }`;
        const { data, errors } = await client.answer(query, ids());
        const code = errors?.[0]?.extensions?.['code'];
        if (code === 'TOO_COMPLEX' || code === 'TOO_DEEP') return;
        expect(errors).toBeUndefined();
        expect(data).toBeTruthy();
        if (await byPlan(query, ids())) planned += 1;
      },
    ),
    { numRuns: 120 },
  );
  expect(planned).toBeGreaterThan(20);
}, 120_000);
