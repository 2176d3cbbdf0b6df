import { EventEmitter, on } from 'node:events';
import { GraphQLError } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { beforeEach, expect, test } from 'vitest';
import { sharedResults } from '../src/http/sharedResults.ts';
import type { Role } from '../src/services/viewer.ts';

interface Change {
  id: string;
}

/** How often a field was worked out, by whom it was for. */
let worked: string[];
const changes = new EventEmitter().setMaxListeners(0);
const who = (viewer: { tenantId: string; role: Role }) => `${viewer.tenantId} ${viewer.role}`;

const schema = createSchema<{ viewer: { tenantId: string; role: Role } }>({
  typeDefs: `
    type Change { id: ID!, told(in: String!): String!, failing: String! }
    type Query { nothing: String }
    type Subscription { changed: Change! }
  `,
  resolvers: {
    Subscription: {
      changed: {
        async *subscribe() {
          yield { id: 'now' };
          for await (const [change] of on(changes, 'change')) yield change;
        },
        resolve: (change: Change) => change,
      },
    },
    Change: {
      told(change: Change, args: { in: string }, { viewer }) {
        worked.push(`${change.id} for ${who(viewer)} in ${args.in}`);
        return `${change.id} in ${args.in}`;
      },
      failing() {
        throw new Error('It cannot be told');
      },
    },
  },
});
const plugin = sharedResults({
  mask: (error) => new GraphQLError(String(error)),
  started: () => () => undefined,
});
const yoga = createYoga({ schema, plugins: [plugin], logging: false });

const TOLD = 'subscription ($in: String!) { changed { told(in: $in) } }';
const FAILING = 'subscription { changed { failing } }';

async function follow(viewer: { tenantId: string; role: Role }, query = TOLD, language = 'en') {
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
  const response = await yoga.fetch(
    'http://localhost/graphql',
    { method: 'POST', headers, body: JSON.stringify({ query, variables: { in: language } }) },
    { viewer },
  );
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async next(): Promise<string> {
      let text = '';
      while (!text.includes('"data"') && !text.includes('"errors"'))
        text += (await reader?.read())?.value ?? '';
      return text;
    },
    close: async () => reader?.cancel(),
  };
}

const admin = { tenantId: 'A', role: 'ADMIN' } as const;

beforeEach(() => {
  worked = [];
});

test('an event is worked out once for all who ask the same with the same rights', async () => {
  const followers = [
    ...(await Promise.all(Array.from({ length: 20 }, () => follow(admin)))),
    await follow({ ...admin, role: 'VIEWER' }),
    await follow({ ...admin, tenantId: 'B' }),
    await follow(admin, TOLD, 'de'),
    await follow(admin, 'subscription ($in: String!) { changed { id told(in: $in) } }'),
  ];
  const before = await Promise.all(followers.map((follower) => follower.next()));
  expect(before.every((text) => text.includes('now in'))).toBe(true);
  // How things are at the beginning is looked up for each.
  expect(worked).toHaveLength(24);
  worked = [];
  changes.emit('change', { id: 'first' });
  const told = await Promise.all(followers.map((follower) => follower.next()));
  expect(told.map((text) => /first in (?:en|de)/.exec(text)?.[0])).toEqual([
    ...Array<string>(22).fill('first in en'),
    'first in de',
    'first in en',
  ]);
  expect(worked.toSorted()).toEqual([
    'first for A ADMIN in de',
    'first for A ADMIN in en',
    'first for A ADMIN in en',
    'first for A VIEWER in en',
    'first for B ADMIN in en',
  ]);
  await Promise.all(followers.map((follower) => follower.close()));
});

test('each of them is told of a failure, and of the next event', async () => {
  const followers = await Promise.all(Array.from({ length: 3 }, () => follow(admin, FAILING)));
  await Promise.all(followers.map((follower) => follower.next()));
  for (const id of ['first', 'second']) {
    changes.emit('change', { id });
    const told = await Promise.all(followers.map((follower) => follower.next()));
    expect(told.every((text) => text.includes('"errors"'))).toBe(true);
  }
  await Promise.all(followers.map((follower) => follower.close()));
});
