/** The operations of the demo: what a client of the API would send, one for each step. */
import { graphql } from '../generated/gql/index.ts';

export const Providers = graphql(`
  query CliProviders {
    providers {
      name
    }
  }
`);

export const CreateDataset = graphql(`
  mutation CliCreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      __typename
      ... on Dataset {
        id
        name
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const CollectExamples = graphql(`
  mutation CliCollectExamples($input: CollectExamplesInput!) {
    collectExamples(input: $input) {
      __typename
      ... on CollectExamplesPayload {
        added
        alreadyThere
        considered
        skipped {
          reason
          count
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const FindExamples = graphql(`
  query CliFindExamples($datasetId: ID!, $filter: ExampleFilter!, $direction: OrderDirection!, $first: Int!) {
    examples(
      datasetId: $datasetId
      filter: $filter
      orderBy: { field: QUALITY_SCORE, direction: $direction }
      first: $first
    ) {
      totalCount
      edges {
        node {
          userMessage
          assistantResponse
          qualityScore
        }
      }
    }
  }
`);

export const ValidateExamples = graphql(`
  mutation CliValidateExamples($input: ValidateExamplesInput!) {
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
    }
  }
`);

export const DatasetCounts = graphql(`
  query CliDatasetCounts($id: ID!) {
    dataset(id: $id) {
      exampleCount
      validatedCount
    }
  }
`);

export const ExportDataset = graphql(`
  mutation CliExportDataset($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      __typename
      ... on Export {
        id
        exampleCount
        validationExampleCount
        bytes
        sha256
        downloadUrl
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const LaunchTrainingRun = graphql(`
  mutation CliLaunchTrainingRun($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
      ... on TrainingRun {
        id
        status
        provider
        baseModel
        warnings {
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const RunUpdated = graphql(`
  subscription CliRunUpdated($id: ID!) {
    trainingRunUpdated(id: $id) {
      lastSeq
      status
    }
  }
`);

export const RunEvents = graphql(`
  subscription CliRunEvents($id: ID!) {
    trainingRunEvents(id: $id) {
      seq
      type
      metrics {
        step
        totalSteps
        trainLoss
      }
    }
  }
`);

export const RunResult = graphql(`
  query CliRunResult($id: ID!) {
    trainingRun(id: $id) {
      id
      status
      provider
      resultModelId
      trainedTokens
      trainingCostUsd
      errorCode
      errorMessage
      metrics {
        step
        trainLoss
        trainAccuracy
      }
    }
  }
`);

export const AskModel = graphql(`
  mutation CliAskModel($input: AskModelInput!) {
    askModel(input: $input) {
      __typename
      ... on ModelAnswer {
        content
        model
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const FindDuplicates = graphql(`
  mutation CliFindDuplicates($input: FindDuplicatesInput!) {
    findDuplicates(input: $input) {
      __typename
      ... on FindDuplicatesPayload {
        compared
        groups
        examples
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const LookBeforePaying = graphql(`
  query CliLookBeforePaying($id: ID!, $provider: String!, $baseModel: String!, $nEpochs: Int!) {
    dataset(id: $id) {
      tokens
      personalData {
        scanned
        unscanned
        examplesWithFindings
        byKind {
          kind
          examples
        }
      }
      costEstimate(provider: $provider, baseModel: $baseModel, nEpochs: $nEpochs) {
        __typename
        ... on CostEstimate {
          trainedTokens {
            expected
          }
          costUsd {
            expected
          }
          priceAsOf
        }
        ... on Error {
          code
          message
        }
      }
    }
    preflight(datasetId: $id, provider: $provider, baseModel: $baseModel) {
      ok
      checked
      totals {
        severity
        rule
        count
      }
    }
  }
`);
