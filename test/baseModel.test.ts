import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../src/db/database.ts';
import { createBaseModelService, type BaseModelService } from '../src/services/baseModel.ts';
import { parseCatalogue, readCatalogue, type Catalogue } from '../src/services/baseModelCatalogue.ts';
import { BaseModelUnavailableError } from '../src/services/errors.ts';
import { openTestDatabase } from './support/database.ts';

let db: Database;
let service: BaseModelService;
let now = new Date();

beforeAll(async () => {
  db = await openTestDatabase((error) => {
    throw error;
  });
  service = createBaseModelService({ db, clock: { now: () => now } });
  await service.sync();
}, 60_000);

afterAll(() => db.close());

const tables = () =>
  db.asSystem(async (tx) => ({
    // A row that was written again has another xmin.
    models: await tx.$queryRaw`SELECT xmin::text, * FROM base_models ORDER BY provider, name`,
    prices:
      await tx.$queryRaw`SELECT xmin::text, * FROM base_model_prices ORDER BY base_model_id, valid_from`,
  }));

async function refusal(provider: string, name: string): Promise<BaseModelUnavailableError> {
  const error: unknown = await service.requireTrainable(provider, name).catch((thrown: unknown) => thrown);
  if (error instanceof BaseModelUnavailableError) return error;
  throw new Error(`${provider} ${name} was not refused`, { cause: error });
}

const warned = async (name: string, provider = 'openai') =>
  (await service.requireTrainable(provider, name)).warnings.map(({ code }) => code);

/** A catalogue of one model, as it was found on a day. */
const oneModel = (asOf: string, tokens: number, price: string): Catalogue => [
  {
    provider: 'other',
    name: 'llama-2026-02-02',
    maxExampleTokens: tokens,
    minExamples: 1,
    maxFileBytes: 1,
    trainingEndsAt: null,
    shutdownAt: null,
    source: 'a test',
    asOf,
    prices: [
      {
        validFrom: '2026-02-02',
        trainingUsdPerMTokens: price,
        inputUsdPerMTokens: null,
        cachedInputUsdPerMTokens: null,
        outputUsdPerMTokens: null,
        source: 'a test',
        asOf,
      },
    ],
  },
];

describe('the catalogue', () => {
  test('has every model once, with a price, a source and a date', async () => {
    const catalogue = await readCatalogue();
    expect(catalogue.map(({ provider, name }) => `${provider} ${name}`)).toEqual([
      'openai gpt-4.1-2025-04-14',
      'openai gpt-4.1-mini-2025-04-14',
      'openai gpt-4.1-nano-2025-04-14',
      'openai gpt-4o-2024-08-06',
      'openai gpt-4o-mini-2024-07-18',
      'openai gpt-3.5-turbo-0125',
      'sandbox sandbox-small-2026-01-01',
      'sandbox sandbox-large-2026-01-01',
    ]);
    for (const model of catalogue) expect(model.prices.length).toBeGreaterThan(0);
    const pretended = catalogue
      .filter((model) => model.provider === 'sandbox')
      .flatMap((model) => model.prices);
    expect(pretended.map(({ source }) => source)).toEqual([
      expect.stringContaining('charges nobody'),
      expect.stringContaining('charges nobody'),
    ]);
  });

  test.each([
    ['an amount with too many places', { trainingUsdPerMTokens: '0.1234567' }, {}],
    ['an amount as a number', { trainingUsdPerMTokens: 5 }, {}],
    ['no source', { source: '' }, {}],
    ['a time without a zone', {}, { shutdownAt: '2027-01-14T00:00:00' }],
    ['a key it does not know', {}, { shutDownAt: null }],
  ])('is refused with %s', async (_what, price, model) => {
    const [first] = await readCatalogue();
    const broken = [{ ...first, ...model, prices: [{ ...first?.prices[0], ...price }] }];
    expect(() => parseCatalogue(broken)).toThrow(/not valid/);
  });

  test('is refused when it names a model or a day twice', async () => {
    const [first] = await readCatalogue();
    const prices = first?.prices ?? [];
    expect(() => parseCatalogue([first, first])).toThrow(/names a model twice/);
    expect(() => parseCatalogue([{ ...first, prices: [...prices, ...prices] }])).toThrow(/a validFrom twice/);
  });
});

describe('sync', () => {
  test('stores what the file says, to the digit', async () => {
    const { model } = await service.requireTrainable('sandbox', 'sandbox-small');
    expect(model).toMatchObject({
      name: 'sandbox-small-2026-01-01',
      maxExampleTokens: 65_536,
      minExamples: 10,
      maxFileBytes: 536_870_912n,
      trainingEndsAt: null,
      shutdownAt: null,
    });
    const rows = await db.asSystem((tx) =>
      tx.baseModelPrice.findMany({ where: { baseModel: { name: 'gpt-4o-2024-08-06' } } }),
    );
    expect(rows.map((row) => row.cachedInputUsdPerMTokens?.toString())).toEqual(['1.875']);
  });

  test('writes nothing the second time, nor twice at once', async () => {
    const before = await tables();
    await Promise.all([service.sync(), service.sync(), service.sync()]);
    expect(await tables()).toEqual(before);
  });

  test('takes newer facts over older ones, and leaves newer ones and strangers alone', async () => {
    const stored = async () => {
      const { model: row } = await service.requireTrainable('other', 'llama');
      const price = await service.priceOn(row.id, new Date('2026-03-01'));
      return [row.maxExampleTokens, price?.trainingUsdPerMTokens.toString()];
    };
    await service.sync(oneModel('2026-02-02', 100, '1'));
    await service.sync(oneModel('2026-02-03', 200, '2'));
    expect(await stored()).toEqual([200, '2']);
    await service.sync(oneModel('2026-02-01', 300, '3'));
    expect(await stored()).toEqual([200, '2']);
    await service.sync();
    expect(await stored()).toEqual([200, '2']);
  });
});

describe('requireTrainable', () => {
  test.each([
    ['gpt-4.1', 'gpt-4.1-2025-04-14'],
    ['gpt-4.1-mini', 'gpt-4.1-mini-2025-04-14'],
    ['gpt-4o', 'gpt-4o-2024-08-06'],
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini-2024-07-18'],
    ['gpt-3.5-turbo', 'gpt-3.5-turbo-0125'],
  ])('takes %s for %s', async (name, dated) => {
    now = new Date('2026-01-01');
    expect((await service.requireTrainable('openai', name)).model.name).toBe(dated);
  });

  test('takes an undated name for the latest of several', async () => {
    const small = (await readCatalogue()).find((model) => model.provider === 'sandbox');
    const named = (name: string) => small && { ...small, provider: 'dated', name };
    const names = [
      'm-2025-09-01',
      'm-2026-01-15',
      'm-2025-12-31',
      'm-1106',
      'm-big-2026-06-01',
      'n-0125',
      'n-0301',
    ];
    await service.sync(parseCatalogue(names.map(named)));
    expect((await service.requireTrainable('dated', 'm')).model.name).toBe('m-2026-01-15');
    expect((await service.requireTrainable('dated', 'n')).model.name).toBe('n-0301');
    expect((await service.requireTrainable('dated', 'm-1106')).model.name).toBe('m-1106');
  });

  test.each(['gpt-5', 'gpt-4.1-mini-2025', 'gpt', '', 'GPT-4.1', 'sandbox-small', '%'])(
    'refuses %o with the names that it knows',
    async (name) => {
      const error = await refusal('openai', name);
      expect(error.code).toBe('UNKNOWN_BASE_MODEL');
      expect(error.message).toContain('gpt-4.1-mini-2025-04-14');
      expect(error.message).not.toContain('sandbox-small-');
    },
  );

  test('names only those that can be trained today', async () => {
    now = new Date('2026-11-23');
    const { message } = await refusal('openai', 'gpt-5');
    expect(message).toContain(
      'Choose one of gpt-4.1-2025-04-14, gpt-4.1-mini-2025-04-14, gpt-4o-2024-08-06, gpt-4o-mini-2024-07-18.',
    );
    now = new Date('2027-01-06');
    expect((await refusal('openai', 'gpt-5')).message).toContain(
      "Tunesmith knows none of openai's that can be tuned today.",
    );
    now = new Date('2026-01-01');
  });

  test('says so when it knows none of a provider', async () => {
    expect((await refusal('nobody', 'gpt-4.1')).message).toContain("none of nobody's");
  });

  test('trains until the last moment of the day before, and not from that day on', async () => {
    now = new Date('2027-01-05T23:59:59.999Z');
    expect(await warned('gpt-4.1-mini')).toEqual(['BASE_MODEL_SHUTS_DOWN_SOON', 'TRAINING_ENDS_SOON']);
    now = new Date('2027-01-06T00:00:00Z');
    const ended = await refusal('openai', 'gpt-4.1-mini');
    expect(ended.code).toBe('BASE_MODEL_TRAINING_ENDED');
    expect(ended.message).toContain('2027-01-06');
    now = new Date('2027-01-13T23:59:59.999Z');
    expect((await refusal('openai', 'gpt-4o')).code).toBe('BASE_MODEL_TRAINING_ENDED');
    now = new Date('2027-01-14T00:00:00Z');
    const shut = await refusal('openai', 'gpt-4o');
    expect(shut.code).toBe('BASE_MODEL_SHUT_DOWN');
    expect(shut.message).toContain('2027-01-14');
  });

  test.each(['gpt-4.1-nano', 'gpt-3.5-turbo'])('knows that %s went earlier', async (name) => {
    now = new Date('2026-10-22T12:00:00Z');
    expect(await warned(name)).toContain('BASE_MODEL_SHUTS_DOWN_SOON');
    now = new Date('2026-10-23T00:00:00Z');
    expect((await refusal('openai', name)).code).toBe('BASE_MODEL_SHUT_DOWN');
  });

  test('warns from 90 days ahead of either end', async () => {
    now = new Date('2026-10-07T23:59:59.999Z');
    expect(await warned('gpt-4.1')).toEqual([]);
    now = new Date('2026-10-08T00:00:00Z');
    expect(await warned('gpt-4.1')).toEqual(['TRAINING_ENDS_SOON']);
    now = new Date('2026-10-16T00:00:00Z');
    expect(await warned('gpt-4.1')).toEqual(['BASE_MODEL_SHUTS_DOWN_SOON', 'TRAINING_ENDS_SOON']);
  });

  test('the sandbox never ends', async () => {
    now = new Date('2040-01-01');
    expect(await warned('sandbox-large', 'sandbox')).toEqual([]);
  });
});

describe('priceOn', () => {
  test('takes the latest price that has begun', async () => {
    const small = (await readCatalogue()).find((model) => model.provider === 'sandbox');
    const price = (validFrom: string, usd: string) => ({
      ...small?.prices[0],
      validFrom,
      trainingUsdPerMTokens: usd,
    });
    const prices = [price('2026-03-01', '3'), price('2026-01-01', '1'), price('2026-02-01', '2')];
    await service.sync(parseCatalogue([{ ...small, provider: 'priced', prices }]));
    const { model } = await service.requireTrainable('priced', 'sandbox-small');
    const on = async (date: string) =>
      (await service.priceOn(model.id, new Date(date)))?.trainingUsdPerMTokens.toString();

    expect(await on('2025-12-31T23:59:59.999Z')).toBeUndefined();
    expect(await on('2026-01-01T00:00:00Z')).toBe('1');
    expect(await on('2026-01-31T23:59:59.999Z')).toBe('1');
    expect(await on('2026-02-01T00:00:00Z')).toBe('2');
    expect(await on('2026-02-28T23:59:59.999Z')).toBe('2');
    expect(await on('2030-01-01T00:00:00Z')).toBe('3');
  });

  test('has no price for a model that is not there', async () => {
    expect(await service.priceOn('00000000-0000-7000-8000-000000000000', new Date())).toBeNull();
  });
});
