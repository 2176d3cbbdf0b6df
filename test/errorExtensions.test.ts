/** What Yoga notes in errors for its own answers (`extensions.http`) is told over no transport. */
import { beforeAll, expect, test } from 'vitest';
import type { TestClient } from './support/client.ts';
import { send } from './support/rawHttp.ts';
import { openBareSocket } from './support/rawSocket.ts';
import { newTenant } from './support/server.ts';

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
});

const REFUSED = [
  ['no operation', '{'],
  ['an unknown field', '{ nothing }'],
  ['an unknown field of a subscription', 'subscription { nothing }'],
  ['no variable where one is needed', 'query ($id: ID!) { node(id: $id) { id } }'],
  ['a wrong page', '{ datasets(first: -1) { totalCount } }'],
  ['too many aliases', `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: __typename`).join(' ')} }`],
  ['a nesting too deep to read', '{ a '.repeat(3_000)],
  ['two operations', 'query A { __typename } query B { __typename }'],
] as const;

test.each(REFUSED)('%s', async (_what, query) => {
  for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
    const { body } = await send(`${client.url}/graphql`, {
      method: 'POST',
      headers: { ...client.headers, 'content-type': 'application/json', accept },
      body: JSON.stringify({ query }),
    });
    expect(body, accept).toContain('"message"');
    expect(body, accept).not.toContain('"http"');
  }
  const bare = await openBareSocket(client.url, client.headers);
  bare.send({ type: 'connection_init' });
  await bare.next();
  bare.send({ id: 'a', type: 'subscribe', payload: { query } });
  const told = JSON.stringify(await bare.next());
  bare.socket.terminate();
  expect(told).toContain('"message"');
  expect(told).not.toContain('"http"');
});
