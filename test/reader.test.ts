import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Database } from '../src/db/database.ts';
import { readStatement } from '../src/db/reader/reader.ts';
import { ensureTenant } from '../src/db/tenants.ts';
import type { Prisma } from '../src/generated/prisma/client.ts';
import { sharedServer } from './support/server.ts';

let db: Database;
const tenantId = randomUUID();
const exampleIds: string[] = [];
const EXAMPLES = 30;
const WORDS = ['one', 'Two', '50%', 'under_score', 'back\\slash', '"quotes"', 'ünï'];

beforeAll(async () => {
  ({ db } = await sharedServer());
  await ensureTenant(db, tenantId, `Reader of ${tenantId}`);
  await db.withTenant(tenantId, async (tx) => {
    for (const name of ['First', 'Second', 'Empty']) await tx.dataset.create({ data: { tenantId, name } });
    const [first, second] = await tx.dataset.findMany({ orderBy: { createdAt: 'asc' } });
    if (!first || !second) throw new Error('There are datasets');
    for (let n = 0; n < EXAMPLES; n += 1) {
      const word = WORDS[n % WORDS.length] ?? '';
      const { id } = await tx.example.create({
        data: {
          tenantId,
          datasetId: n % 3 === 0 ? second.id : first.id,
          position: n,
          messages: [{ role: 'user', content: word }],
          tokens: 1, // Else the job that counts them, for all tenants, would stumble over what are no tools.
          ...(n % 4 === 0 && { tools: { any: [null, 1.5, '\u2028'] } }),
          userMessage: `${word} ${n % 5}`,
          assistantResponse: word.toUpperCase(),
          qualityScore: n % 6 === 0 ? null : (n % 5) / 4,
          rejected: n % 7 === 0,
          source: n % 2 === 0 ? 'MANUAL' : 'IMPORT',
          contentHash: Buffer.from(`${n}`),
          createdAt: new Date(1_700_000_000_000 + (n % 4)),
        },
      });
      exampleIds.push(id);
      const kinds = n % 4 === 0 ? ['EMAIL', 'NAME'] : [];
      if (n % 2 === 0)
        await tx.exampleScan.update({ where: { exampleId: id }, data: { rules: n % 3, kinds } });
      else await tx.exampleScan.delete({ where: { exampleId: id } });
    }
  });
}, 60_000);

const word = fc.constantFrom(...WORDS, '', 'nothing');
const score = fc.constantFrom(0, 0.25, 0.5, 1);
const moment = fc.integer({ min: -1, max: 4 }).map((n) => new Date(1_700_000_000_000 + n));
const text = fc.oneof(
  word,
  fc.record(
    {
      contains: word,
      startsWith: word,
      endsWith: word,
      mode: fc.constantFrom('insensitive' as const, 'default' as const),
    },
    { requiredKeys: [] },
  ),
  fc.record({ in: fc.array(word), not: word }, { requiredKeys: [] }),
  fc.record({ notIn: fc.array(word) }),
);
const comparison = <T>(value: fc.Arbitrary<T>) =>
  fc.record({ gt: value, gte: value, lt: value, lte: value, not: value }, { requiredKeys: [] });

const scanWhere = fc.record(
  {
    rules: fc.oneof(fc.nat(3), comparison(fc.nat(3))),
    kinds: fc.record({ hasSome: fc.array(fc.constantFrom('EMAIL', 'PHONE')) }),
  },
  { requiredKeys: [] },
);
const plainWhere = fc.record(
  {
    position: fc.oneof(fc.nat(EXAMPLES), comparison(fc.nat(EXAMPLES))),
    userMessage: text,
    qualityScore: fc.oneof(fc.constant(null), comparison(score), fc.constant({ not: null })),
    rejected: fc.boolean(),
    source: fc.oneof(
      fc.constantFrom('MANUAL' as const, 'CALL' as const),
      fc.record({ in: fc.array(fc.constantFrom('MANUAL' as const, 'IMPORT' as const)) }),
    ),
    createdAt: fc.oneof(moment, comparison(moment)),
    rejectionReason: fc.constant(null),
    scan: scanWhere,
    dataset: fc.record({ name: fc.constantFrom('First', 'Second') }, { requiredKeys: [] }),
    duplicates: fc.constantFrom({ none: {} }, { some: { kept: true } }),
  },
  { requiredKeys: [] },
);
const exampleWhere: fc.Arbitrary<Prisma.ExampleWhereInput> = fc.record(
  {
    AND: fc.oneof(plainWhere, fc.array(plainWhere, { maxLength: 3 })),
    OR: fc.array(plainWhere, { maxLength: 3 }),
    NOT: fc.oneof(plainWhere, fc.array(plainWhere, { maxLength: 2 })),
  },
  { requiredKeys: [] },
);

const direction = fc.constantFrom('asc' as const, 'desc' as const);
/** In one direction, so that it can be paged by a cursor, and of one order only. */
const pagedOrder = direction.chain((way) =>
  fc.constantFrom<Prisma.ExampleOrderByWithRelationInput[]>(
    [{ position: way }, { id: way }],
    [{ createdAt: way }, { position: way }, { id: way }],
  ),
);
const anyOrder = fc
  .tuple(direction, direction, fc.constantFrom('first' as const, 'last' as const))
  .map(([a, b, nulls]): Prisma.ExampleOrderByWithRelationInput[] => [
    { qualityScore: { sort: a, nulls } },
    { source: b },
    { id: a },
  ]);
const exampleSelect = fc.record(
  {
    id: fc.constant(true as const),
    messages: fc.boolean(),
    tools: fc.boolean(),
    qualityScore: fc.boolean(),
    contentHash: fc.boolean(),
    createdAt: fc.boolean(),
    source: fc.boolean(),
    dataset: fc.constantFrom(true as const, {
      select: { name: true as const, validatedTokens: true as const },
    }),
    scan: fc.constantFrom(true as const, { select: { kinds: true as const } }),
    callTranscription: fc.constant(true as const),
  },
  { requiredKeys: ['id'] },
);
const page = fc.oneof(
  fc.record({ orderBy: anyOrder, take: fc.nat(12), skip: fc.nat(5) }, { requiredKeys: ['orderBy'] }),
  fc.record({ orderBy: pagedOrder, take: fc.integer({ min: -12, max: 12 }), skip: fc.nat(3) }),
);

/** What the reader gives, having taken the question, and what Prisma gives. */
async function both(
  model: 'Example' | 'Dataset',
  operation: 'findMany' | 'findFirst' | 'count',
  args: object,
): Promise<{ ours: unknown; prismas: unknown }> {
  expect(readStatement(model, operation, args)).not.toBeNull();
  const ask = (client: object): unknown => {
    const models: object = Reflect.get(client, model.toLowerCase());
    return Reflect.apply(Reflect.get(models, operation), models, [args]);
  };
  const ours = await ask(db.clientOf(tenantId));
  const prismas = await db.withTenant(tenantId, async (tx) => ask(tx));
  return { ours, prismas };
}

test('lists of examples are Prisma’s, whatever is asked', async () => {
  const selection = fc.oneof(
    fc.constant({}),
    exampleSelect.map((select) => ({ select })),
    fc.constant({ include: { scan: true, dataset: true } }),
  );
  await fc.assert(
    fc.asyncProperty(exampleWhere, page, selection, async (where, paged, asked) => {
      const { ours, prismas } = await both('Example', 'findMany', { where, ...paged, ...asked });
      expect(ours).toEqual(prismas);
    }),
    { numRuns: 150 },
  );
});

test('pages that begin at a row are Prisma’s', async () => {
  await fc.assert(
    fc.asyncProperty(
      exampleWhere,
      pagedOrder,
      fc.integer({ min: -12, max: 12 }),
      fc.constantFrom(0, 1),
      fc.nat(EXAMPLES),
      async (where, orderBy, take, skip, n) => {
        const cursor = { id: exampleIds[n] ?? randomUUID() }; // The last is nobody's.
        const { ours, prismas } = await both('Example', 'findMany', { where, orderBy, take, skip, cursor });
        expect(ours).toEqual(prismas);
      },
    ),
    { numRuns: 100 },
  );
});

test('datasets with their lists and counts are Prisma’s', async () => {
  await fc.assert(
    fc.asyncProperty(
      exampleWhere,
      fc.oneof(anyOrder, pagedOrder),
      fc.nat(5),
      async (where, orderBy, take) => {
        const select = {
          name: true,
          validatedTokens: true,
          examples: { where, orderBy, take, select: { id: true, qualityScore: true, scan: true } },
          trainingRuns: { orderBy: { createdAt: 'desc' } },
          _count: { select: { examples: { where }, exports: true } },
        };
        const order = { name: 'asc' };
        const many = await both('Dataset', 'findMany', { select, orderBy: order });
        expect(many.ours).toEqual(many.prismas);
        const first = await both('Dataset', 'findFirst', { where: { name: 'Second' }, select });
        expect(first.ours).toEqual(first.prismas);
      },
    ),
    { numRuns: 60 },
  );
});

test('counts are Prisma’s', async () => {
  await fc.assert(
    fc.asyncProperty(exampleWhere, async (where) => {
      const { ours, prismas } = await both('Example', 'count', { where });
      expect(ours).toBe(prismas);
    }),
    { numRuns: 60 },
  );
});

test('what is not there is null, or Prisma’s own error', async () => {
  const client = db.clientOf(tenantId);
  const where = { id: randomUUID() };
  expect(await client.example.findUnique({ where })).toBeNull();
  expect(await client.example.findFirst({ where })).toBeNull();
  await expect(client.example.findUniqueOrThrow({ where })).rejects.toMatchObject({ code: 'P2025' });
  await expect(client.example.findFirstOrThrow({ where })).rejects.toMatchObject({ code: 'P2025' });
});

test.each([
  ['a condition on JSON', { where: { messages: { equals: [] } } }],
  ['an order by a relation', { orderBy: { dataset: { name: 'asc' } } }],
  ['rows of each kind once', { distinct: ['source'] }],
  ['a cursor in an order with nulls', { orderBy: { qualityScore: 'asc' }, cursor: { id: randomUUID() } }],
  ['all but some columns', { omit: { messages: true } }],
])('%s is left to Prisma', (_what, args) => {
  expect(readStatement('Example', 'findMany', args)).toBeNull();
});
