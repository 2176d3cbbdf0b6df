import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import { readCatalogue } from '../src/services/baseModelCatalogue.ts';
import { newTenant, sharedServer } from './support/server.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

const Catalogue = graphql(`
  query RunBaseModels($provider: String) {
    baseModels(provider: $provider) {
      provider
      name
      trainable
      minExamples
      maxExampleTokens
      maxFileBytes
      trainingEndsAt
      shutdownAt
      source
      asOf
      prices {
        validFrom
        trainingUsdPerMTokens
        inputUsdPerMTokens
        cachedInputUsdPerMTokens
        outputUsdPerMTokens
        source
        asOf
      }
    }
    providers {
      name
      description
      isDefault
    }
  }
`);

test('the catalogue comes as it was recorded, with dated prices', async () => {
  const client = await newTenant();
  const { baseModels } = await client.run(Catalogue, {});
  const recorded = await readCatalogue();
  expect(baseModels.map(({ provider, name }) => `${provider} ${name}`)).toEqual(
    recorded.map(({ provider, name }) => `${provider} ${name}`).toSorted(),
  );
  for (const model of recorded) {
    const shown = baseModels.find(({ name }) => name === model.name);
    expect(shown).toMatchObject({
      minExamples: model.minExamples,
      maxFileBytes: model.maxFileBytes,
      asOf: model.asOf,
      source: model.source,
    });
    expect(shown?.prices.map((price) => [price.validFrom, price.trainingUsdPerMTokens])).toEqual(
      model.prices
        .toSorted((a, b) => (a.validFrom < b.validFrom ? 1 : -1))
        .map((price) => [price.validFrom, Number(price.trainingUsdPerMTokens)]),
    );
  }
});

test('models are told by provider; the sandbox’s are always trainable, those of a provider not set up are not', async () => {
  const client = await newTenant();
  const { baseModels, providers } = await client.run(Catalogue, { provider: 'sandbox' });
  expect(baseModels.map(({ name, trainable }) => [name, trainable])).toEqual([
    ['sandbox-large-2026-01-01', true],
    ['sandbox-small-2026-01-01', true],
  ]);
  expect(providers).toEqual([{ name: 'sandbox', description: expect.any(String), isDefault: true }]);
  const openai = await client.run(Catalogue, { provider: 'openai' });
  expect(openai.baseModels.map(({ trainable }) => trainable)).toEqual(openai.baseModels.map(() => false));
  expect((await client.run(Catalogue, { provider: 'nobody' })).baseModels).toEqual([]);
});
