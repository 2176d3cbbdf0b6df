/** Near-duplicates in tests. */
import { graphql } from '../../src/generated/gql/index.ts';
import type {
  DuplicatesGroupsQueryVariables,
  FindDuplicatesInput,
  KeepBestOfDuplicatesInput,
} from '../../src/generated/gql/graphql.ts';
import type { TestClient } from './client.ts';

const Find = graphql(`
  mutation DuplicatesFind($input: FindDuplicatesInput!) {
    findDuplicates(input: $input) {
      __typename
      ... on FindDuplicatesPayload {
        compared
        groups
        examples
        dataset {
          duplicateGroups {
            totalCount
          }
        }
      }
      ... on Error {
        code
      }
      ... on InvalidInputError {
        faults {
          field
          message
        }
      }
    }
  }
`);

const Keep = graphql(`
  mutation DuplicatesKeep($input: KeepBestOfDuplicatesInput!) {
    keepBestOfDuplicates(input: $input) {
      __typename
      ... on KeepBestOfDuplicatesPayload {
        groups
        rejected
        edited
      }
      ... on Error {
        code
      }
      ... on InvalidInputError {
        faults {
          field
          message
        }
      }
    }
  }
`);

const Groups = graphql(`
  query DuplicatesGroups(
    $id: ID!
    $filter: DuplicateGroupFilter
    $orderBy: DuplicateGroupOrder
    $members: String
  ) {
    dataset(id: $id) {
      duplicateGroups(first: 50, filter: $filter, orderBy: $orderBy) {
        totalCount
        edges {
          node {
            id
            size
            remaining
            threshold
            foundAt
            settledAt
            best {
              id
              position
            }
            members(first: 3, after: $members) {
              totalCount
              pageInfo {
                endCursor
              }
              edges {
                node {
                  number
                  similarity
                  edited
                  kept
                  example {
                    id
                    position
                    rejected
                    rejectedBy
                    rejectionReason
                    validated
                    duplicate {
                      number
                      group {
                        id
                        best {
                          position
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
`);

export const findDuplicates = async (client: TestClient, input: FindDuplicatesInput) =>
  (await client.run(Find, { input })).findDuplicates;

export const keepBest = async (client: TestClient, input: KeepBestOfDuplicatesInput) =>
  (await client.run(Keep, { input })).keepBestOfDuplicates;

/** The groups of a dataset, each with its first members, or those after the cursor `members`. */
export async function groupsOf(
  client: TestClient,
  id: string,
  args: Omit<DuplicatesGroupsQueryVariables, 'id'> = {},
) {
  const { dataset } = await client.run(Groups, { id, ...args });
  const { totalCount, edges } = dataset?.duplicateGroups ?? { totalCount: 0, edges: [] };
  return {
    totalCount,
    groups: edges.map(({ node: { members, ...group } }) => ({
      ...group,
      memberCount: members.totalCount,
      lastCursor: members.pageInfo.endCursor,
      members: members.edges.map(({ node }) => node),
    })),
  };
}
