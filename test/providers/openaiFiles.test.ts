import { describe, expect, test } from 'vitest';
import { failure, NEVER, useApi } from './openaiApi.ts';

const api = useApi();

const file = (fields: object) => ({
  object: 'file',
  id: 'file-1',
  bytes: 10,
  created_at: 1_790_000_000,
  filename: 'a.jsonl',
  purpose: 'fine-tune',
  ...fields,
});

describe('files', () => {
  test('are found by name, newest first, over all pages', async () => {
    const others = Array.from({ length: 1_500 }, (_, n) =>
      file({ id: `file-o${n}`, filename: `${n}.jsonl` }),
    );
    api.answerPages([
      file({ id: 'file-old', created_at: 1_780_000_000 }),
      file({ id: 'file-result', purpose: 'fine-tune-results' }),
      ...others,
      file({ id: 'file-new' }),
    ]);
    const found = await api.provider.findFiles('a.jsonl', NEVER);
    expect(found).toEqual([
      { id: 'file-new', name: 'a.jsonl', bytes: 10 },
      { id: 'file-old', name: 'a.jsonl', bytes: 10 },
    ]);
    expect(api.server.requests[0]?.query.get('purpose')).toBe('fine-tune');
  });

  test('deleting one that is gone is no error, other refusals are', async () => {
    api.answerWith(200, { id: 'file-1', deleted: true });
    await api.provider.deleteFile('file-1', NEVER);
    api.answerWith(404, { error: { message: 'No such File object' } });
    await api.provider.deleteFile('file-1', NEVER);
    api.answerWith(403, { error: { message: 'no' } });
    expect((await failure(api.provider.deleteFile('file-1', NEVER))).code).toBe('PROVIDER_FORBIDDEN');
    expect(api.server.requests.map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'DELETE']);
  });
});
