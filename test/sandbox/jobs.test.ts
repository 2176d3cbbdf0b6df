import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readExample } from '../../src/sandbox/lines.ts';
import { countExample } from '../../src/sandbox/tokens.ts';
import {
  conversation,
  conversations,
  eventsOf,
  jsonl,
  launch,
  sandboxed,
  untilOver,
  upload,
} from './support.ts';

/** A word made of letters alone, always the same for a seed. */
const word = (seed: string) =>
  createHash('sha256').update(seed).digest('hex').replace(/[0-9]/g, '').slice(0, 8);

/** Forty conversations whose answers have twenty words. */
const said = (content: (line: number, at: number) => string) =>
  jsonl(
    Array.from({ length: 40 }, (_, line) => ({
      messages: [
        { role: 'user', content: `Question ${line}` },
        {
          role: 'assistant',
          content: Array.from({ length: 20 }, (__, at) => content(line, at)).join(' '),
        },
      ],
    })),
  );

/** The metrics of a job in order. */
async function lossesOf(
  ...asked: Parameters<typeof eventsOf>
): Promise<{ step: number; train_loss: number }[]> {
  const events = await eventsOf(...asked);
  return events.flatMap(({ type, data }) => {
    const metrics = data;
    if (type !== 'metrics' || typeof metrics !== 'object' || metrics === null) return [];
    if (!('step' in metrics) || !('train_loss' in metrics)) return [];
    return [{ step: Number(metrics.step), train_loss: Number(metrics.train_loss) }];
  });
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a job', () => {
  test('goes from its files to a model, and tells what it measured', async () => {
    const { client } = await sandboxed();
    const valid = await upload(
      client,
      jsonl(Array.from({ length: 12 }, (_, number) => conversation(number + 100))),
    );
    const created = await launch(client, conversations(60), {
      suffix: 'parcels',
      validation_file: valid.id,
      metadata: { run: 'r-1' },
      seed: 7,
    });
    expect(created).toMatchObject({
      object: 'fine_tuning.job',
      status: 'validating_files',
      error: {},
      fine_tuned_model: null,
      finished_at: null,
      trained_tokens: null,
      result_files: [],
      seed: 7,
      metadata: { run: 'r-1' },
      hyperparameters: { n_epochs: 'auto', batch_size: 'auto', learning_rate_multiplier: 'auto' },
    });

    const job = await untilOver(client, created.id);
    expect(job.status).toBe('succeeded');
    expect(job.error).toEqual({});
    expect(job.fine_tuned_model).toMatch(/^ft:sandbox-small-2026-01-01:sandbox:parcels:[A-Za-z0-9]{8}$/);
    expect(job.hyperparameters).toEqual({ n_epochs: 3, batch_size: 1, learning_rate_multiplier: 1 });
    expect(job.finished_at).toBeGreaterThanOrEqual(job.created_at);
    expect(job.estimated_finish).toBeNull();

    const inFile = Array.from({ length: 60 }, (_, number) =>
      countExample(readExample({ number, text: JSON.stringify(conversation(number)) })),
    );
    expect(job.trained_tokens).toBe(3 * inFile.reduce((sum, tokens) => sum + tokens, 0));

    const messages = (await eventsOf(client, job.id)).map((event) => event.message);
    expect(messages.slice(0, 4)).toEqual([
      `Created fine-tuning job: ${job.id}`,
      `Validating training file: ${job.training_file} and validation file: ${valid.id}`,
      'Files validated, moving job to queued state',
      'Fine-tuning job started',
    ]);
    expect(messages.at(-4)).toMatch(
      /^Step 180\/180: training loss=\d+\.\d\d, validation loss=\d+\.\d\d, full validation loss=\d+\.\d\d$/,
    );
    expect(messages.slice(-3)).toEqual([
      'Checkpoint created at step 180',
      'New fine-tuned model created',
      'The job has successfully completed',
    ]);
    expect(messages.filter((message) => message.startsWith('Checkpoint'))).toHaveLength(3);

    const losses = await lossesOf(client, job.id);
    expect(losses.length).toBeLessThanOrEqual(100);
    expect(losses.map(({ step }) => step)).toEqual(losses.map(({ step }) => step).toSorted((a, b) => a - b));
    const epoch = (number: number) =>
      mean(losses.filter(({ step }) => Math.ceil(step / 60) === number).map((one) => one.train_loss));
    expect(epoch(2)).toBeLessThan(epoch(1) / 2);
    expect(epoch(3)).toBeLessThan(epoch(2));

    const checkpoints = (await client.fineTuning.jobs.checkpoints.list(job.id)).data;
    expect(checkpoints.map((one) => one.step_number)).toEqual([180, 120, 60]);
    expect(checkpoints.map((one) => one.fine_tuned_model_checkpoint)).toEqual(
      [180, 120, 60].map((step) => `${job.fine_tuned_model}:ckpt-step-${step}`),
    );
    expect(checkpoints[0]?.metrics.full_valid_loss).toBeGreaterThan(0);

    const result = await client.files.retrieve(job.result_files[0] ?? '');
    expect(result).toMatchObject({ purpose: 'fine-tune-results', filename: 'step_metrics.csv' });
    const csv = Buffer.from(await (await client.files.content(result.id)).text(), 'base64').toString();
    const [header, ...rows] = csv.trim().split('\n');
    expect(header).toBe('step,train_loss,train_mean_token_accuracy,valid_loss,valid_mean_token_accuracy');
    expect(rows.map((row) => Number(row.split(',')[1]))).toEqual(losses.map((one) => one.train_loss));
    expect(rows.every((row) => row.split(',').every((cell) => cell !== ''))).toBe(true);
  });

  test('reports what lies in the data: noise is learned worse than a pattern', async () => {
    const { client } = await sandboxed();
    const repeated = said((_, at) => word(`${at}`));
    const noise = said((line, at) => word(`${line} ${at}`));
    const [pattern, random] = await Promise.all(
      [repeated, noise].map(async (data) => {
        const job = await launch(client, data, {
          method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 1 } } },
        });
        await untilOver(client, job.id);
        return (await lossesOf(client, job.id)).at(-1)?.train_loss ?? 0;
      }),
    );
    expect(pattern).toBeLessThan(1);
    expect(random).toBeGreaterThan(5);
  });

  test('keeps the last three checkpoints of many epochs', async () => {
    const { client } = await sandboxed();
    const job = await launch(client, conversations(10), { hyperparameters: { n_epochs: 5, batch_size: 4 } });
    await untilOver(client, job.id);
    const first = await client.fineTuning.jobs.checkpoints.list(job.id, { limit: 2 });
    expect(first.data.map((one) => one.step_number)).toEqual([15, 12]);
    expect(first.has_more).toBe(true);
    const rest = await first.getNextPage();
    expect(rest.getPaginatedItems().map((one) => one.step_number)).toEqual([9]);
  });

  test('shows events newest first, twenty at a time, each once', async () => {
    const { client } = await sandboxed();
    const job = await launch(client, conversations(20));
    await untilOver(client, job.id);
    const page = await client.fineTuning.jobs.listEvents(job.id);
    expect(page.data).toHaveLength(20);
    expect(page.has_more).toBe(true);
    expect(page.data[0]?.message).toBe('The job has successfully completed');
    const ids = (await eventsOf(client, job.id)).map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    const paged: string[] = [];
    for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 3 })) paged.push(event.id);
    expect(paged).toEqual(ids.toReversed());
  });

  test('outlives its training file', async () => {
    const { client } = await sandboxed();
    const job = await launch(client, conversations(20));
    await client.files.delete(job.training_file);
    expect(await untilOver(client, job.id)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a job fails', () => {
  const good = conversations(12).trim().split('\n');
  const badAt = (line: number, text: string) => `${good.toSpliced(line - 1, 0, text).join('\n')}\n`;

  test.each([
    [
      'of too few examples',
      conversations(7),
      'invalid_n_examples',
      'Training file has 7 example(s), but must have at least 10 examples',
    ],
    [
      'of a line that is no JSON',
      badAt(5, '{"messages": oops}'),
      'invalid_file_format',
      'Line 5 is not valid JSON',
    ],
    ['of an empty line', badAt(3, ''), 'invalid_file_format', 'Line 3 is not valid JSON'],
    [
      'of an unknown role',
      badAt(9, '{"messages":[{"role":"bot","content":"x"}]}'),
      'invalid_file_format',
      'Line 9, message 1, key "role"',
    ],
    [
      'of a conversation without an answer',
      badAt(2, '{"messages":[{"role":"user","content":"x"}]}'),
      'invalid_file_format',
      'Line 2: an example needs',
    ],
    [
      'of another format',
      badAt(1, '{"prompt":"a","completion":"b"}'),
      'invalid_file_format',
      'Line 1, key "messages"',
    ],
  ])('%s', async (_, content, code, message) => {
    const { client } = await sandboxed();
    const job = await untilOver(client, (await launch(client, content)).id);
    expect(job).toMatchObject({
      status: 'failed',
      fine_tuned_model: null,
      trained_tokens: null,
      result_files: [],
    });
    expect(job.error).toEqual({ code, param: 'training_file', message: expect.stringContaining(message) });
    expect((await eventsOf(client, job.id)).at(-1)).toMatchObject({
      level: 'error',
      message: job.error?.message,
    });
  });

  test('of its validation file', async () => {
    const { client } = await sandboxed();
    const valid = await upload(client, '{"messages":[]}\n');
    const { id } = await launch(client, conversations(10), { validation_file: valid.id });
    const job = await untilOver(client, id);
    expect(job.error).toMatchObject({ code: 'invalid_file_format', param: 'validation_file' });
  });
});
