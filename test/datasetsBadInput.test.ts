/** Whatever is sent to the data side, no answer is a fault of the server's. */
import * as fc from 'fast-check';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type GraphQLInputType,
} from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  addExamples,
  call,
  collect,
  example,
  examplesOf,
  exportedLines,
  importCalls,
  newDataset,
} from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { operationOf, rootFields } from './support/operations.ts';
import { newTenant, sharedServer } from './support/server.ts';

let client: TestClient;
const ids: string[] = [];

beforeAll(async () => {
  client = await newTenant();
  await importCalls(client, [
    call('CA1', ['caller: What is your favourite number?', 'agent: It is the number twelve.']),
  ]);
  for (const name of ['One', 'Two']) {
    const datasetId = await newDataset(client, name);
    await collect(client, { datasetId });
    await addExamples(client, datasetId, [example('A', 'B', 0.5)], true);
    if (name === 'Two') await exportedLines(client, datasetId);
    ids.push(datasetId, ...(await examplesOf(client, datasetId)).map(({ id }) => id));
  }
});

const globalId = (text: string) => Buffer.from(text).toString('base64');
const uuid = '019ab000-0000-7000-8000-000000000001';

const strings = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    '\0',
    'a\0b',
    '\ud800',
    'x\udfff',
    '\u202e',
    '%',
    '_',
    '\\',
    "'",
    '"',
    '$1',
    '{}',
    '😀',
    'x'.repeat(201),
    'y'.repeat(100_001),
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
);
const scalars: Record<string, fc.Arbitrary<unknown>> = {
  ID: fc.oneof(
    fc.nat().map((index) => ids[index % ids.length]),
    fc
      .constantFrom(
        'Dataset',
        'Example',
        'Export',
        'CallTranscription',
        'TrainingRun',
        'Query',
        '__proto__',
        '',
      )
      .map((type) => globalId(`${type}:${uuid}`)),
    fc.constantFrom(
      '',
      'x',
      '0',
      uuid,
      '\0',
      '\ud800',
      '====',
      globalId('Dataset:'),
      globalId('Dataset:1'),
      globalId(`Dataset:${uuid}\0`),
      globalId("Dataset:' OR 1=1"),
      globalId(`Dataset:${uuid}:${uuid}`),
    ),
    fc.integer(),
  ),
  String: strings,
  Int: fc.oneof(fc.constantFrom(0, -1, 1, 101, 2_147_483_647, -2_147_483_648), fc.integer()),
  Float: fc.oneof(
    fc.constantFrom(0, -0, 1, -1, 0.85, 5e-324, 1.797e308, -1e300, 1e-7, 1 + Number.EPSILON),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  Boolean: fc.boolean(),
  DateTime: fc.constantFrom(
    '2026-09-01T09:00:00Z',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+23:59',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59-23:59',
    '9999-12-31T23:59:59.999Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:59:60Z',
    '2026-01-01',
    '',
    'now',
    'infinity',
  ),
  JSON: fc.oneof(
    fc.jsonValue(),
    fc.array(
      fc.record({
        type: fc.constant('function'),
        function: fc.record({ name: fc.constantFrom('f', '', 'a b', '\0'), parameters: fc.jsonValue() }),
      }),
      { maxLength: 3 },
    ),
    fc.constantFrom(
      { length: -1 },
      [null],
      JSON.parse('[{"type":"function","function":{"name":"f","parameters":{"__proto__":{"a":1}}}}]'),
      nested(150),
    ),
  ),
};

function nested(depth: number): unknown {
  let value: unknown = { type: 'function' };
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** Values of the right shape, most of them wrong. */
function valuesOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return presentValuesOf(type.ofType);
  return fc.oneof(
    { weight: 4, arbitrary: presentValuesOf(type) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

function presentValuesOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isListType(type)) return fc.array(valuesOf(type.ofType), { maxLength: 3 });
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    return fc.record(Object.fromEntries(fields.map((field) => [field.name, valuesOf(field.type)])), {
      requiredKeys: fields
        .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
        .map(({ name }) => name),
    });
  }
  const name = getNamedType(type).name;
  return scalars[name] ?? fc.string();
}

/** The codes of errors that say nothing to whoever sent the input: none at all, or the server's own. */
function faultsOfOurs(answer: Awaited<ReturnType<TestClient['answer']>>): unknown[] {
  if (answer.errors === undefined) return answer.data === undefined ? ['no answer'] : [];
  return answer.errors.filter(({ extensions }) => {
    const code: unknown = extensions?.['code'];
    return typeof code !== 'string' || code.startsWith('INTERNAL');
  });
}

const runs = /Run|askModel/;
const fields = [
  ...rootFields('mutation')
    .filter(({ name }) => !runs.test(name))
    .map((field) => ({ kind: 'mutation' as const, field, name: field.name })),
  ...rootFields('query')
    .filter(({ args }) => args.length > 0)
    .map((field) => ({ kind: 'query' as const, field, name: field.name })),
];

describe.each(fields)('$kind $name', ({ kind, field }) => {
  const document = operationOf(kind, field);
  const rightShape = fc.record(
    Object.fromEntries(field.args.map(({ name, type }) => [name, valuesOf(type)])),
  );

  test('answers wrong values with typed errors', async () => {
    await fc.assert(
      fc.asyncProperty(rightShape, async (variables) => {
        expect(faultsOfOurs(await client.answer(document, variables))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('answers values of any shape with typed errors', async () => {
    const anyShape = fc.record(Object.fromEntries(field.args.map(({ name }) => [name, fc.jsonValue()])));
    await fc.assert(
      fc.asyncProperty(anyShape, async (variables) => {
        expect(faultsOfOurs(await client.answer(document, variables))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

test.each([
  'callTranscriptions(filter: { minConfidence: 1e999 }) { totalCount }',
  'callTranscriptions(filter: { maxConfidence: -1e999 }) { totalCount }',
  'callTranscriptions(filter: { minConfidence: 5 }) { totalCount }',
  'examples(filter: { minQualityScore: 1e999 }) { totalCount }',
  'examples(first: 99999999999) { totalCount }',
  'examples(datasetId: 5) { totalCount }',
  'callTranscriptions(filter: { from: "0000-01-01T00:00:00Z" }) { totalCount }',
  'callTranscriptions(filter: { to: "9999-12-31T23:59:59-12:00" }) { totalCount }',
])('answers the literals of %s with a code', async (selection) => {
  const answer = await client.answer(`{ ${selection} }`);
  expect(answer.errors).toHaveLength(1);
  expect(faultsOfOurs(answer)).toEqual([]);
});

test('the server has logged no fault of its own for this tenant', async () => {
  const { logged } = await sharedServer();
  const faults = logged
    .map((line) => JSON.parse(line) as { msg: string; tenantId?: string })
    .filter(({ msg }) => msg === 'An operation failed');
  expect(faults.filter(({ tenantId }) => tenantId === client.tenantId)).toEqual([]);
});
