import { createSchema, createYoga } from 'graphql-yoga';
import { beforeEach, expect, test } from 'vitest';
import { sharedQueries } from '../src/http/sharedQueries.ts';
import type { Role } from '../src/services/viewer.ts';

interface Viewer {
  tenantId: string;
  role: Role;
  subject: string;
}

/** What is asked of the database, in its order: each is answered by the test, with what is there by then. */
let asked: { by: string; answer: (value: string) => void; fail: (error: Error) => void }[];
let written: number;

const schema = createSchema<{ viewer: Viewer }>({
  typeDefs: `
    type Query { told(in: String): String! }
    type Mutation { write: Int! }
  `,
  resolvers: {
    Query: {
      told: (_root, args: { in?: string }, { viewer }) =>
        new Promise<string>((answer, fail) => {
          const by = [viewer.tenantId, viewer.role, viewer.subject, args.in ?? '-'].join(' ');
          asked.push({ by, answer, fail });
        }),
    },
    Mutation: { write: () => (written += 1) },
  },
});
const yoga = createYoga({ schema, plugins: [sharedQueries()], logging: false, maskedErrors: false });

const me: Viewer = { tenantId: 'A', role: 'ADMIN', subject: 'me' };

async function ask(viewer: Viewer = me, query = 'query ($in: String) { told(in: $in) }', variables = {}) {
  const response = await yoga.fetch(
    'http://localhost/graphql',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    },
    { viewer },
  );
  return response.json();
}

const until = (count: number) => expect.poll(() => asked.length).toBe(count);
const data = (told: string) => ({ data: { told } });

beforeEach(() => {
  asked = [];
  written = 0;
});

test('equal queries that come while one is answered are answered together, with what is there by then', async () => {
  const first = ask();
  await until(1);
  const others = Array.from({ length: 20 }, () => ask());
  // A turn of the event loop later all of them have come, and none has been begun.
  const elsewhere = ask({ ...me, tenantId: 'B' });
  await until(2);
  asked[0]?.answer('before');
  asked[1]?.answer('elsewhere');
  expect(await first).toEqual(data('before'));
  expect(await elsewhere).toEqual(data('elsewhere'));
  await until(3);
  asked[2]?.answer('after');
  expect(await Promise.all(others)).toEqual(others.map(() => data('after')));
  expect(asked).toHaveLength(3);
  const later = ask();
  await until(4);
  asked[3]?.answer('later');
  expect(await later).toEqual(data('later'));
});

test('those who differ in tenant, role, subject, text or variables do not wait for one another', async () => {
  const all = [
    ask(),
    ask({ ...me, tenantId: 'B' }),
    ask({ ...me, role: 'VIEWER' }),
    ask({ ...me, subject: 'you' }),
    ask(me, undefined, { in: 'de' }),
    ask(me, '{ told }'),
    ask(me, undefined, { in: 'x'.repeat(5_000) }),
    ask(me, undefined, { in: 'x'.repeat(5_000) }), // So large a question is nobody else's.
  ];
  await until(8);
  for (const { by, answer } of asked) answer(by);
  const told = await Promise.all(all);
  expect(told.slice(0, 6)).toEqual(
    ['A ADMIN me -', 'B ADMIN me -', 'A VIEWER me -', 'A ADMIN you -', 'A ADMIN me de', 'A ADMIN me -'].map(
      data,
    ),
  );
});

test('mutations are each carried out', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => ask(me, 'mutation { write }')));
  expect(new Set(all.map((one) => one.data.write))).toEqual(new Set([1, 2, 3, 4, 5]));
});

test('a failure is told to those who waited for it, and to nobody after them', async () => {
  const first = ask();
  await until(1);
  const second = ask();
  await new Promise(setImmediate);
  asked[0]?.fail(new Error('away'));
  expect(await first).toMatchObject({ errors: [{ message: 'away' }] });
  await until(2);
  asked[1]?.answer('back');
  expect(await second).toEqual(data('back'));
});
