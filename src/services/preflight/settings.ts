/** The rules of what a launch asks for beside its data. */
import { error, quoted, type Rule, type Tell } from './rule.ts';

/** What a launch asks for; what is left out is left to the provider. */
export interface Settings {
  suffix?: string | null | undefined;
  seed?: number | null | undefined;
  hyperparameters?:
    | {
        nEpochs?: number | null | undefined;
        batchSize?: number | null | undefined;
        learningRateMultiplier?: number | null | undefined;
        beta?: number | null | undefined;
      }
    | null
    | undefined;
}

export const settingRules = {
  suffixLength: error('SUFFIX_LENGTH', 'A suffix must have 1 to 64 characters. Shorten it or leave it out.'),
  suffixCharacters: error('SUFFIX_CHARACTERS', 'A suffix may hold letters, digits, . _ and - only.'),
  seed: error('SEED', 'A seed must be a whole number from 0 to 2147483647.'),
  nEpochs: error('N_EPOCHS', 'nEpochs must be a whole number from 1 to 50. Leave it out to have it chosen.'),
  batchSize: error(
    'BATCH_SIZE',
    'batchSize must be a whole number from 1 to 256. Leave it out to have it chosen.',
  ),
  learningRateMultiplier: error(
    'LEARNING_RATE_MULTIPLIER',
    'learningRateMultiplier must be more than 0 and at most 1000. Leave it out to have it chosen.',
  ),
  beta: error('BETA', 'beta must be more than 0 and at most 2. Leave it out to have it chosen.'),
};

export function checkSettings({ suffix, seed, hyperparameters }: Settings, tell: Tell): void {
  if (suffix != null) {
    const length = suffix.trim().length;
    if (length < 1 || length > 64) tell(settingRules.suffixLength, 'suffix', `${length} characters`);
    else if (!/^[\w.-]+$/.test(suffix.trim())) tell(settingRules.suffixCharacters, 'suffix', quoted(suffix));
  }
  const check = (
    rule: Rule,
    field: string,
    value: number | null | undefined,
    fits: (value: number) => boolean,
  ) => {
    if (value != null && !fits(value)) tell(rule, field, String(value));
  };
  const { nEpochs, batchSize, learningRateMultiplier, beta } = hyperparameters ?? {};
  check(settingRules.seed, 'seed', seed, whole(0, 2_147_483_647));
  check(settingRules.nEpochs, 'hyperparameters.nEpochs', nEpochs, whole(1, 50));
  check(settingRules.batchSize, 'hyperparameters.batchSize', batchSize, whole(1, 256));
  check(
    settingRules.learningRateMultiplier,
    'hyperparameters.learningRateMultiplier',
    learningRateMultiplier,
    (value) => value > 0 && value <= 1000,
  );
  check(settingRules.beta, 'hyperparameters.beta', beta, (value) => value > 0 && value <= 2);
}

const whole = (from: number, to: number) => (value: number) =>
  Number.isInteger(value) && value >= from && value <= to;
