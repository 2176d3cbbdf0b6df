/** Splits over GraphQL: two files, nothing on both sides, the same for a seed, and refusals that say why. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { ExportDatasetInput, SplitMembersQuery } from '../src/generated/gql/graphql.ts';
import { addExamples, call, collect, example, importCalls, newDataset } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { sharedCalls } from './support/collectReference.ts';
import { sha256 } from './support/exportOf.ts';
import { newTenant } from './support/server.ts';

const SplitExport = graphql(`
  mutation SplitExport($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      __typename
      ... on Export {
        id
        exampleCount
        bytes
        sha256
        downloadUrl
        split {
          validationShare
          seed
          groupBy
        }
        validationExampleCount
        validationBytes
        validationSha256
        validationDownloadUrl
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
      ... on SplitImpossibleError {
        groups {
          exampleCount
          ties
          exampleIds
        }
      }
    }
  }
`);

const SplitLaunch = graphql(`
  mutation SplitLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
      ... on Error {
        code
        message
      }
      ... on SplitImpossibleError {
        groups {
          exampleCount
          ties
          exampleIds
        }
      }
    }
  }
`);

const SplitMembers = graphql(`
  query SplitMembers($id: ID!, $after: String) {
    export(id: $id) {
      examples(first: 100, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          node {
            part
            line
            example {
              userMessage
              assistantResponse
              callTranscription {
                callSid
                phoneNumber
              }
            }
          }
        }
      }
    }
  }
`);

type SplitMembersPage = NonNullable<SplitMembersQuery['export']>['examples'] | undefined;

async function answerOf(client: TestClient, input: ExportDatasetInput) {
  return (await client.run(SplitExport, { input })).exportDataset;
}

async function splitOf(client: TestClient, input: ExportDatasetInput) {
  const made = await answerOf(client, input);
  if (!('downloadUrl' in made)) throw new Error(JSON.stringify(made));
  return made;
}

async function membersOf(client: TestClient, id: string) {
  const members = [];
  for (let after: string | null = null; ;) {
    const page: SplitMembersPage = (await client.run(SplitMembers, { id, after })).export?.examples;
    if (!page) throw new Error('The export is gone');
    members.push(...page.edges.map(({ node }) => node));
    after = page.pageInfo.endCursor ?? null;
    if (!page.pageInfo.hasNextPage) return { members, totalCount: page.totalCount };
  }
}

async function linesOf(url: string | null | undefined) {
  const bytes = Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
  return { bytes, lines: bytes.toString().trimEnd().split('\n') };
}

const saysOf = (line: string): string[] =>
  (JSON.parse(line) as { messages: { content: string }[] }).messages.map(({ content }) => content);

let client: TestClient;
let datasetId: string;
beforeAll(async () => {
  client = await newTenant();
  await importCalls(client, sharedCalls().slice(0, 120));
  datasetId = await newDataset(client, 'Shared');
  await collect(client, { datasetId, maxExamples: 600, minConfidence: 0 });
});

test.each(['CALL', 'PHONE_NUMBER'] as const)(
  'grouped by %s no call, number or text is on both sides, and the files are as told',
  async (groupBy) => {
    const made = await splitOf(client, { datasetId, split: { seed: 7, groupBy } });
    expect(made.split).toEqual({ validationShare: 0.1, seed: 7, groupBy });
    const training = await linesOf(made.downloadUrl);
    const validation = await linesOf(made.validationDownloadUrl);
    expect([training.lines.length, validation.lines.length]).toEqual([
      made.exampleCount,
      made.validationExampleCount,
    ]);
    const all = made.exampleCount + made.validationExampleCount;
    expect(Math.abs(made.validationExampleCount - all / 10)).toBeLessThan(all / 50);
    expect([sha256(training.bytes), training.bytes.length]).toEqual([made.sha256, made.bytes]);
    expect([sha256(validation.bytes), validation.bytes.length]).toEqual([
      made.validationSha256,
      made.validationBytes,
    ]);

    const { members, totalCount } = await membersOf(client, made.id);
    expect(totalCount).toBe(all);
    const sides = new Map<string, string>();
    for (const { part, line, example: of } of members) {
      const file = part === 'TRAINING' ? training : validation;
      expect(saysOf(file.lines[line - 1] ?? '').at(-1)).toBe(of?.assistantResponse);
      const text = `${of?.userMessage} ${of?.assistantResponse}`.toLowerCase().replaceAll(/\s+/g, ' ');
      const number = groupBy === 'PHONE_NUMBER' ? of?.callTranscription?.phoneNumber : null;
      for (const key of [of?.callTranscription?.callSid, number, text]) {
        if (key == null) continue;
        expect(sides.get(key) ?? part).toBe(part);
        sides.set(key, part);
      }
    }
  },
);

test('the same seed gives the same export, another seed another, and another tenant the same bytes', async () => {
  const split = { seed: 3, validationShare: 0.2 };
  const made = await splitOf(client, { datasetId, split });
  expect((await splitOf(client, { datasetId, split })).id).toBe(made.id);
  const another = await splitOf(client, { datasetId, split: { ...split, seed: 4 } });
  expect(another.validationSha256).not.toBe(made.validationSha256);
  const whole = await splitOf(client, { datasetId });
  expect(whole).toMatchObject({
    split: null,
    validationExampleCount: 0,
    validationBytes: null,
    validationSha256: null,
    validationDownloadUrl: null,
  });
  expect(whole.exampleCount).toBe(made.exampleCount + made.validationExampleCount);

  const other = await newTenant();
  await importCalls(other, sharedCalls().slice(0, 120).toReversed());
  const theirs = await newDataset(other, 'Shared');
  await collect(other, { datasetId: theirs, maxExamples: 600, minConfidence: 0 });
  expect(await splitOf(other, { datasetId: theirs, split })).toMatchObject({
    sha256: made.sha256,
    validationSha256: made.validationSha256,
  });
});

const turns = (n: number) => [
  `caller: I would like to know what the weather will be like in city number ${n} tomorrow, please.`,
  `agent: In city number ${n} it will be sunny all day long tomorrow, with ${n} degrees and a light wind.`,
];

test('calls delivered twice under a new sid, and near-duplicates, stay on one side', async () => {
  const own = await newTenant();
  const long =
    'and so on and so forth as was agreed when we spoke last week about all of these things in the office';
  const near = (n: number) => [
    `caller: ${long} caller ${n}`,
    'agent: I have noted every single one of your wishes and will tell my colleagues in the morning before they begin their work',
  ];
  await importCalls(own, [
    ...Array.from({ length: 12 }, (_, n) => call(`CA${n}`, turns(n), { phone_number: null })),
    ...Array.from({ length: 12 }, (_, n) =>
      call(
        `CB${n}`,
        turns(n).map((turn) => turn.toUpperCase().replace(/^(CALLER|AGENT)/, (who) => who.toLowerCase())),
      ),
    ),
    ...Array.from({ length: 6 }, (_, n) => call(`CC${n}`, near(n))),
  ]);
  const id = await newDataset(own);
  await collect(own, { datasetId: id, maxExamples: 100 });
  for (let seed = 0; seed < 5; seed += 1) {
    const made = await splitOf(own, { datasetId: id, split: { seed, validationShare: 0.3 } });
    const { members } = await membersOf(own, made.id);
    expect(members).toHaveLength(30);
    const aside = members
      .filter(({ part }) => part === 'VALIDATION')
      .map(({ example: of }) => of?.userMessage ?? '');
    const cities = aside.filter((said) => /city/i.test(said)).map((said) => said.toLowerCase());
    expect(cities.filter((said) => cities.indexOf(said) === cities.lastIndexOf(said))).toEqual([]);
    expect([0, 6]).toContain(aside.filter((said) => said.startsWith('and so on')).length);
  }
});

test('an impossible split says which examples are in the way, and leaves nothing behind', async () => {
  const own = await newTenant();
  const spoken = Array.from({ length: 30 }, (_, n) =>
    n % 2 === 0
      ? `caller: May I ask about the plan number ${n}?`
      : `agent: Of course, plan ${n} is the best there is.`,
  );
  await importCalls(own, [call('CA1', spoken)]);
  const id = await newDataset(own);
  await collect(own, { datasetId: id });
  const refused = await answerOf(own, { datasetId: id, split: {} });
  expect(refused).toMatchObject({
    __typename: 'SplitImpossibleError',
    code: 'SPLIT_IMPOSSIBLE',
    message: expect.stringContaining('15 examples cannot be split'),
    groups: [{ exampleCount: 15, ties: expect.arrayContaining(['CALL']) }],
  });
  expect('groups' in refused && refused.groups[0]?.exampleIds).toHaveLength(5);
  expect(await answerOf(own, { datasetId: id })).toMatchObject({ __typename: 'Export' });

  const few = await newDataset(own, 'Few');
  await addExamples(
    own,
    few,
    Array.from({ length: 10 }, (_, n) => example(`Question number ${n}`)),
    true,
  );
  const tooFew = await answerOf(own, { datasetId: few, split: {} });
  expect(tooFew).toMatchObject({ code: 'SPLIT_IMPOSSIBLE', groups: [] });

  // A launch is refused with the same at once, not by the worker.
  const launch = async (ofDataset: string) =>
    (await own.run(SplitLaunch, { input: { datasetId: ofDataset, baseModel: 'sandbox-small', split: {} } }))
      .launchTrainingRun;
  expect(await launch(id)).toEqual(refused);
  expect(await launch(few)).toEqual(tooFew);
  expect(await own.answer('{ trainingRuns { totalCount } }')).toEqual({
    data: { trainingRuns: { totalCount: 0 } },
  });
});

test.each([
  [{ validationShare: 0 }, 'input.split.validationShare'],
  [{ validationShare: 0.51 }, 'input.split.validationShare'],
  [{ seed: -1 }, 'input.split.seed'],
])('the split %j is refused', async (split, field) => {
  expect(await answerOf(client, { datasetId, split })).toMatchObject({
    code: 'INVALID_INPUT',
    faults: [{ field }],
  });
});

test('the validation file has a link of its own, with its name, ETag and ranges', async () => {
  const made = await splitOf(client, { datasetId, split: { seed: 7 } });
  const whole = await fetch(made.validationDownloadUrl ?? '');
  expect(whole.headers.get('etag')).toBe(`"${made.validationSha256}"`);
  expect(whole.headers.get('content-disposition')).toContain('Shared-validation.jsonl');
  const part = await fetch(made.validationDownloadUrl ?? '', { headers: { Range: 'bytes=1-10' } });
  expect([part.status, await part.text()]).toEqual([206, (await whole.text()).slice(1, 11)]);
  // A link is good for its own file.
  const swapped = new URL(made.downloadUrl);
  swapped.pathname += '/validation';
  expect((await fetch(swapped)).status).toBe(403);
});
