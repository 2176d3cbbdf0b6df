import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { safeError } from '../src/observe/safeError.ts';
import { createLogger } from '../src/log.ts';
import { packageRoot } from '../src/paths.ts';
import { NotFoundError, ProviderError } from '../src/services/errors.ts';
import { ExportStoreError } from '../src/services/exportStore/storeError.ts';

const SECRET = 'the caller’s own words';
const caught = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};
const without = (thrown: unknown) => {
  const safe = safeError(thrown);
  expect(JSON.stringify(safe)).not.toContain(SECRET);
  return safe;
};

test('of libraries’ errors the kind, the codes and the places are told, and never the message', () => {
  expect(without(caught(() => JSON.parse(SECRET)))).toEqual({
    type: 'SyntaxError',
    stack: expect.stringContaining('test/safeError.test.ts'),
  });
  const refused = Object.assign(new Error(`Key (user_message)=(${SECRET}) already exists`), {
    name: 'DatabaseError',
    code: '23505',
    detail: SECRET,
    table: 'finetuning_examples',
    constraint: 'one_of_each',
  });
  expect(without(refused)).toMatchObject({
    type: 'DatabaseError',
    code: '23505',
    table: 'finetuning_examples',
    constraint: 'one_of_each',
  });
  expect(without(new ProviderError('PROVIDER_REFUSED', SECRET, false))).toMatchObject({
    type: 'ProviderError',
    code: 'PROVIDER_REFUSED',
  });
  expect(without(new NotFoundError(SECRET, SECRET))).toMatchObject({ code: 'NOT_FOUND' });
});

test('what the operating system says is told without the file that it is about', () => {
  expect(without(caught(() => readFileSync(`/nowhere/${SECRET}`)))).toMatchObject({
    code: 'ENOENT',
    message: 'open ENOENT',
  });
});

test('what a store of files is to blame for is told with what to mend, and without what its SDK says', () => {
  const problem = 'The bucket exports at 127.0.0.1:9000 refuses the key (403)';
  const told = without(new ExportStoreError('STORE_REFUSED', problem, 'Check the key.', new Refusal(SECRET)));
  expect(told).toMatchObject({ code: 'STORE_REFUSED', message: `${problem}. Check the key.` });
});

class Refusal extends Error {
  override name = 'UnknownError';
}

test('a message of the program’s own is told without what it quotes', () => {
  expect(
    without(new Error(`The job "${SECRET}" of https://x.test/?a=1 with sk-abcdef was lost`)).message,
  ).toBe('The job … of … with … was lost');
});

/** What is told of an error that a line of the file throws. */
const thrownIn = (file: string) =>
  safeError(
    caught(() =>
      runInThisContext(`throw new Error('it was the caller’s number')`, {
        filename: fileURLToPath(new URL(file, packageRoot)),
      }),
    ),
  );

test('what a package throws is told without its message, bundled or not', () => {
  expect(thrownIn('dist/cli.js')).toMatchObject({ message: 'it was the caller’s number' });
  for (const file of ['dist/packages/pg.js', 'node_modules/pg/lib/client.js']) {
    expect(thrownIn(file).stack).toContain(`(${file}:1:`);
    expect(thrownIn(file).message).toBeUndefined();
  }
});

test('causes are told as carefully, and lines that look like places are no places', () => {
  const cause = new SyntaxError(`${SECRET}\n    at ${SECRET} (file.ts:1:1)`);
  const changed = new Error('before', { cause });
  expect(changed.stack).toContain('before');
  changed.message = SECRET;
  const safe = without(changed);
  expect(safe.stack).toBeUndefined();
  expect(without(cause).stack).toContain('test/safeError.test.ts');
  const both = new AggregateError([cause, SECRET], 'All failed');
  expect(without(both).errors).toHaveLength(2);
  expect(without(SECRET)).toEqual({ type: 'string' });
  expect(without({ message: SECRET })).toEqual({ type: 'object' });
});

test('the logger writes none of it, however it is called', () => {
  const written: string[] = [];
  const key = 'a configured key of some length';
  const stream = { write: (line: string) => void written.push(line) };
  const log = createLogger('trace', { stream, secrets: [key, 'short', undefined] });
  const error = new SyntaxError(SECRET);
  log.error(error);
  log.error({ err: error });
  log.warn({ err: error, body: SECRET, deep: { authorization: SECRET, text: SECRET } }, 'Odd');
  log.info(`It says Bearer abc.def and ${key}, sk-proj-0123456789 and ?signature=abcdef in short`);
  log.child({ url: SECRET }).info({ fine: 1 }, 'Fine');
  expect(written).toHaveLength(5);
  expect(written.join('')).not.toMatch(/caller|configured key|abc\.def|abcdef|0123456789/);
  expect(written.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'Unexpected error',
    'Unexpected error',
    'Odd',
    'It says [cut] and [cut], [cut] and ?[cut] in short',
    'Fine',
  ]);
});
