/** Judging examples in tests. */
import { graphql } from '../../src/generated/gql/index.ts';
import type { RejectExamplesInput, ValidateExamplesInput } from '../../src/generated/gql/graphql.ts';
import { addExamples, example, examplesOf, newDataset } from './calls.ts';
import type { TestClient } from './client.ts';
import { newTenant } from './server.ts';

const Validate = graphql(`
  mutation DataReviewValidate($input: ValidateExamplesInput!) {
    validateExamples(input: $input) {
      __typename
      ... on ReviewPayload {
        matched
        changed
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
    }
  }
`);

const Reject = graphql(`
  mutation DataReviewReject($input: RejectExamplesInput!) {
    rejectExamples(input: $input) {
      __typename
      ... on ReviewPayload {
        matched
        changed
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
    }
  }
`);

const SetQuality = graphql(`
  mutation DataReviewSetQuality($input: SetQualityScoreInput!) {
    setQualityScore(input: $input) {
      __typename
      ... on ReviewPayload {
        matched
        changed
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
        }
      }
    }
  }
`);

export const validate = async (client: TestClient, input: ValidateExamplesInput) =>
  (await client.run(Validate, { input })).validateExamples;
export const reject = async (client: TestClient, input: RejectExamplesInput) =>
  (await client.run(Reject, { input })).rejectExamples;
export const setQuality = async (client: TestClient, ids: string[], qualityScore: number) =>
  (await client.run(SetQuality, { input: { ids, qualityScore } })).setQualityScore;

/** The qualities of sixExamples. */
export const scores = [0.2, 0.84, 0.85, 0.86, 1, undefined];

/** A new tenant with a dataset of six examples, nobody's verdict on them yet. */
export async function sixExamples(): Promise<[client: TestClient, datasetId: string, ids: string[]]> {
  const client = await newTenant();
  const datasetId = await newDataset(client);
  await addExamples(
    client,
    datasetId,
    scores.map((score, index) => example(`Q${index}`, `A${index}`, score)),
  );
  return [client, datasetId, (await examplesOf(client, datasetId)).map(({ id }) => id)];
}
