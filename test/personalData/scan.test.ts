import { expect, test } from 'vitest';
import { RULES_VERSION } from '../../src/services/personalData/kinds.ts';
import { graphql } from '../../src/generated/gql/index.ts';
import { addExamples, example, newDataset } from '../support/calls.ts';
import type { TestClient } from '../support/client.ts';
import { newTenant, sharedServer } from '../support/server.ts';

const Findings = graphql(`
  query ScanFindings($id: ID!, $filter: ExampleFilter) {
    dataset(id: $id) {
      personalDataPolicy
      personalData {
        scanned
        unscanned
        examplesWithFindings
        byKind {
          kind
          examples
        }
      }
      examples(first: 20, filter: $filter) {
        edges {
          node {
            id
            userMessage
            scan {
              state
              rulesVersion
              scannedAt
            }
            findings {
              kind
              path
              start
              end
              rule
              text
            }
          }
        }
      }
    }
  }
`);

const Edit = graphql(`
  mutation ScanEdit($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      ... on Example {
        revision
      }
    }
  }
`);

/** Searches all that waits, in this process and so in any that is searching at the same time. */
async function scanned(client: TestClient, id: string, filter = {}) {
  const { system } = await sharedServer();
  for (;;) {
    await system.services.exampleScans.scanDue(new AbortController().signal);
    const { dataset } = await client.run(Findings, { id, filter });
    // The counts are read a moment after the examples.
    const waiting = dataset?.examples.edges.some(({ node }) => node.findings === null);
    if (dataset?.personalData.unscanned === 0 && !waiting) return dataset;
  }
}

test('every example is searched, and tells what was found and where', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  await addExamples(client, id, [
    example('My name is Maria Lopez.', 'Thanks Maria, is 415-555-0132 right?'),
    example('What are your hours?', 'Nine to five.'),
    {
      messages: [
        { role: 'USER', content: 'Look me up' },
        {
          role: 'ASSISTANT',
          toolCalls: [
            { id: 'c1', name: 'find', arguments: '{"mail":"ana\\u0040example.com","card":4111111111111111}' },
          ],
        },
        { role: 'TOOL', toolCallId: 'c1', content: '{"ok":true}' },
        { role: 'ASSISTANT', content: 'Found.' },
      ],
    },
  ]);
  const dataset = await scanned(client, id);
  expect(dataset.personalDataPolicy).toBe('ALLOW');
  expect(dataset.personalData).toEqual({
    scanned: 3,
    unscanned: 0,
    examplesWithFindings: 2,
    byKind: [
      { kind: 'EMAIL', examples: 1 },
      { kind: 'CARD', examples: 1 },
      { kind: 'PHONE', examples: 1 },
      { kind: 'NAME', examples: 1 },
    ],
  });
  const [first, second, third] = dataset.examples.edges.map(({ node }) => node);
  expect(first?.scan).toMatchObject({ state: 'SCANNED', rulesVersion: RULES_VERSION });
  expect(first?.findings?.map(({ kind, path, text }) => [kind, path, text])).toEqual([
    ['NAME', 'messages[0].content', 'Maria Lopez'],
    ['NAME', 'messages[1].content', 'Maria'],
    ['PHONE', 'messages[1].content', '415-555-0132'],
  ]);
  expect(second?.findings).toEqual([]);
  expect(third?.findings?.map(({ kind, path, text }) => [kind, path, text])).toEqual([
    ['EMAIL', 'messages[1].tool_calls[0].function.arguments', 'ana\\u0040example.com'],
    ['CARD', 'messages[1].tool_calls[0].function.arguments', '4111111111111111'],
  ]);
});

test('a filter keeps those with findings, or with findings of a kind', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  await addExamples(client, id, [
    example('mail ana@example.com'),
    example('nothing'),
    example('my name is Ana Lopez'),
  ]);
  await scanned(client, id);
  const kept = async (filter: object) =>
    (await client.run(Findings, { id, filter })).dataset?.examples.edges.map(({ node }) => node.userMessage);
  expect(await kept({ findings: true })).toEqual(['mail ana@example.com', 'my name is Ana Lopez']);
  expect(await kept({ findings: false })).toEqual(['nothing']);
  expect(await kept({ findingKinds: ['EMAIL', 'CARD'] })).toEqual(['mail ana@example.com']);
  expect(await kept({ findingKinds: [] })).toHaveLength(3);
});

test('an edited example is searched again', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  await addExamples(client, id, [example('mail ana@example.com', 'ok')]);
  const before = await scanned(client, id);
  const exampleId = before.examples.edges[0]?.node.id ?? '';
  await client.run(Edit, { input: { id: exampleId, messages: example('call 415-555-0132', 'ok').messages } });
  const after = await scanned(client, id);
  expect(after.examples.edges[0]?.node.findings?.map(({ kind }) => kind)).toEqual(['PHONE']);
});

test('what waits to be searched says so, and tells no findings of an older wording', async () => {
  const client = await newTenant();
  const id = await newDataset(client);
  await addExamples(client, id, [example('mail ana@example.com')]);
  await scanned(client, id);
  const { db } = await sharedServer();
  // As the trigger leaves it, and claimed, so that nobody searches it meanwhile.
  await db.withTenant(client.tenantId, async (tx) => {
    await tx.example.updateMany({ data: { revision: { increment: 1 } } });
    expect(await tx.exampleScan.findFirst()).toMatchObject({
      rules: 0,
      findings: [],
      findingCount: 0,
      revision: 2,
    });
    await tx.exampleScan.updateMany({ data: { claimedUntil: new Date(Date.now() + 60_000) } });
  });
  const { dataset } = await client.run(Findings, { id, filter: {} });
  expect(dataset?.personalData).toEqual({ scanned: 0, unscanned: 1, examplesWithFindings: 0, byKind: [] });
  expect(dataset?.examples.edges[0]?.node).toMatchObject({
    scan: { state: 'PENDING', rulesVersion: null, scannedAt: null },
    findings: null,
  });
  const none = await client.run(Findings, { id, filter: { findings: false } });
  expect(none.dataset?.examples.edges).toEqual([]);
});

test('the scanner may see across tenants which examples are due, and nothing else of them', async () => {
  const { db } = await sharedServer();
  await expect(
    db.asSystem((tx) => tx.$queryRaw`SELECT findings FROM finetuning_example_scans LIMIT 1`),
  ).rejects.toThrow(/permission denied/);
  await expect(
    db.asSystem((tx) => tx.$queryRaw`SELECT messages FROM finetuning_examples LIMIT 1`),
  ).rejects.toThrow(/permission denied/);
  await expect(
    db.asSystem((tx) => tx.$executeRaw`UPDATE finetuning_example_scans SET findings = '[]'`),
  ).rejects.toThrow(/permission denied/);
});

test("another tenant's findings are not to be seen", async () => {
  const [client, other] = [await newTenant(), await newTenant()];
  const id = await newDataset(client);
  await addExamples(client, id, [example('mail ana@example.com')]);
  await scanned(client, id);
  expect((await other.run(Findings, { id })).dataset).toBeNull();
  const { db } = await sharedServer();
  expect(await db.withTenant(other.tenantId, (tx) => tx.exampleScan.count())).toBe(0);
});
