/** Who did what to what, when, from where: every mutation leaves an entry, in the transaction of what it does. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AUDIT_ACTIONS } from '../src/services/audit.ts';
import { call, importCalls, post } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { CALLER } from './support/erasure.ts';
import { rootFields } from './support/operations.ts';
import { BASE_MODEL, ended, rowId } from './support/runs.ts';
import { newTenant } from './support/server.ts';

/** The entries of a mutation; none where nothing stays of it. */
const ENTRIES: Record<string, (typeof AUDIT_ACTIONS)[number] | null> = {
  addExamples: 'ADD_EXAMPLES',
  allowCaller: 'ALLOW_CALLER',
  askModel: 'ASK_MODEL',
  cancelTrainingRun: 'CANCEL_TRAINING_RUN',
  collectExamples: 'COLLECT_EXAMPLES',
  createApiKey: 'CREATE_API_KEY',
  createDataset: 'CREATE_DATASET',
  deleteDataset: 'DELETE_DATASET',
  eraseCaller: 'ERASE_CALLER',
  exportDataset: 'EXPORT_DATASET',
  findDuplicates: 'FIND_DUPLICATES',
  importCallTranscriptions: 'IMPORT_CALLS',
  keepBestOfDuplicates: 'KEEP_BEST_OF_DUPLICATES',
  launchTrainingRun: 'LAUNCH_TRAINING_RUN',
  refreshTrainingRun: null,
  rejectExamples: 'REJECT_EXAMPLES',
  releaseExample: null,
  resolveTrainingRun: 'RESOLVE_TRAINING_RUN',
  reviewExample: 'REVIEW_EXAMPLE',
  revokeApiKey: 'REVOKE_API_KEY',
  setMonthlyBudget: 'SET_MONTHLY_BUDGET',
  setQualityScore: 'SET_QUALITY_SCORE',
  takeExampleToReview: null,
  undoReview: 'UNDO_REVIEW',
  updateDataset: 'UPDATE_DATASET',
  updateExample: 'UPDATE_EXAMPLE',
  validateExamples: 'VALIDATE_EXAMPLES',
};

test('every mutation has its entry, and every action is known', () => {
  expect(Object.keys(ENTRIES).toSorted()).toEqual(
    rootFields('mutation')
      .map(({ name }) => name)
      .toSorted(),
  );
  expect(
    Object.values(ENTRIES).filter((action) => action !== null && !AUDIT_ACTIONS.includes(action)),
  ).toEqual([]);
});

async function nodesOf<Node>(client: TestClient, list: string, query: string): Promise<Node[]> {
  const { data } = await client.answer(query);
  const { edges } = (data ?? {})[list] as { edges: { node: Node }[] };
  return edges.map(({ node }) => node);
}

/** Sends a mutation and returns its one result, which must not be an error. */
async function done(
  client: TestClient,
  name: string,
  args: string,
  selection: string,
): Promise<Record<string, unknown>> {
  const { data, errors } = await client.answer(
    `mutation { ${name}${args} { ... on Error { code message } ... on ${selection} } }`,
  );
  const result = data?.[name] as Record<string, unknown> | undefined;
  if (errors || !result || 'code' in result) throw new Error(JSON.stringify({ data, errors }));
  return result;
}

interface Entry {
  actor: string;
  address: string | null;
  action: string;
  subjectType: string;
  subjectId: string;
  detail: Record<string, unknown>;
}

async function entriesOf(client: TestClient): Promise<Entry[]> {
  const query =
    '{ auditLog(first: 100) { edges { node { actor address action subjectType subjectId detail } } } }';
  return (await nodesOf<Entry>(client, 'auditLog', query)).toReversed();
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `What does plan number ${from + index} cost, please?` },
        { role: 'assistant', content: `Plan ${from + index} costs ${from + index} euros.` },
      ],
    }),
  ).join('\n');

test('a whole story is told, in order, with who, what and from where, and without a word of the examples', async () => {
  const client = (await newTenant()).as('anna');
  const dataset = String(
    (await done(client, 'createDataset', '(input: { name: "Calls" })', 'Dataset { id }'))['id'],
  );
  const input = (rest: string) => `(input: { datasetId: "${dataset}" ${rest} })`;
  await done(
    client,
    'updateDataset',
    `(input: { id: "${dataset}", personalDataPolicy: ALLOW })`,
    'Dataset { id }',
  );
  await importCalls(client, [
    call('CA1', ['caller: Do you have a table for us?', 'agent: We have, for how many of you?']),
  ]);
  await done(
    client,
    'collectExamples',
    input('minConfidence: 0 autoValidate: false'),
    'CollectExamplesPayload { added }',
  );
  const twice = ['Q twice', 'Q, twice'].map(
    (content) =>
      `{ messages: [{ role: USER, content: "${content}" }, { role: ASSISTANT, content: "Twice" }] }`,
  );
  await done(client, 'addExamples', input(`examples: [${twice.join(' ')}]`), 'AddExamplesPayload { added }');
  await done(client, 'findDuplicates', input(''), 'FindDuplicatesPayload { groups }');
  await done(client, 'keepBestOfDuplicates', input(''), 'KeepBestOfDuplicatesPayload { rejected }');
  await post(
    client,
    `/import/examples/${encodeURIComponent(dataset)}?autoValidate=true`,
    'application/x-ndjson',
    lines(0, 12),
  );
  const undecided = `{ examples(datasetId: "${dataset}", filter: { validated: false, rejected: false }) { edges { node { id } } } }`;
  const example = (await nodesOf<{ id: string }>(client, 'examples', undecided))[0]?.id ?? '';
  await done(
    client,
    'setQualityScore',
    `(input: { ids: ["${example}"], qualityScore: 0.5 })`,
    'ReviewPayload { changed }',
  );
  const review = await done(
    client,
    'reviewExample',
    `(input: { exampleId: "${example}", verdict: REJECT, reason: "Too short" })`,
    'Review { id }',
  );
  await done(client, 'undoReview', `(id: "${String(review['id'])}")`, 'Review { id }');
  await done(
    client,
    'updateExample',
    `(input: { id: "${example}", assistantResponse: "Something new." })`,
    'Example { id }',
  );
  await done(client, 'rejectExamples', `(input: { ids: ["${example}"] })`, 'ReviewPayload { changed }');
  await done(client, 'validateExamples', `(input: { ids: ["${example}"] })`, 'ReviewPayload { changed }');
  const made = await done(client, 'exportDataset', input(''), 'Export { id downloadUrl }');
  await (await fetch(String(made['downloadUrl']))).text();
  await done(client, 'setMonthlyBudget', '(input: { usd: 100 })', 'Budget { monthlyUsd }');
  const run = await done(
    client,
    'launchTrainingRun',
    `(input: { exportId: "${String(made['id'])}", baseModel: "${BASE_MODEL}", hyperparameters: { nEpochs: 1 } })`,
    'TrainingRun { id }',
  );
  await ended(client, String(run['id']));
  await done(
    client,
    'askModel',
    `(input: { trainingRunId: "${String(run['id'])}", messages: [{ role: USER, content: "Hello?" }] })`,
    'ModelAnswer { content }',
  );
  await done(client, 'eraseCaller', `(input: { phoneNumber: "${CALLER}" })`, 'EraseCallerPayload { calls }');
  await done(client, 'allowCaller', `(input: { phoneNumber: "${CALLER}" })`, 'CallerErasure { id }');

  const entries = await entriesOf(client);
  expect(entries.filter(({ actor }) => actor === 'anna').map(({ action }) => action)).toEqual([
    'CREATE_DATASET',
    'UPDATE_DATASET',
    'IMPORT_CALLS',
    'COLLECT_EXAMPLES',
    'ADD_EXAMPLES',
    'FIND_DUPLICATES',
    'KEEP_BEST_OF_DUPLICATES',
    'IMPORT_EXAMPLES',
    'SET_QUALITY_SCORE',
    'REVIEW_EXAMPLE',
    'UNDO_REVIEW',
    'UPDATE_EXAMPLE',
    'REJECT_EXAMPLES',
    'VALIDATE_EXAMPLES',
    'EXPORT_DATASET',
    'SET_MONTHLY_BUDGET',
    'LAUNCH_TRAINING_RUN',
    'ASK_MODEL',
    'ERASE_CALLER',
    'COMPLETE_ERASURE',
    'ALLOW_CALLER',
  ]);
  const addresses = new Set(entries.filter(({ actor }) => actor !== 'worker').map(({ address }) => address));
  expect([...addresses]).toEqual(['127.0.0.1']);
  expect(entries).toContainEqual({
    actor: 'download link',
    address: '127.0.0.1',
    action: 'DOWNLOAD_EXPORT',
    subjectType: 'Export',
    subjectId: rowId(String(made['id'])),
    detail: { part: 'TRAINING', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(JSON.stringify(entries)).not.toMatch(/plan number|table for us|Too short|Something new|0100001/i);
});

test('what is refused or changes nothing leaves no entry', async () => {
  const client = await newTenant();
  await client.answer('mutation { createDataset(input: { name: "" }) { __typename } }');
  await client.withRole('VIEWER').answer('mutation { createDataset(input: { name: "x" }) { __typename } }');
  await importCalls(client, []);
  expect(await entriesOf(client)).toEqual([]);
  await client.answer('mutation { createDataset(input: { name: "x" }) { __typename } }');
  await client.answer('mutation { createDataset(input: { name: "x" }) { __typename } }');
  expect((await entriesOf(client)).map(({ action }) => action)).toEqual(['CREATE_DATASET']);
});

test('the documentation lists the actions', () => {
  const text = readFileSync(new URL('../docs/operating.md', import.meta.url), 'utf8');
  expect(AUDIT_ACTIONS.filter((action) => !text.includes(`\`${action}\``))).toEqual([]);
});
