/** What the crash test asks of a server, through its public face alone. A server that is away is asked again. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { setTimeout as after } from 'node:timers/promises';
import { graphql } from '../src/generated/gql/index.ts';
import type { CrashTestDatasetIdsQuery, CrashTestRunQuery } from '../src/generated/gql/graphql.ts';

/** How long a server may be away, in milliseconds. */
const PATIENCE = 180_000;
const RETRY = 100;

const CreateDataset = graphql(`
  mutation CrashTestCreateDataset($name: String!) {
    createDataset(input: { name: $name }) {
      __typename
      ... on Dataset {
        id
      }
    }
  }
`);

const AddExamples = graphql(`
  mutation CrashTestAddExamples($input: AddExamplesInput!) {
    addExamples(input: $input) {
      __typename
    }
  }
`);

const Launch = graphql(`
  mutation CrashTestLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      __typename
      ... on TrainingRun {
        id
      }
      ... on Error {
        message
      }
    }
  }
`);

const Cancel = graphql(`
  mutation CrashTestCancel($id: ID!) {
    cancelTrainingRun(id: $id) {
      __typename
      ... on Error {
        code
      }
    }
  }
`);

const Run = graphql(`
  query CrashTestRun($id: ID!) {
    trainingRun(id: $id) {
      id
      status
      providerJobId
      lastSeq
      errorMessage
    }
  }
`);

const Unsettled = graphql(`
  query CrashTestUnsettled {
    unfinished: trainingRuns(
      filter: { status: [PREPARING, VALIDATING_FILES, QUEUED, RUNNING, PAUSED] }
      first: 0
    ) {
      totalCount
    }
    inReview: trainingRuns(filter: { status: [NEEDS_REVIEW] }, first: 0) {
      totalCount
    }
    all: trainingRuns(first: 0) {
      totalCount
    }
  }
`);

const DatasetIds = graphql(`
  query CrashTestDatasetIds($after: String) {
    datasets(first: 100, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
        }
      }
    }
  }
`);

export type RunState = NonNullable<CrashTestRunQuery['trainingRun']>;

export interface Api {
  /** A dataset with a dozen validated examples. Returns its id. */
  newDataset(): Promise<string>;
  createDataset(name: string): Promise<string>;
  /** Launches, again and again with the same key, until it is answered. Returns the run's id. */
  launch(datasetId: string, requestKey: string): Promise<string>;
  /** Cancels, again and again, until it is answered that the run is cancelled or over. */
  cancel(id: string): Promise<void>;
  run(id: string): Promise<RunState>;
  datasetIds(): Promise<Set<string>>;
  counts(): Promise<{ unfinished: number; inReview: number; all: number }>;
}

/** `urls` are tried in turn: any server on the database will do. */
export function createApi(urls: string[]): Api {
  async function ask<Data, Input extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Input>,
    variables: Input,
  ): Promise<Data> {
    const deadline = performance.now() + PATIENCE;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const response = await fetch(`${urls[attempt % urls.length]}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: print(document), variables }),
          signal: AbortSignal.timeout(5_000),
        });
        const { data, errors } = (await response.json()) as { data?: Data; errors?: { message: string }[] };
        if (data && !errors) return data;
        throw new Error(errors?.map(({ message }) => message).join('; ') ?? `HTTP ${response.status}`);
      } catch (cause) {
        if (performance.now() > deadline) throw new Error('No server answers', { cause });
        await after(RETRY);
      }
    }
  }

  async function createDataset(name: string): Promise<string> {
    const { createDataset: made } = await ask(CreateDataset, { name });
    if (!('id' in made)) throw new Error(`The dataset was refused: ${JSON.stringify(made)}`);
    return made.id;
  }

  return {
    createDataset,
    async newDataset() {
      const datasetId = await createDataset(`Crash test ${Date.now()}`);
      const examples = Array.from({ length: 12 }, (_, n) => ({
        messages: [
          { role: 'USER' as const, content: `What does plan number ${n} cost?` },
          { role: 'ASSISTANT' as const, content: `Plan ${n} costs ${n * 3} euros a month.` },
        ],
      }));
      await ask(AddExamples, { input: { datasetId, examples, autoValidate: true } });
      return datasetId;
    },
    async launch(datasetId, requestKey) {
      const input = {
        datasetId,
        requestKey,
        baseModel: 'sandbox-small',
        hyperparameters: { nEpochs: 1 },
      };
      const { launchTrainingRun: made } = await ask(Launch, { input });
      if (!('id' in made)) throw new Error(`The launch was refused: ${JSON.stringify(made)}`);
      return made.id;
    },
    async cancel(id) {
      for (;;) {
        const { cancelTrainingRun: made } = await ask(Cancel, { id });
        if (!('code' in made) || made.code === 'RUN_NOT_CANCELLABLE') return;
        await after(RETRY);
      }
    },
    async run(id) {
      const { trainingRun } = await ask(Run, { id });
      if (!trainingRun) throw new Error(`There is no run ${id}`);
      return trainingRun;
    },
    async datasetIds() {
      const ids = new Set<string>();
      for (let cursor: string | null = null; ;) {
        const { datasets }: CrashTestDatasetIdsQuery = await ask(DatasetIds, { after: cursor });
        for (const { node } of datasets.edges) ids.add(node.id);
        if (!datasets.pageInfo.hasNextPage) return ids;
        cursor = datasets.pageInfo.endCursor ?? null;
      }
    },
    async counts() {
      const { unfinished, inReview, all } = await ask(Unsettled, {});
      return {
        unfinished: unfinished.totalCount,
        inReview: inReview.totalCount,
        all: all.totalCount,
      };
    },
  };
}
