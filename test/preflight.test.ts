/** The pre-flight as asked for, as a launch runs it, and as the worker runs it on the very file. */
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { TestClient } from './support/client.ts';
import { AddExamples, ExportDataset } from './support/runDocuments.ts';
import {
  answer,
  BASE_MODEL,
  ended,
  launch,
  newDataset,
  question,
  refusedLaunch,
  rowId,
} from './support/runs.ts';
import { newTenant, sharedServer } from './support/server.ts';

beforeAll(sharedServer, 120_000);

const Preflight = graphql(`
  query Preflight(
    $datasetId: ID
    $exportId: ID
    $provider: String
    $baseModel: String!
    $suffix: String
    $seed: Int
    $hyperparameters: HyperparametersInput
    $first: Int! = 1000
  ) {
    preflight(
      datasetId: $datasetId
      exportId: $exportId
      provider: $provider
      baseModel: $baseModel
      suffix: $suffix
      seed: $seed
      hyperparameters: $hyperparameters
      first: $first
    ) {
      ok
      checked
      findings {
        severity
        rule
        message
        line
        field
        example {
          id
          userMessage
          dataset {
            name
          }
        }
      }
      totals {
        severity
        rule
        count
      }
    }
  }
`);

/** A call that is left open before the user speaks again: what comes in may do so, and no provider takes it. */
const openCall = (n: number) => ({
  messages: [
    { role: 'USER' as const, content: `Open call ${n}` },
    {
      role: 'ASSISTANT' as const,
      toolCalls: [{ id: 'call_1', name: 'find_plan', arguments: '{}' }],
    },
    { role: 'USER' as const, content: 'Hello?' },
    { role: 'ASSISTANT' as const, content: 'Still here.' },
  ],
  tools: [{ type: 'function', function: { name: 'find_plan' } }],
});

async function addOpenCalls(client: TestClient, datasetId: string, count: number): Promise<void> {
  const examples = Array.from({ length: count }, (_, n) => openCall(n));
  const { addExamples } = await client.run(AddExamples, {
    input: { datasetId, examples, autoValidate: true },
  });
  if (!('added' in addExamples)) throw new Error(addExamples.message);
  expect(addExamples.added).toBe(count);
}

const check = async (client: TestClient, input: Partial<Parameters<typeof client.run>[1]> & object) =>
  (await client.run(Preflight, { baseModel: BASE_MODEL, ...input })).preflight;

async function exportOf(client: TestClient, datasetId: string): Promise<string> {
  const { exportDataset } = await client.run(ExportDataset, { input: { datasetId } });
  if (!('id' in exportDataset)) throw new Error(exportDataset.message);
  return exportDataset.id;
}

test('a dataset and an export without a fault are ok', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 60);
  expect(await check(client, { datasetId })).toEqual({ ok: true, checked: 60, findings: [], totals: [] });
  const exportId = await exportOf(client, datasetId);
  expect(await check(client, { exportId })).toEqual({ ok: true, checked: 60, findings: [], totals: [] });
});

test('every finding has its severity, rule, line, field and example, on a dataset as on its export', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 20);
  await addOpenCalls(client, datasetId, 3);
  const report = await check(client, { datasetId });
  expect(report).toMatchObject({
    ok: false,
    checked: 23,
    totals: [
      { severity: 'ERROR', rule: 'TOOL_CALL_UNANSWERED', count: 3 },
      { severity: 'WARNING', rule: 'FEW_EXAMPLES', count: 1 },
    ],
  });
  expect(
    report.findings.map(({ rule, line, field, example }) => [rule, line, field, example?.userMessage]),
  ).toEqual([
    ['TOOL_CALL_UNANSWERED', 21, 'messages[2].tool_calls', 'Hello?'],
    ['TOOL_CALL_UNANSWERED', 22, 'messages[2].tool_calls', 'Hello?'],
    ['TOOL_CALL_UNANSWERED', 23, 'messages[2].tool_calls', 'Hello?'],
    ['FEW_EXAMPLES', null, null, undefined],
  ]);
  expect(new Set(report.findings.map(({ example }) => example?.id)).size).toBe(4);
  expect(report.findings[0]?.message).toContain('Add the answer');
  expect(await check(client, { exportId: await exportOf(client, datasetId) })).toEqual(report);

  const capped = await check(client, { datasetId, first: 2 });
  expect(capped.findings).toEqual(report.findings.slice(0, 2));
  expect(capped.totals).toEqual(report.totals);
  expect((await check(client, { datasetId, first: 0 })).findings).toEqual([]);
});

test('what a launch asks for is looked at too, and whether the base model can be tuned', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 60);
  const settings = await check(client, {
    datasetId,
    suffix: 'help desk',
    seed: -1,
    hyperparameters: { nEpochs: 51, batchSize: 0, learningRateMultiplier: 0 },
  });
  expect(settings.findings.map(({ rule, field }) => [rule, field])).toEqual([
    ['SUFFIX_CHARACTERS', 'suffix'],
    ['SEED', 'seed'],
    ['N_EPOCHS', 'hyperparameters.nEpochs'],
    ['BATCH_SIZE', 'hyperparameters.batchSize'],
    ['LEARNING_RATE_MULTIPLIER', 'hyperparameters.learningRateMultiplier'],
  ]);
  const unknown = await check(client, { datasetId, baseModel: 'gpt-9' });
  expect(unknown).toMatchObject({ ok: false, checked: 60 });
  const refused = await refusedLaunch(client, { datasetId, baseModel: 'gpt-9' });
  expect(unknown.findings).toMatchObject([
    { severity: 'ERROR', rule: refused.code, field: 'baseModel', message: refused.message },
  ]);
});

test('fewer examples than the provider takes are an error, none too', async () => {
  const client = await newTenant();
  const rules = async (datasetId: string) =>
    (await check(client, { datasetId })).totals.map(({ rule }) => rule);
  expect(await rules(await newDataset(client, 9, 'nine'))).toEqual(['TOO_FEW_EXAMPLES']);
  expect(await rules(await newDataset(client, 0, 'none'))).toEqual(['EMPTY_FILE']);
});

test('bad arguments are refused by name', async () => {
  const client = await newTenant();
  const neighbour = await newTenant();
  const datasetId = await newDataset(client, 1);
  const exportId = await exportOf(client, datasetId);
  const nowhere = Buffer.from(`Dataset:${randomUUID()}`).toString('base64');
  const refusals: [object, string][] = [
    [{}, 'INVALID_INPUT'],
    [{ datasetId, exportId }, 'INVALID_INPUT'],
    [{ datasetId, first: -1 }, 'INVALID_INPUT'],
    [{ datasetId, first: 10_001 }, 'INVALID_INPUT'],
    [{ datasetId, baseModel: '' }, 'INVALID_INPUT'],
    [{ datasetId, provider: 'nobody' }, 'INVALID_INPUT'],
    [{ datasetId: exportId }, 'INVALID_INPUT'],
    [{ datasetId: nowhere }, 'NOT_FOUND'],
  ];
  for (const [input, code] of refusals)
    await expect(check(client, input), JSON.stringify(input)).rejects.toThrow(code);
  await expect(check(neighbour, { datasetId })).rejects.toThrow('NOT_FOUND');
  await expect(check(neighbour, { exportId })).rejects.toThrow('NOT_FOUND');
});

const Refused = graphql(`
  mutation PreflightLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
      ... on PreflightFailedError {
        code
        message
        findings {
          rule
          line
          example {
            id
          }
        }
        totals {
          rule
          count
        }
      }
    }
  }
`);

test('a launch is refused for what pre-flight finds, and leaves no run behind', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  await addOpenCalls(client, datasetId, 5);
  for (const input of [{ datasetId }, { exportId: await exportOf(client, datasetId) }]) {
    const { launchTrainingRun } = await client.run(Refused, { input: { ...input, baseModel: BASE_MODEL } });
    expect(launchTrainingRun).toMatchObject({
      __typename: 'PreflightFailedError',
      code: 'PREFLIGHT_FAILED',
      message: expect.stringMatching(
        /^Pre-flight found 5 errors, so nothing was sent: line 51, messages\[1\]|messages\[2\].*and 2 more/,
      ),
      totals: [{ rule: 'TOOL_CALL_UNANSWERED', count: 5 }],
    });
    if (!('findings' in launchTrainingRun)) throw new Error('It was launched');
    expect(launchTrainingRun.findings).toHaveLength(5);
    expect(launchTrainingRun.findings[0]).toMatchObject({ line: 51, example: { id: expect.any(String) } });
  }
  const { db } = await sharedServer();
  expect(await db.withTenant(client.tenantId, (tx) => tx.trainingRun.count())).toBe(0);
});

test('a long example is an error: its end would be cut off', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 50);
  const examples = [
    {
      messages: [
        { role: 'USER' as const, content: 'so '.repeat(70_000) },
        { role: 'ASSISTANT' as const, content: 'Yes.' },
      ],
    },
  ];
  await client.run(AddExamples, { input: { datasetId, examples, autoValidate: true } });
  const refused = await refusedLaunch(client, { datasetId });
  expect(refused).toMatchObject({ __typename: 'PreflightFailedError' });
  expect(refused.message).toMatch(
    /line 51: .*Found: 7\d{4} tokens, of which 65536 are taken\. \(EXAMPLE_TOO_LONG\)/,
  );
  expect((await check(client, { exportId: await exportOf(client, datasetId) })).totals).toEqual([
    { severity: 'ERROR', rule: 'EXAMPLE_TOO_LONG', count: 1 },
  ]);
});

/** Copies the dataset's validated examples until there are more than a launch looks at one by one. */
async function grow(client: TestClient, datasetId: string, count: number): Promise<void> {
  const { db } = await sharedServer();
  const id = rowId(datasetId);
  await db.withTenant(
    client.tenantId,
    (tx) => tx.$executeRaw`
      INSERT INTO finetuning_examples (tenant_id, dataset_id, position, messages, user_message, assistant_response,
        validated, source, content_hash)
      SELECT ${client.tenantId}::uuid, ${id}::uuid, 1000 + n, jsonb_build_array(
          jsonb_build_object('role', 'user', 'content', 'Question ' || n),
          jsonb_build_object('role', 'assistant', 'content', 'Answer ' || n)),
        'Question ' || n, 'Answer ' || n, true, 'MANUAL', sha256(n::text::bytea)
      FROM generate_series(1, ${count}::int) AS n`,
  );
}

test('of a large dataset the worker looks at every line before it uploads: the run fails, and nothing is sent', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 10);
  await addOpenCalls(client, datasetId, 1);
  await grow(client, datasetId, 600);
  const run = await launch(client, { datasetId });
  const done = await ended(client, run.id);
  expect(done).toMatchObject({
    status: 'FAILED',
    providerJobId: null,
    errorCode: 'PREFLIGHT_FAILED',
    errorMessage: expect.stringMatching(
      /^Pre-flight found 1 error, so nothing was sent: line 11, messages\[/,
    ),
  });
  const { sandbox } = await sharedServer();
  expect(sandbox.ledger.jobsByRun().get(rowId(run.id))).toBeUndefined();
  expect(done.events.edges.some(({ node }) => node.message.includes('Uploaded'))).toBe(false);
});

test('of a large dataset every line is looked at once, though its positions have gaps', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 10);
  await grow(client, datasetId, 600);
  expect(await check(client, { datasetId })).toEqual({ ok: true, checked: 610, findings: [], totals: [] });
});

test('of a large dataset stored counts of tokens refuse a launch at once', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 10);
  await grow(client, datasetId, 600);
  const { db } = await sharedServer();
  await db.withTenant(
    client.tenantId,
    (tx) => tx.$executeRaw`
      UPDATE finetuning_examples SET tokens = 70000
      WHERE tenant_id = ${client.tenantId}::uuid AND dataset_id = ${rowId(datasetId)}::uuid AND position = 1007`,
  );
  const { launchTrainingRun } = await client.run(Refused, { input: { datasetId, baseModel: BASE_MODEL } });
  expect(launchTrainingRun).toMatchObject({
    findings: [{ rule: 'EXAMPLE_TOO_LONG', line: null, example: { id: expect.any(String) } }],
    totals: [{ rule: 'EXAMPLE_TOO_LONG', count: 1 }],
  });
});

const Warnings = graphql(`
  query PreflightWarnings($id: ID!) {
    trainingRun(id: $id) {
      warnings {
        code
        message
      }
    }
  }
`);

test('what pre-flight warns of becomes the run’s warnings, each once', async () => {
  const client = await newTenant();
  const datasetId = await newDataset(client, 12);
  const named = [
    { role: 'USER' as const, content: question(100), name: 'desk 1' },
    { role: 'ASSISTANT' as const, content: answer(100) },
  ];
  await client.run(AddExamples, {
    input: { datasetId, examples: [{ messages: named }], autoValidate: true },
  });
  const run = await launch(client, { datasetId });
  const expected = [
    { code: 'FEW_EXAMPLES', message: expect.stringContaining('Only 13 examples') },
    { code: 'NAME_CHARACTERS', message: expect.stringContaining('Found: "desk 1"') },
  ];
  expect(run.warnings).toEqual(expected);
  expect((await ended(client, run.id)).status).toBe('SUCCEEDED');
  expect((await client.run(Warnings, { id: run.id })).trainingRun?.warnings).toEqual(expected);
});
