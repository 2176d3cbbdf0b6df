/** What an import has stored. */
import { graphql } from '../../src/generated/gql/index.ts';
import type { TestClient } from './client.ts';

const Calls = graphql(`
  query DataImportedCalls($after: String) {
    callTranscriptions(first: 100, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
          callSid
          phoneNumber
          direction
          status
          createdAt
          durationSeconds
          transcriptConfidence
          topic
          transcriptText
          turns {
            speaker
            text
            startMs
          }
        }
      }
    }
  }
`);

/** All calls of the tenant, the earliest first. */
export async function callsOf(client: TestClient) {
  const calls: Awaited<ReturnType<typeof page>>['edges'][number]['node'][] = [];
  const page = async (after: string | null) => (await client.run(Calls, { after })).callTranscriptions;
  for (let after: string | null = null; ;) {
    const { edges, pageInfo } = await page(after);
    calls.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage) return calls;
    after = pageInfo.endCursor ?? null;
  }
}
