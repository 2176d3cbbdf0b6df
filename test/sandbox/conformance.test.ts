/** The sandbox is held to the corpus: it takes what the provider's documents allow, and refuses what they forbid. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MAX_FILE_BYTES } from '../../src/sandbox/files.ts';
import { ApiError } from '../../src/sandbox/http.ts';
import { LineFault } from '../../src/sandbox/lines.ts';
import { methodOf, readJobParams } from '../../src/sandbox/params.ts';
import { readTrainingLine, type MethodType } from '../../src/sandbox/preferences.ts';
import { MAX_EXAMPLE_TOKENS } from '../../src/sandbox/tokens.ts';
import { judge } from '../../src/sandbox/verdict.ts';
import {
  bytesOf,
  chatCases,
  fileCases,
  launchCases,
  preferenceCases,
  type FileCase,
} from '../support/conformance.ts';
import { conversations, tempDir } from './support.ts';

const NEVER = new AbortController().signal;

function refusesLine(text: string, method: MethodType): boolean {
  try {
    readTrainingLine({ number: 1, text }, method);
    return false;
  } catch (error) {
    if (error instanceof LineFault) return true;
    throw error;
  }
}

test.each(chatCases)('chat: $name', ({ text, refusedBy }) => {
  expect(refusesLine(text, 'supervised')).toBe(refusedBy.length > 0);
});

test.each(preferenceCases)('preferences: $name', ({ text, refusedBy }) => {
  expect(refusesLine(text, 'dpo')).toBe(refusedBy.length > 0);
});

async function judged(one: FileCase) {
  const directory = await tempDir();
  const path = join(directory, 'case.jsonl');
  const good = join(directory, 'good.jsonl');
  await writeFile(path, bytesOf(one));
  await writeFile(good, conversations(10));
  const [train, valid] = one.part === 'TRAINING' ? [path, good] : [good, path];
  const asked = one.format === 'OPENAI_DPO_JSONL' ? { type: 'dpo' } : { type: 'supervised' };
  const method = methodOf(readJobParams({ model: 'm', training_file: 'f', method: asked }));
  const validation_file = one.part === 'TRAINING' ? null : 'file-valid';
  const dataPath = (_id: string, which: 'train' | 'valid') => (which === 'train' ? train : valid);
  return judge({ dataPath }, { id: 'job', method, validation_file }, NEVER);
}

test.each(fileCases.filter(({ declaredBytes }) => declaredBytes === undefined))(
  'file: $name',
  async (one) => {
    const verdict = await judged(one);
    // What is too long is not refused but cut, which is why the pre-flight has to refuse it.
    expect('error' in verdict).toBe(one.refusedBy.length > 0 && !one.cut);
    const tokens = 'count' in verdict ? verdict.count.tokens : 0;
    expect(tokens > MAX_EXAMPLE_TOKENS).toBe(one.cut);
  },
);

test.each(fileCases.filter(({ declaredBytes }) => declaredBytes !== undefined))('size: $name', (one) => {
  expect((one.declaredBytes ?? 0) > MAX_FILE_BYTES).toBe(one.refusedBy.length > 0);
});

test.each(launchCases)('launch: $name', ({ settings, method, refusedBy }) => {
  const { nEpochs, batchSize, learningRateMultiplier, beta } = settings.hyperparameters ?? {};
  const hyperparameters = {
    ...(nEpochs !== undefined && { n_epochs: nEpochs }),
    ...(batchSize !== undefined && { batch_size: batchSize }),
    ...(learningRateMultiplier !== undefined && { learning_rate_multiplier: learningRateMultiplier }),
    ...(beta !== undefined && { beta }),
  };
  const asked = {
    model: 'sandbox-small-2026-01-01',
    training_file: 'file-1',
    suffix: settings.suffix,
    seed: settings.seed,
    method: { type: method, [method]: { hyperparameters } },
  };
  expect(refusesJob(asked)).toBe(refusedBy.length > 0);
});

function refusesJob(asked: object): boolean {
  try {
    readJobParams(asked);
    return false;
  } catch (error) {
    if (error instanceof ApiError) return true;
    throw error;
  }
}
