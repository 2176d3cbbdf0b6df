/** The operations that the tests of training runs share. */
import { graphql } from '../../src/generated/gql/index.ts';

export const CreateDataset = graphql(`
  mutation RunCreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      ... on Dataset {
        id
      }
      ... on Error {
        message
      }
    }
  }
`);

export const AddExamples = graphql(`
  mutation RunAddExamples($input: AddExamplesInput!) {
    addExamples(input: $input) {
      ... on AddExamplesPayload {
        added
      }
      ... on Error {
        message
      }
    }
  }
`);

export const ExportDataset = graphql(`
  mutation RunExportDataset($input: ExportDatasetInput!) {
    exportDataset(input: $input) {
      ... on Export {
        id
        sha256
        exampleCount
      }
      ... on Error {
        message
      }
    }
  }
`);

export const Launch = graphql(`
  mutation RunLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
      ... on TrainingRun {
        id
        status
        provider
        baseModel
        suffix
        seed
        requestKey
        lastSeq
        createdAt
        providerJobId
        hyperparameters {
          nEpochs
          batchSize
          learningRateMultiplier
        }
        warnings {
          code
          message
        }
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        faults {
          field
          message
        }
      }
      ... on InsufficientExamplesError {
        have
        need
      }
    }
  }
`);

export const Updates = graphql(`
  subscription RunUpdates($id: ID!, $afterSeq: Int) {
    trainingRunUpdated(id: $id, afterSeq: $afterSeq) {
      id
      status
      lastSeq
      resultModelId
      errorCode
      errorMessage
    }
  }
`);

export const Events = graphql(`
  subscription RunEvents($id: ID!, $afterSeq: Int) {
    trainingRunEvents(id: $id, afterSeq: $afterSeq) {
      seq
      type
      level
      message
    }
  }
`);

export const Run = graphql(`
  query RunOne($id: ID!) {
    trainingRun(id: $id) {
      id
      status
      provider
      baseModel
      providerJobId
      resultModelId
      trainedTokens
      trainingCostUsd
      errorCode
      errorMessage
      createdAt
      startedAt
      completedAt
      cancelRequestedAt
      estimatedCompletionAt
      lastPolledAt
      lastSeq
      price {
        validFrom
        trainingUsdPerMTokens
      }
      hyperparameters {
        nEpochs
        batchSize
        learningRateMultiplier
      }
      dataset {
        id
      }
      export {
        id
        sha256
        exampleCount
        examples(first: 100) {
          totalCount
          edges {
            node {
              line
              example {
                userMessage
              }
            }
          }
        }
      }
      events(first: 100) {
        totalCount
        edges {
          node {
            seq
            type
            level
            message
          }
        }
      }
      metrics {
        step
        totalSteps
        trainLoss
        trainAccuracy
        validLoss
      }
      checkpoints {
        step
        modelId
        metrics {
          step
          trainLoss
        }
      }
    }
  }
`);

export const Cancel = graphql(`
  mutation RunCancel($id: ID!) {
    cancelTrainingRun(id: $id) {
      __typename
      ... on TrainingRun {
        id
        status
        cancelRequestedAt
        completedAt
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const Refresh = graphql(`
  mutation RunRefresh($id: ID!) {
    refreshTrainingRun(id: $id) {
      __typename
      ... on TrainingRun {
        id
        status
        lastPolledAt
      }
      ... on Error {
        code
        message
      }
      ... on ProviderError {
        retryable
      }
    }
  }
`);
