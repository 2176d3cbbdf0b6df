/** The list of calls: filters, order, pages. */
import { beforeAll, expect, test } from 'vitest';
import { graphql } from '../src/generated/gql/index.ts';
import type { CallTranscriptionFilter, CallTranscriptionOrder } from '../src/generated/gql/graphql.ts';
import { call, importCalls } from './support/calls.ts';
import type { TestClient } from './support/client.ts';
import { newTenant } from './support/server.ts';

const Calls = graphql(`
  query DataCalls(
    $filter: CallTranscriptionFilter
    $orderBy: CallTranscriptionOrder
    $first: Int
    $after: String
  ) {
    callTranscriptions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          callSid
        }
      }
    }
  }
`);

let client: TestClient;
beforeAll(async () => {
  client = await newTenant();
  const confidences = [0.9, null, 0.5, 0.9, null, 0.8, null];
  const calls = confidences.map((transcript_confidence, index) =>
    call(`${index}`, [], {
      created_at: `2026-09-0${1 + Math.floor(index / 2)}T00:00:00Z`,
      transcript_confidence,
      duration_seconds: index % 3 === 0 ? null : 100 - index,
      direction: index % 2 ? 'outbound' : 'inbound',
      call_status: index === 6 ? 'no-answer' : null,
      topic: index < 2 ? 'Books' : 'Music',
      phone_number: `+${index}`,
    }),
  );
  await importCalls(client, calls);
});

const listed = async (filter: CallTranscriptionFilter | null, orderBy?: CallTranscriptionOrder) => {
  const { callTranscriptions } = await client.run(Calls, {
    filter,
    orderBy: orderBy ?? { field: 'CREATED_AT', direction: 'ASC' },
  });
  expect(callTranscriptions.totalCount).toBe(callTranscriptions.edges.length);
  return callTranscriptions.edges.map(({ node }) => node.callSid);
};

test.each<[filter: CallTranscriptionFilter, expected: string]>([
  [{}, '0123456'],
  [{ minConfidence: 0.8 }, '035'],
  [{ maxConfidence: 0.8 }, '25'],
  [{ minConfidence: 0.9, maxConfidence: 0.9 }, '03'],
  [{ direction: 'OUTBOUND' }, '135'],
  [{ status: 'no-answer' }, '6'],
  [{ topic: 'Books' }, '01'],
  [{ topic: 'book' }, ''],
  [{ phoneNumber: '+4' }, '4'],
  [{ from: '2026-09-02T00:00:00Z', to: '2026-09-03T00:00:00Z' }, '23'],
  [{ topic: 'Music', direction: 'INBOUND', minConfidence: 0 }, '2'],
])('keeps for %j', async (filter, expected) => {
  const sids = await listed(filter);
  expect(sids.toSorted().join('')).toBe(expected);
});

const orders = (['CREATED_AT', 'CONFIDENCE', 'DURATION'] as const).flatMap((field) =>
  (['ASC', 'DESC'] as const).map((direction): CallTranscriptionOrder => ({ field, direction })),
);
test.each(orders)('is walked in pages without a gap or a repeat, by $field $direction', async (orderBy) => {
  const whole = await listed(null, orderBy);
  expect(whole.toSorted().join('')).toBe('0123456');
  const pages: string[] = [];
  const page = async (after: string | null) => {
    const { edges, pageInfo } = (await client.run(Calls, { orderBy, first: 2, after })).callTranscriptions;
    pages.push(...edges.map(({ node }) => node.callSid));
    return pageInfo;
  };
  let { hasNextPage, endCursor } = await page(null);
  while (hasNextPage) ({ hasNextPage, endCursor } = await page(endCursor ?? null));
  expect(pages).toEqual(whole);
});

test('puts what is not known last', async () => {
  expect((await listed(null, { field: 'CONFIDENCE', direction: 'DESC' })).join('')).toMatch(
    /^(03|30)52[146]{3}$/,
  );
  expect((await listed(null, { field: 'CONFIDENCE', direction: 'ASC' })).join('')).toMatch(
    /^25(03|30)[146]{3}$/,
  );
  expect((await listed(null, { field: 'DURATION', direction: 'DESC' })).join('')).toMatch(/^1245[036]{3}$/);
});
