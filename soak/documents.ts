/** What the soak asks: the reads of a dashboard, and the writes that change runs and datasets. */
import { graphql } from '../src/generated/gql/index.ts';

export const CreateDataset = graphql(`
  mutation SoakCreateDataset($name: String!) {
    createDataset(input: { name: $name, systemPrompt: "Answer as our best agents do." }) {
      ... on Dataset {
        id
      }
    }
  }
`);

export const AddExamples = graphql(`
  mutation SoakAddExamples($input: AddExamplesInput!) {
    addExamples(input: $input) {
      ... on AddExamplesPayload {
        added
      }
    }
  }
`);

export const ImportCalls = graphql(`
  mutation SoakImportCalls($input: ImportCallTranscriptionsInput!) {
    importCallTranscriptions(input: $input) {
      ... on ImportReport {
        stored
      }
    }
  }
`);

export const Launch = graphql(`
  mutation SoakLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      ... on TrainingRun {
        id
      }
      ... on Error {
        message
      }
    }
  }
`);

/** Of a run that has ended meanwhile an error is told, which is none of the server's. */
export const Cancel = graphql(`
  mutation SoakCancel($id: ID!) {
    cancelTrainingRun(id: $id) {
      ... on TrainingRun {
        id
      }
      ... on Error {
        code
      }
    }
  }
`);

export const RunsTable = graphql(`
  query SoakRunsTable {
    trainingRuns(first: 20) {
      totalCount
      edges {
        node {
          id
          status
          provider
          baseModel
          resultModelId
          trainedTokens
          trainingCostUsd
          createdAt
          completedAt
          errorMessage
          dataset {
            name
          }
        }
      }
    }
  }
`);

export const Datasets = graphql(`
  query SoakDatasets {
    datasets(first: 20) {
      edges {
        node {
          id
          name
          exampleCount
          validatedCount
          rejectedCount
          tokens
        }
      }
    }
  }
`);

export const DatasetPage = graphql(`
  query SoakDatasetPage($id: ID!) {
    dataset(id: $id) {
      name
      exampleCount
      examples(last: 20) {
        edges {
          node {
            id
            userMessage
            assistantResponse
            validated
            tokens
          }
        }
      }
    }
  }
`);

export const RunPage = graphql(`
  query SoakRunPage($id: ID!) {
    trainingRun(id: $id) {
      status
      lastSeq
      estimatedCompletionAt
      events(last: 20) {
        edges {
          node {
            seq
            message
          }
        }
      }
      metrics {
        step
      }
    }
  }
`);

export const Calls = graphql(`
  query SoakCalls {
    callTranscriptions(first: 20) {
      edges {
        node {
          callSid
          createdAt
          durationSeconds
          transcriptConfidence
          topic
        }
      }
    }
  }
`);

export const ReviewStatus = graphql(`
  query SoakReviewStatus($id: ID!) {
    dataset(id: $id) {
      reviewStatus {
        undecided
        reviewed
      }
    }
  }
`);

export const Report = graphql(`
  query SoakReport($id: ID!) {
    dataset(id: $id) {
      report {
        counts {
          total
        }
        next {
          code
          message
        }
      }
    }
  }
`);

/** How far a run has come, for the comparison with what its followers saw. */
export const RunState = graphql(`
  query SoakRunState($id: ID!) {
    trainingRun(id: $id) {
      status
      lastSeq
    }
  }
`);

export const RunEvents = graphql(`
  subscription SoakRunEvents($id: ID!) {
    trainingRunEvents(id: $id) {
      seq
    }
  }
`);

export const DatasetUpdates = graphql(`
  subscription SoakDatasetUpdates($id: ID!) {
    datasetUpdated(id: $id) {
      exampleCount
    }
  }
`);
