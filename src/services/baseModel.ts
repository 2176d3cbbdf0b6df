/** Which models can be tuned, until when, and at what price: the catalogue in the database, judged by the clock. */
import type { Database } from '../db/database.ts';
import type { BaseModel, BaseModelPrice } from '../generated/prisma/client.ts';
import { readCatalogue, writeCatalogue, type Catalogue } from './baseModelCatalogue.ts';
import type { Clock } from './clock.ts';
import { BaseModelUnavailableError } from './errors.ts';

/** How many days ahead of an end a launch is warned of it: a quarter, in which a successor can be found and tuned. */
const WARN_DAYS_AHEAD = 90;
const DAY = 86_400_000;

/** What should be known before a launch, though it does not stop one. */
export interface LaunchWarning {
  code: 'BASE_MODEL_SHUTS_DOWN_SOON' | 'TRAINING_ENDS_SOON';
  message: string;
}

export type BaseModelService = ReturnType<typeof createBaseModelService>;

/**
 * Each function runs a transaction of its own, so do not call one from within another transaction: the embedded
 * database has a single connection.
 */
export function createBaseModelService({ db, clock }: { db: Pick<Database, 'asSystem'>; clock: Clock }) {
  const modelsOf = (provider: string) =>
    db.asSystem((tx) => tx.baseModel.findMany({ where: { provider }, orderBy: { name: 'asc' } }));

  return {
    /**
     * Brings the tables to the catalogue's state, the package's own unless another is given. Removes nothing; changes
     * nothing the second time; any number of replicas may do it at once. Throws when the catalogue is not valid.
     */
    async sync(catalogue?: Catalogue): Promise<void> {
      const models = catalogue ?? (await readCatalogue());
      await db.asSystem((tx) => writeCatalogue(tx, models));
    },

    /**
     * The base model of a provider that `name` means, with what to know before launching on it. An undated name means
     * the latest dated one: `gpt-4.1-mini` is `gpt-4.1-mini-2025-04-14`, `gpt-3.5-turbo` is `gpt-3.5-turbo-0125`.
     * Throws BaseModelUnavailableError: UNKNOWN_BASE_MODEL, BASE_MODEL_SHUT_DOWN, BASE_MODEL_TRAINING_ENDED.
     */
    async requireTrainable(
      provider: string,
      name: string,
    ): Promise<{ model: BaseModel; warnings: LaunchWarning[] }> {
      const known = await modelsOf(provider);
      const model = resolve(known, name);
      const now = clock.now();
      if (!model)
        throw unknown(
          provider,
          name,
          known.filter((one) => isTrainable(one, now)),
        );
      refuseEnded(model, now);
      return { model, warnings: warningsOf(model, now) };
    },

    /** The provider's first base model by name that it trains today; null when there is none. */
    async firstTrainable(provider: string): Promise<BaseModel | null> {
      const now = clock.now();
      return (await modelsOf(provider)).find((model) => isTrainable(model, now)) ?? null;
    },

    /** The base model of a provider that `name` means as in requireTrainable, trainable or not; null for none. */
    async find(provider: string, name: string): Promise<BaseModel | null> {
      return resolve(await modelsOf(provider), name) ?? null;
    },

    /**
     * The price that holds on the day (UTC) of `date`: the one with the latest first day not after it. null when the
     * catalogue has none that early.
     */
    async priceOn(baseModelId: string, date: Date): Promise<BaseModelPrice | null> {
      return db.asSystem((tx) =>
        tx.baseModelPrice.findFirst({
          where: { baseModelId, validFrom: { lte: date } },
          orderBy: { validFrom: 'desc' },
        }),
      );
    },
  };
}

/** The model of exactly this name, else the latest of those that are this name and a date. */
function resolve(known: BaseModel[], name: string): BaseModel | undefined {
  const dated = known.filter((model) => model.name.startsWith(`${name}-`));
  const latest = (date: RegExp) => dated.findLast((model) => date.test(model.name.slice(name.length + 1)));
  // OpenAI's older names end in month and day alone, which do not sort across years: full dates go first.
  return known.find((model) => model.name === name) ?? latest(/^\d{4}-\d{2}-\d{2}$/) ?? latest(/^\d{4}$/);
}

/** Whether its provider takes training of it at that time. */
export function isTrainable(
  { trainingEndsAt, shutdownAt }: Pick<BaseModel, 'trainingEndsAt' | 'shutdownAt'>,
  now: Date,
): boolean {
  return [trainingEndsAt, shutdownAt].every((end) => end === null || end > now);
}

function unknown(provider: string, name: string, trainable: BaseModel[]): BaseModelUnavailableError {
  const names = trainable.map((model) => model.name).join(', ');
  const choice =
    names === ''
      ? `Tunesmith knows none of ${provider}'s that can be tuned today.`
      : `Choose one of ${names}.`;
  return new BaseModelUnavailableError(
    'UNKNOWN_BASE_MODEL',
    `${provider} has no base model "${name}" that can be tuned. ${choice}`,
  );
}

function refuseEnded({ name, provider, shutdownAt, trainingEndsAt }: BaseModel, now: Date): void {
  if (shutdownAt && shutdownAt <= now) {
    throw new BaseModelUnavailableError(
      'BASE_MODEL_SHUT_DOWN',
      `${provider} shut ${name} down on ${day(shutdownAt)}, and the models tuned from it. Choose another base model.`,
    );
  }
  if (trainingEndsAt && trainingEndsAt <= now) {
    throw new BaseModelUnavailableError(
      'BASE_MODEL_TRAINING_ENDED',
      `${provider} has taken no new training of ${name} since ${day(trainingEndsAt)}. Choose another base model or provider.`,
    );
  }
}

function warningsOf({ name, provider, shutdownAt, trainingEndsAt }: BaseModel, now: Date): LaunchWarning[] {
  const soon = (date: Date | null): date is Date =>
    date !== null && date.getTime() - now.getTime() <= WARN_DAYS_AHEAD * DAY;
  const warnings: LaunchWarning[] = [];
  if (soon(shutdownAt)) {
    warnings.push({
      code: 'BASE_MODEL_SHUTS_DOWN_SOON',
      message: `${provider} shuts ${name} down on ${day(shutdownAt)}. The model tuned from it stops answering on that day.`,
    });
  }
  if (soon(trainingEndsAt)) {
    warnings.push({
      code: 'TRAINING_ENDS_SOON',
      message: `${provider} takes no new training of ${name} from ${day(trainingEndsAt)} on. This model cannot be tuned again there afterwards.`,
    });
  }
  return warnings;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
