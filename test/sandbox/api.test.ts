import { toFile } from 'openai';
import { describe, expect, test } from 'vitest';
import { clientOf, conversations, launch, refusal, sandboxed, untilOver, upload } from './support.ts';

interface RawRequest {
  method?: string;
  body?: FormData | string;
  headers?: Record<string, string>;
}

/** A request as a client other than the SDK would send it. */
async function raw(url: string, path: string, { headers, ...init }: RawRequest = {}) {
  const response = await fetch(`${url}${path}`, {
    ...init,
    headers: { authorization: 'Bearer sandbox', ...headers },
  });
  return { status: response.status, body: await response.json() };
}

describe('who may ask', () => {
  test('only the bearer of the key, and a refusal repeats no key', async () => {
    const { sandbox } = await sandboxed({ apiKey: 'sk-right-key' });
    await clientOf(sandbox.url, 'sk-right-key').models.list();
    const error = await refusal(clientOf(sandbox.url, 'sk-quite-wrong-1234').models.list());
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' });
    expect(error.message).not.toContain('quite-wrong');
    for (const headers of [{ authorization: '' }, { authorization: 'Basic c2Fu' }]) {
      expect(await raw(sandbox.url, '/models', { headers })).toMatchObject({
        status: 401,
        body: { error: { code: 'invalid_api_key', param: null } },
      });
    }
  });

  test('an upload without the key is answered, though nobody reads it', async () => {
    const { sandbox } = await sandboxed();
    const error = await refusal(upload(clientOf(sandbox.url, 'no'), 'x'.repeat(3_000_000)));
    expect(error.status).toBe(401);
  });
});

describe('what is not there', () => {
  test('is a 404 in the words of the provider', async () => {
    const { client, sandbox } = await sandboxed();
    const { jobs } = client.fineTuning;
    const noJob = { status: 404, code: 'fine_tune_not_found', param: 'fine_tune_id' };
    for (const call of [
      jobs.retrieve('ftjob-x'),
      jobs.cancel('ftjob-x'),
      jobs.pause('ftjob-x'),
      jobs.resume('ftjob-x'),
    ]) {
      expect(await refusal(call)).toMatchObject(noJob);
    }
    expect(await refusal(jobs.listEvents('ftjob-x'))).toMatchObject(noJob);
    expect(await refusal(jobs.checkpoints.list('ftjob-x'))).toMatchObject(noJob);
    const noFile = { status: 404, param: 'id', message: '404 No such File object: file-x' };
    expect(await refusal(client.files.retrieve('file-x'))).toMatchObject(noFile);
    expect(await refusal(client.files.delete('file-x'))).toMatchObject(noFile);
    expect(await refusal(client.files.content('file-x'))).toMatchObject(noFile);
    const noModel = { status: 404, code: 'model_not_found', param: 'model' };
    expect(await refusal(client.models.retrieve('gpt-2'))).toMatchObject(noModel);
    expect(await refusal(client.models.delete('gpt-2'))).toMatchObject(noModel);
    expect(await raw(sandbox.url, '/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown_url' } },
    });
    expect(await raw(sandbox.url, '/models', { method: 'PATCH' })).toMatchObject({ status: 405 });
  });
});

const form = (fields: Record<string, string | Blob>) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
};
const missing = (param: string) => ({ error: { code: 'missing_required_parameter', param } });

describe('files', () => {
  test('are kept byte for byte, listed, paged and deleted', async () => {
    const { client, sandbox } = await sandboxed({ now: () => 1_790_000_000_000 });
    const content = `${conversations(3)}\r\n--boundary\r\n\u2028é`;
    const file = await upload(client, content, 'größe "1".jsonl');
    expect(file).toMatchObject({
      object: 'file',
      purpose: 'fine-tune',
      filename: 'größe "1".jsonl',
      bytes: Buffer.byteLength(content),
      created_at: 1_790_000_000,
      status: 'processed',
      expires_at: null,
    });
    expect(await (await client.files.content(file.id)).text()).toBe(content);
    expect(await client.files.retrieve(file.id)).toEqual(file);

    const second = await upload(client, 'b\n');
    const third = await upload(client, 'c\n');
    const newest = await raw(sandbox.url, '/files?limit=2');
    expect(newest.body).toMatchObject({
      object: 'list',
      has_more: true,
      first_id: third.id,
      last_id: second.id,
    });
    const ids: string[] = [];
    for await (const one of client.files.list({ limit: 1, order: 'asc' })) ids.push(one.id);
    expect(ids).toEqual([file.id, second.id, third.id]);
    expect((await client.files.list({ purpose: 'fine-tune-results' })).data).toEqual([]);

    expect(await client.files.delete(file.id)).toEqual({ object: 'file', id: file.id, deleted: true });
    expect((await refusal(client.files.retrieve(file.id))).status).toBe(404);
  });

  test('expire when they are told to', async () => {
    let now = 1_790_000_000_000;
    const { client } = await sandboxed({ now: () => now });
    const create = async (seconds: number) =>
      client.files.create({
        file: await toFile(Buffer.from('a\n'), 'a.jsonl'),
        purpose: 'fine-tune',
        expires_after: { anchor: 'created_at', seconds },
      });
    const file = await create(3600);
    expect(file.expires_at).toBe(1_790_003_600);
    now += 3599_000;
    expect((await client.files.list()).data).toHaveLength(1);
    now += 1000;
    expect((await client.files.list()).data).toEqual([]);
    expect((await refusal(client.files.retrieve(file.id))).status).toBe(404);
    expect(await refusal(create(3599))).toMatchObject({ status: 400, param: 'expires_after.seconds' });
  });

  test.each([
    ['another ending', 'a.json', 'fine-tune', 'x', { status: 400, param: 'file' }],
    ['no content', 'a.jsonl', 'fine-tune', '', { status: 400, param: 'file' }],
    ['another purpose', 'a.jsonl', 'batch', 'x', { status: 400, param: 'purpose', code: 'invalid_value' }],
  ] as const)('are refused: %s', async (_, name, purpose, content, expected) => {
    const { client } = await sandboxed();
    const file = await toFile(Buffer.from(content), name);
    expect(await refusal(client.files.create({ file, purpose }))).toMatchObject(expected);
    expect((await client.files.list()).data).toEqual([]);
  });

  test('are refused without a form, a file or a purpose', async () => {
    const { sandbox } = await sandboxed();
    const post = (body: FormData | string) => raw(sandbox.url, '/files', { method: 'POST', body });
    expect((await post(form({ purpose: 'fine-tune' }))).body).toMatchObject(missing('file'));
    expect((await post(form({ file: new File(['x'], 'a.jsonl') }))).body).toMatchObject(missing('purpose'));
    expect(await post('{}')).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error' } },
    });
  });
});

const hyper = (hyperparameters: object) => ({
  method: { type: 'supervised', supervised: { hyperparameters } },
});

describe('parameters of a job', () => {
  const under = 'method.supervised.hyperparameters';

  test.each([
    [{ model: undefined }, 'model', 'missing_required_parameter'],
    [{ training_file: undefined }, 'training_file', 'missing_required_parameter'],
    [{ model: 5 }, 'model', 'invalid_type'],
    [{ model: 'gpt-5' }, 'model', 'model_not_available'],
    [{ training_file: 'file-none' }, 'training_file', null],
    [{ validation_file: 'file-none' }, 'validation_file', null],
    [{ suffix: '' }, 'suffix', 'string_below_min_length'],
    [{ suffix: 'x'.repeat(65) }, 'suffix', 'string_above_max_length'],
    [{ seed: -1 }, 'seed', 'integer_below_min_value'],
    [{ seed: 2_147_483_648 }, 'seed', 'integer_above_max_value'],
    [{ seed: 1.5 }, 'seed', 'invalid_type'],
    [
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, key) => [`k${key}`, 'v'])) },
      'metadata',
      'object_above_max_properties',
    ],
    [{ metadata: { ['k'.repeat(65)]: 'v' } }, 'metadata', 'property_name_above_max_length'],
    [{ metadata: { k: 'v'.repeat(513) } }, 'metadata.k', 'string_above_max_length'],
    [{ metadata: { k: 5 } }, 'metadata.k', 'invalid_type'],
    [hyper({ n_epochs: 0 }), `${under}.n_epochs`, 'integer_below_min_value'],
    [hyper({ n_epochs: 51 }), `${under}.n_epochs`, 'integer_above_max_value'],
    [hyper({ n_epochs: 'many' }), `${under}.n_epochs`, 'invalid_type'],
    [hyper({ batch_size: 257 }), `${under}.batch_size`, 'integer_above_max_value'],
    [hyper({ learning_rate_multiplier: 0 }), `${under}.learning_rate_multiplier`, 'decimal_below_min_value'],
    [{ hyperparameters: { n_epochs: 99 } }, 'hyperparameters.n_epochs', 'integer_above_max_value'],
    [{ method: { type: 'ppo' } }, 'method.type', 'invalid_value'],
    [{ method: {} }, 'method.type', 'missing_required_parameter'],
    [{ method: { type: 'dpo', supervised: {} } }, 'method.supervised', 'unknown_parameter'],
    [
      { method: { type: 'dpo', dpo: { hyperparameters: { beta: 0 } } } },
      'method.dpo.hyperparameters.beta',
      'decimal_below_min_value',
    ],
    [
      { method: { type: 'dpo', dpo: { hyperparameters: { beta: 2.1 } } } },
      'method.dpo.hyperparameters.beta',
      'integer_above_max_value',
    ],
    [hyper({ beta: 0.1 }), `${under}.beta`, 'unknown_parameter'],
    [{ colour: 'red' }, 'colour', 'unknown_parameter'],
  ])('%j is refused', async (change, param, code) => {
    const { client, sandbox } = await sandboxed();
    const file = await upload(client, conversations(10));
    const body = JSON.stringify({ model: 'sandbox-small-2026-01-01', training_file: file.id, ...change });
    const { status, body: answer } = await raw(sandbox.url, '/fine_tuning/jobs', { method: 'POST', body });
    expect(status).toBe(400);
    expect(answer).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', param, code },
    });
    expect((await client.fineTuning.jobs.list()).data).toEqual([]);
  });

  test('at their limits are taken', async () => {
    const { client } = await sandboxed();
    const job = await launch(client, conversations(10), {
      suffix: 'x'.repeat(64),
      seed: 2_147_483_647,
      metadata: Object.fromEntries(
        Array.from({ length: 16 }, (_, key) => [`k${key}`.padEnd(64), 'v'.repeat(512)]),
      ),
      method: {
        type: 'supervised',
        supervised: { hyperparameters: { n_epochs: 50, batch_size: 256, learning_rate_multiplier: 0.1 } },
      },
    });
    expect(await untilOver(client, job.id)).toMatchObject({
      status: 'succeeded',
      hyperparameters: { n_epochs: 50, batch_size: 256, learning_rate_multiplier: 0.1 },
    });
  });

  test('a body that is no JSON, and a limit out of range', async () => {
    const { sandbox } = await sandboxed();
    const post = await raw(sandbox.url, '/fine_tuning/jobs', { method: 'POST', body: '{oops' });
    expect(post.status).toBe(400);
    for (const limit of ['0', '101', 'x', '1.5']) {
      const { status, body } = await raw(sandbox.url, `/fine_tuning/jobs?limit=${limit}`);
      expect({ status, body }).toMatchObject({ status: 400, body: { error: { param: 'limit' } } });
    }
    expect(await raw(sandbox.url, '/fine_tuning/jobs?after=ftjob-x')).toMatchObject({ status: 400 });
  });
});
