/** Jobs on preference data: two files judged, the preferred answers learned. */
import { describe, expect, test } from 'vitest';
import { readTrainingLine } from '../../src/sandbox/preferences.ts';
import {
  conversations,
  eventsOf,
  jsonl,
  launch,
  preference,
  sandboxed,
  untilOver,
  upload,
} from './support.ts';

const preferences = (count: number, from = 0) =>
  jsonl(Array.from({ length: count }, (_, number) => preference(from + number)));

describe('a DPO job', () => {
  test('learns the preferred answers, and measures them on the validation file', async () => {
    const { client } = await sandboxed();
    const valid = await upload(client, preferences(12, 100));
    const created = await launch(client, preferences(60), {
      validation_file: valid.id,
      method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 2 } } },
    });
    expect(created).toMatchObject({
      hyperparameters: null,
      method: {
        type: 'dpo',
        dpo: {
          hyperparameters: {
            n_epochs: 2,
            batch_size: 'auto',
            learning_rate_multiplier: 'auto',
            beta: 'auto',
          },
        },
      },
    });
    const job = await untilOver(client, created.id);
    expect(job).toMatchObject({
      status: 'succeeded',
      error: {},
      hyperparameters: null,
      method: {
        dpo: { hyperparameters: { n_epochs: 2, batch_size: 1, learning_rate_multiplier: 1, beta: 0.1 } },
      },
    });
    const inFile = Array.from({ length: 60 }, (_, number) =>
      readTrainingLine({ number, text: JSON.stringify(preference(number)) }, 'dpo'),
    );
    expect(job.trained_tokens).toBe(2 * inFile.reduce((sum, { tokens }) => sum + tokens, 0));

    const last = (await eventsOf(client, job.id)).findLast(({ type }) => type === 'metrics')?.data;
    expect(last).toMatchObject({
      valid_loss: expect.any(Number),
      valid_mean_token_accuracy: expect.any(Number),
      full_valid_loss: expect.any(Number),
      full_valid_mean_token_accuracy: expect.any(Number),
    });
    const answer = await client.chat.completions.create({
      model: job.fine_tuned_model ?? '',
      messages: [{ role: 'user', content: 'Where is parcel number 7?' }],
    });
    expect(answer.choices[0]?.message.content).toBe('Parcel 7 has reached Oslo. Anything else?');
  });

  test.each([
    ['a training file of chat lines', conversations(12), preferences(3), 'training_file', 'key "input"'],
    ['a validation file of chat lines', preferences(12), conversations(3), 'validation_file', 'key "input"'],
    [
      'an output without the assistant',
      preferences(10) + jsonl([{ ...preference(1), preferred_output: [] }]),
      preferences(3),
      'training_file',
      'Line 11, key "preferred_output"',
    ],
    [
      'a user in an output',
      preferences(10) + jsonl([{ ...preference(1), non_preferred_output: [{ role: 'user', content: 'x' }] }]),
      preferences(3),
      'training_file',
      'Line 11, key "non_preferred_output.0.role"',
    ],
  ])('fails of %s', async (_, train, valid, param, words) => {
    const { client } = await sandboxed();
    const validation_file = (await upload(client, valid)).id;
    const { id } = await launch(client, train, { validation_file, method: { type: 'dpo' } });
    const job = await untilOver(client, id);
    expect(job).toMatchObject({ status: 'failed', fine_tuned_model: null });
    expect(job.error).toMatchObject({ code: 'invalid_file_format', param });
    expect(job.error?.message).toContain(words);
  });

  test('is no supervised job: its lines are refused there', async () => {
    const { client } = await sandboxed();
    const job = await untilOver(client, (await launch(client, preferences(12))).id);
    expect(job.error).toMatchObject({ code: 'invalid_file_format', param: 'training_file' });
  });
});
