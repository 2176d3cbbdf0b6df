/** Several people who review one dataset. */
import { graphql } from '../../src/generated/gql/index.ts';
import type { ReviewExampleInput, ReviewVerdict } from '../../src/generated/gql/graphql.ts';
import { addExamples, example, examplesOf, newDataset } from './calls.ts';
import type { TestClient } from './client.ts';
import { newTenant, sharedServer } from './server.ts';

const Take = graphql(`
  mutation ReviewersTake($input: TakeExampleToReviewInput!) {
    takeExampleToReview(input: $input) {
      __typename
      ... on TakeExamplePayload {
        example {
          id
          userMessage
          revision
        }
        takenAt
        heldUntil
        heldByOthers
        waitingForOthers
        dataset {
          reviewStatus {
            undecided
            leased
          }
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const Review = graphql(`
  mutation ReviewersReview($input: ReviewExampleInput!) {
    reviewExample(input: $input) {
      __typename
      ... on Review {
        id
        reviewer
        verdict
        rating
        reason
        seconds
        exampleRevision
        undoneAt
        example {
          validated
          validatedBy
          rejected
          rejectedBy
          rejectionReason
        }
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
      ... on ExampleHeldError {
        heldBy
        heldUntil
      }
    }
  }
`);

const Undo = graphql(`
  mutation ReviewersUndo($id: ID!) {
    undoReview(id: $id) {
      __typename
      ... on Review {
        id
        undoneAt
        example {
          validated
          validatedBy
          rejected
        }
      }
      ... on Error {
        code
      }
    }
  }
`);

const Release = graphql(`
  mutation ReviewersRelease($id: ID!) {
    releaseExample(id: $id) {
      __typename
      ... on Example {
        id
      }
      ... on Error {
        code
      }
    }
  }
`);

const Edit = graphql(`
  mutation ReviewersEdit($input: UpdateExampleInput!) {
    updateExample(input: $input) {
      __typename
      ... on Example {
        revision
        validated
      }
      ... on Error {
        code
      }
      ... on ExampleHeldError {
        heldBy
      }
    }
  }
`);

const Status = graphql(`
  query ReviewersStatus($id: ID!) {
    dataset(id: $id) {
      minReviews
      reviewStatus {
        undecided
        inReview
        reviewed
        leased
        agreement {
          examples
          percent
          alpha
        }
        reviewers {
          reviewer
          accepted
          rejected
          edited
          medianSeconds
          perHour
          lastAt
          agreementWithOthers
        }
      }
    }
  }
`);

const SetMinReviews = graphql(`
  mutation ReviewersMinReviews($input: UpdateDatasetInput!) {
    updateDataset(input: $input) {
      __typename
      ... on Dataset {
        minReviews
        validatedCount
        rejectedCount
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

const Unsearched = graphql(`
  query ReviewersUnsearched($id: ID!) {
    dataset(id: $id) {
      personalData {
        unscanned
      }
    }
  }
`);

export async function take(client: TestClient, datasetId: string, skip = false) {
  const { takeExampleToReview: taken } = await client.run(Take, { input: { datasetId, skip } });
  if ('code' in taken) throw new Error(`Nothing was taken: ${taken.code}`);
  return taken;
}

/** The words of the example that is held now; null when there is none. */
export const takeWords = async (client: TestClient, datasetId: string, skip = false) =>
  (await take(client, datasetId, skip)).example?.userMessage ?? null;

export const review = async (client: TestClient, input: ReviewExampleInput) =>
  (await client.run(Review, { input })).reviewExample;
export const accept = (client: TestClient, exampleId: string) =>
  review(client, { exampleId, verdict: 'ACCEPT' });
export const decline = (client: TestClient, exampleId: string, reason?: string) =>
  review(client, { exampleId, verdict: 'REJECT', reason: reason ?? null });
export const undo = async (client: TestClient, id: string) => (await client.run(Undo, { id })).undoReview;
export const release = async (client: TestClient, id: string) =>
  (await client.run(Release, { id })).releaseExample;
export const edit = async (client: TestClient, id: string, assistantResponse: string) =>
  (await client.run(Edit, { input: { id, assistantResponse } })).updateExample;
export const setMinReviews = async (client: TestClient, id: string, minReviews: number) =>
  (await client.run(SetMinReviews, { input: { id, minReviews } })).updateDataset;

export async function statusOf(client: TestClient, id: string) {
  const { dataset } = await client.run(Status, { id });
  if (!dataset) throw new Error('There is no such dataset');
  return dataset.reviewStatus;
}

/** The id of a review that was given. */
export async function reviewId(client: TestClient, exampleId: string, verdict: ReviewVerdict = 'ACCEPT') {
  const given = await review(client, { exampleId, verdict });
  if (!('id' in given)) throw new Error(`Not reviewed: ${given.code}`);
  return given.id;
}

export interface Room {
  tenant: TestClient;
  datasetId: string;
  /** The ids of the examples Q0, Q1 and so on. */
  ids: string[];
  alice: TestClient;
  bob: TestClient;
  carol: TestClient;
}

/** A new tenant with three reviewers and a dataset of examples of these qualities. */
export async function newRoom(
  qualities: (number | undefined)[],
  { minReviews = 1 }: { minReviews?: number } = {},
): Promise<Room> {
  const tenant = await newTenant();
  const datasetId = await newDataset(tenant, 'To review', { minReviews });
  await addExamples(
    tenant,
    datasetId,
    qualities.map((quality, at) => example(`Q${at}`, `A${at}`, quality)),
  );
  const ids = (await examplesOf(tenant, datasetId)).map(({ id }) => id);
  return {
    tenant,
    datasetId,
    ids,
    alice: tenant.as('alice'),
    bob: tenant.as('bob'),
    carol: tenant.as('carol'),
  };
}

/** Searches the dataset's examples for personal data, and waits until all are. */
export async function searched(client: TestClient, id: string): Promise<void> {
  const { exampleScans } = (await sharedServer()).system.services;
  do await exampleScans.scanDue(new AbortController().signal);
  while ((await client.run(Unsearched, { id })).dataset?.personalData.unscanned !== 0);
}

/** Lets every lease of the tenant run out, as time would. */
export async function letLeasesLapse({ tenantId }: TestClient): Promise<void> {
  const { db } = await sharedServer();
  await db.withTenant(
    tenantId,
    (tx) => tx.$executeRaw`UPDATE finetuning_review_leases SET lease_until = now() - interval '1 second'`,
  );
}

export const rowId = (globalId: string): string =>
  Buffer.from(globalId, 'base64').toString().split(':')[1] ?? '';
