import { isTrainable } from '../services/baseModel.ts';
import { parseInput } from '../services/input.ts';
import { storableText } from '../services/text.ts';
import { builder } from './builder.ts';

builder.prismaObject('BaseModelPrice', {
  fields: (t) => ({
    validFrom: t.expose('validFrom', { type: 'Date' }),
    trainingUsdPerMTokens: t.float({
      description: 'Training, in USD per million tokens, times the epochs.',
      select: { trainingUsdPerMTokens: true },
      resolve: (price) => price.trainingUsdPerMTokens.toNumber(),
    }),
    inputUsdPerMTokens: t.float({
      nullable: true,
      description: 'Asking the tuned model, in USD per million tokens sent.',
      select: { inputUsdPerMTokens: true },
      resolve: (price) => price.inputUsdPerMTokens?.toNumber() ?? null,
    }),
    cachedInputUsdPerMTokens: t.float({
      nullable: true,
      description: 'Asking the tuned model, in USD per million sent tokens that the provider had cached.',
      select: { cachedInputUsdPerMTokens: true },
      resolve: (price) => price.cachedInputUsdPerMTokens?.toNumber() ?? null,
    }),
    outputUsdPerMTokens: t.float({
      nullable: true,
      description: 'Asking the tuned model, in USD per million tokens answered.',
      select: { outputUsdPerMTokens: true },
      resolve: (price) => price.outputUsdPerMTokens?.toNumber() ?? null,
    }),
    source: t.exposeString('source'),
    asOf: t.expose('asOf', { type: 'Date' }),
  }),
});

const BaseModelType = builder.prismaObject('BaseModel', {
  fields: (t) => ({
    provider: t.exposeString('provider'),
    name: t.exposeString('name'),
    maxExampleTokens: t.exposeInt('maxExampleTokens'),
    minExamples: t.exposeInt('minExamples'),
    maxFileBytes: t.field({
      type: 'SafeInt',
      description: 'The largest file the provider accepts, in bytes.',
      select: { maxFileBytes: true },
      resolve: ({ maxFileBytes }) => Number(maxFileBytes),
    }),
    trainingEndsAt: t.expose('trainingEndsAt', { type: 'DateTime', nullable: true }),
    shutdownAt: t.expose('shutdownAt', { type: 'DateTime', nullable: true }),
    trainable: t.boolean({
      description:
        'Whether a run can be launched on it today: its provider trains it, and is one of this server’s `providers`.',
      select: { provider: true, trainingEndsAt: true, shutdownAt: true },
      resolve: (model, _args, { services: { clock, providers } }) =>
        providers.names().includes(model.provider) && isTrainable(model, clock.now()),
    }),
    prices: t.relation('prices', {
      description: 'What it costs, the latest price first.',
      query: { orderBy: { validFrom: 'desc' } },
    }),
    source: t.exposeString('source'),
    asOf: t.expose('asOf', { type: 'Date' }),
  }),
});

const ProviderType = builder
  .objectRef<{ name: string; description: string; isDefault: boolean }>('Provider')
  .implement({
    description: 'Who trains: a place that runs can be launched on from this server.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Hand it to `launchTrainingRun` as `provider`.' }),
      description: t.exposeString('description', { description: 'What to know about it.' }),
      isDefault: t.exposeBoolean('isDefault', {
        description: 'Whether a launch that names none goes there.',
      }),
    }),
  });

builder.queryFields((t) => ({
  baseModels: t.prismaField({
    type: [BaseModelType],
    description:
      'The models that can be tuned: whose they are, their limits, dated prices and last days. By provider and name.',
    args: { provider: t.arg.string({ description: 'Only the models of this provider.' }) },
    resolve: (query, _root, { provider }, { db }) =>
      db.baseModel.findMany({
        ...query,
        where:
          provider == null
            ? {}
            : { provider: parseInput(storableText('The name', 1000), provider, 'provider') },
        orderBy: [{ provider: 'asc' }, { name: 'asc' }],
      }),
  }),
  providers: t.field({
    type: [ProviderType],
    description: 'The providers that this server is set up for.',
    resolve: (_root, _args, { services: { providers } }) =>
      providers.names().flatMap((name) => {
        const provider = providers.get(name);
        return provider
          ? [{ name, description: provider.description, isDefault: provider === providers.default }]
          : [];
      }),
  }),
}));
