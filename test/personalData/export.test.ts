import { expect, test } from 'vitest';
import { RULES_VERSION } from '../../src/services/personalData/kinds.ts';
import { graphql } from '../../src/generated/gql/index.ts';
import type { PersonalDataPolicy } from '../../src/generated/gql/graphql.ts';
import { addExamples, example, newDataset } from '../support/calls.ts';
import type { TestClient } from '../support/client.ts';
import { newTenant, sharedServer } from '../support/server.ts';

const Export = graphql(`
  mutation PersonalDataExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        id
        sha256
        downloadUrl
        personalDataPolicy
        personalDataReport {
          policy
          basis
          rulesVersion
          scannedLines
          unscannedLines
          found {
            kind
            count
          }
          replaced {
            kind
            count
          }
        }
      }
      ... on PersonalDataFoundError {
        code
        message
        lines
        findings {
          kind
          count
        }
        examples {
          exampleId
          line
          path
          findings {
            kind
            count
          }
        }
      }
    }
  }
`);

const SetPolicy = graphql(`
  mutation PersonalDataSetPolicy($input: UpdateDatasetInput!) {
    updateDataset(input: $input) {
      ... on Dataset {
        personalDataPolicy
      }
    }
  }
`);

const Launch = graphql(`
  mutation PersonalDataLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      ... on TrainingRun {
        id
        warnings {
          code
          message
        }
      }
      ... on PreflightFailedError {
        code
        findings {
          rule
          severity
          message
          example {
            userMessage
          }
        }
      }
    }
  }
`);

const Preflight = graphql(`
  query PersonalDataPreflight($datasetId: ID!) {
    preflight(datasetId: $datasetId, baseModel: "sandbox-small-2026-01-01") {
      ok
      totals {
        rule
        count
      }
    }
  }
`);

const Run = graphql(`
  subscription PersonalDataRun($id: ID!) {
    trainingRunUpdated(id: $id) {
      status
      errorCode
      errorMessage
    }
  }
`);

/** Keeps the server's own job away. */
const IN_A_YEAR = new Date(Date.now() + 365 * 86_400_000);

const talks = [
  example('My name is Maria Lopez, mail ana@example.com', 'Thanks Maria.'),
  example('What are your hours?', 'Nine to five.'),
  example('Call me on 415-555-0132', 'I will.'),
];

async function dataset(
  client: TestClient,
  personalDataPolicy: PersonalDataPolicy,
  rest = {},
  examples = talks,
) {
  const id = await newDataset(client, 'Calls', { personalDataPolicy, ...rest });
  await addExamples(client, id, examples, true);
  return id;
}

async function exported(client: TestClient, datasetId: string) {
  return (await client.run(Export, { input: { datasetId } })).exportDataset;
}

async function linesOf(url: string) {
  return (await (await fetch(url)).text()).split('\n').slice(0, -1);
}

/** Waits for what the server's own job may be searching at the same time. */
async function searched(tenantId: string, wanted: number) {
  const { db, system } = await sharedServer();
  const count = () => db.withTenant(tenantId, (tx) => tx.exampleScan.count({ where: { rules: { gt: 0 } } }));
  while ((await count()) < wanted) {
    await system.services.exampleScans.scanDue(new AbortController().signal);
  }
}

test('ALLOW writes what is there, and reports what the searches of the examples had found', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'ALLOW');
  await searched(client.tenantId, talks.length);
  const made = await exported(client, id);
  if (!('downloadUrl' in made)) throw new Error('The export was refused');
  expect(made).toMatchObject({
    personalDataPolicy: 'ALLOW',
    personalDataReport: {
      policy: 'ALLOW',
      basis: 'EXAMPLES',
      rulesVersion: RULES_VERSION,
      scannedLines: 3,
      unscannedLines: 0,
      found: [
        { kind: 'EMAIL', count: 1 },
        { kind: 'PHONE', count: 1 },
        { kind: 'NAME', count: 2 },
      ],
      replaced: [],
    },
  });
  expect((await linesOf(made.downloadUrl)).join('')).toContain('Maria Lopez');
});

test('under ALLOW examples that wait to be searched are counted, and nothing is said of them', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'ALLOW');
  await searched(client.tenantId, talks.length);
  const { db } = await sharedServer();
  // As a newer version of the rules leaves them.
  await db.withTenant(client.tenantId, (tx) =>
    tx.exampleScan.updateMany({
      where: { findingCount: { gt: 1 } },
      data: { rules: -1, claimedUntil: IN_A_YEAR },
    }),
  );
  const made = await exported(client, id);
  expect(made).toMatchObject({
    personalDataReport: { scannedLines: 2, unscannedLines: 1, found: [{ kind: 'PHONE', count: 1 }] },
  });
});

test('REDACT writes placeholders, keeps the examples, and says what it did', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'REDACT', { systemPrompt: 'You are Alejandra, mail help@example.com' });
  const made = await exported(client, id);
  if (!('downloadUrl' in made)) throw new Error('The export was refused');
  expect(made.personalDataReport).toEqual({
    policy: 'REDACT',
    basis: 'LINES',
    rulesVersion: RULES_VERSION,
    scannedLines: 3,
    unscannedLines: 0,
    found: [],
    replaced: [
      { kind: 'EMAIL', count: 4 },
      { kind: 'PHONE', count: 1 },
      { kind: 'NAME', count: 5 },
    ],
  });
  const lines = await linesOf(made.downloadUrl);
  const said = lines.map((line) =>
    JSON.parse(line).messages.map(({ content }: { content: string }) => content),
  );
  expect(said).toEqual([
    ['You are [NAME_1], mail [EMAIL_1]', 'My name is [NAME_2], mail [EMAIL_2]', 'Thanks [NAME_2].'],
    ['You are [NAME_1], mail [EMAIL_1]', 'What are your hours?', 'Nine to five.'],
    ['You are [NAME_1], mail [EMAIL_1]', 'Call me on [PHONE_1]', 'I will.'],
  ]);
  const { db } = await sharedServer();
  const kept = await db.withTenant(client.tenantId, (tx) => tx.example.findFirst({ where: { position: 1 } }));
  expect(kept?.userMessage).toBe('My name is Maria Lopez, mail ana@example.com');
});

test('the same examples give the same bytes, and another policy another export', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'REDACT');
  const first = await exported(client, id);
  const again = await exported(client, id);
  const other = await newTenant();
  const elsewhere = await exported(other, await dataset(other, 'REDACT'));
  expect(again).toMatchObject({ id: 'id' in first ? first.id : '' });
  expect(elsewhere).toMatchObject({ sha256: 'sha256' in first ? first.sha256 : '' });
  expect(await client.run(SetPolicy, { input: { id, personalDataPolicy: 'ALLOW' } })).toEqual({
    updateDataset: { personalDataPolicy: 'ALLOW' },
  });
  expect(await client.run(SetPolicy, { input: { id, personalDataPolicy: null } })).toEqual({
    updateDataset: { personalDataPolicy: 'ALLOW' },
  });
  const plain = await exported(client, id);
  expect('id' in plain && 'id' in first && plain.id !== first.id).toBe(true);
});

test('BLOCK refuses with what was found and where, and keeps nothing', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'BLOCK');
  const refused = await exported(client, id);
  expect(refused).toMatchObject({
    code: 'PERSONAL_DATA_FOUND',
    lines: 2,
    findings: [
      { kind: 'EMAIL', count: 1 },
      { kind: 'PHONE', count: 1 },
      { kind: 'NAME', count: 2 },
    ],
    examples: [
      { line: 1, path: 'messages[0].content' },
      { line: 3, path: 'messages[0].content', findings: [{ kind: 'PHONE', count: 1 }] },
    ],
  });
  expect(JSON.stringify(refused)).not.toContain('Maria');
  const { db } = await sharedServer();
  expect(await db.withTenant(client.tenantId, (tx) => tx.export.count())).toBe(0);
});

test('BLOCK lets through what holds nothing, with a report', async () => {
  const client = await newTenant();
  const made = await exported(client, await dataset(client, 'BLOCK', {}, talks.slice(1, 2)));
  expect(made).toMatchObject({
    personalDataReport: {
      policy: 'BLOCK',
      rulesVersion: RULES_VERSION,
      scannedLines: 1,
      found: [],
      replaced: [],
    },
  });
});

test('REDACT stops at what it cannot replace: the definition of a tool', async () => {
  const client = await newTenant();
  const tools = [{ type: 'function', function: { name: 'mail', description: 'Mails help@example.com' } }];
  const id = await dataset(client, 'REDACT', {}, [{ ...example('Mail them'), tools }]);
  expect(await exported(client, id)).toMatchObject({
    code: 'PERSONAL_DATA_FOUND',
    examples: [{ line: 1, path: 'tools[0].function.description' }],
  });
});

const many = Array.from({ length: 10 }, (_one, index) =>
  example(index < 2 ? `Question ${index}: mail ana@example.com` : `Question ${index}`),
);

async function launched(client: TestClient, datasetId: string) {
  const input = { datasetId, baseModel: 'sandbox-small-2026-01-01' };
  return (await client.run(Launch, { input })).launchTrainingRun;
}

const finding = (index: number) => ({
  rule: 'PERSONAL_DATA_FOUND',
  severity: 'ERROR',
  message: expect.stringContaining('Found: EMAIL.'),
  example: { userMessage: `Question ${index}: mail ana@example.com` },
});

test('a launch by dataset is refused under BLOCK for each example with findings', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'BLOCK', {}, many);
  await addExamples(client, id, [example('Not validated: mail bob@example.com')]);
  await searched(client.tenantId, many.length + 1);
  expect(await launched(client, id)).toMatchObject({
    code: 'PREFLIGHT_FAILED',
    findings: [finding(0), finding(1), { rule: 'FEW_EXAMPLES' }],
  });
  const { preflight } = await client.run(Preflight, { datasetId: id });
  expect(preflight).toMatchObject({
    ok: false,
    totals: [
      { rule: 'PERSONAL_DATA_FOUND', count: 2 },
      { rule: 'FEW_EXAMPLES', count: 1 },
    ],
  });
});

test('a launch is warned of personal data under ALLOW, and of none under REDACT', async () => {
  for (const policy of ['ALLOW', 'REDACT'] as const) {
    const client = await newTenant();
    const id = await dataset(client, policy, {}, many);
    await searched(client.tenantId, many.length);
    const found = { code: 'PERSONAL_DATA_ALLOWED', message: expect.stringContaining('Found: 2 of them.') };
    const rest = policy === 'ALLOW' ? [found] : [];
    expect(await launched(client, id)).toMatchObject({ warnings: [{ code: 'FEW_EXAMPLES' }, ...rest] });
    const { preflight } = await client.run(Preflight, { datasetId: id });
    expect(preflight.totals.map(({ rule }) => rule)).toEqual([
      'FEW_EXAMPLES',
      ...rest.map(({ code }) => code),
    ]);
  }
});

test('a launch before the present rules have searched the examples fails in the worker with the same code', async () => {
  const client = await newTenant();
  const id = await dataset(client, 'BLOCK', {}, many);
  await searched(client.tenantId, many.length);
  const { db } = await sharedServer();
  await db.withTenant(client.tenantId, (tx) =>
    tx.exampleScan.updateMany({ data: { rules: 0, claimedUntil: IN_A_YEAR } }),
  );
  const { preflight } = await client.run(Preflight, { datasetId: id });
  expect(preflight).toEqual({ ok: true, totals: [{ rule: 'FEW_EXAMPLES', count: 1 }] });
  const launchedRun = await launched(client, id);
  if (!('id' in launchedRun)) throw new Error('The run was not launched');
  for await (const { trainingRunUpdated: run } of client.follow(Run, { id: launchedRun.id })) {
    if (run?.status !== 'FAILED') continue;
    expect(run).toMatchObject({ errorCode: 'PERSONAL_DATA_FOUND' });
    return;
  }
  throw new Error('The run did not fail');
});
