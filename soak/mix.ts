/** Which request comes when: mostly what a dashboard reads, and some that change datasets and runs. */
import { seededRandom } from '../bench/random.ts';
import type { Client } from './client.ts';
import * as documents from './documents.ts';
import type { Followers } from './followers.ts';
import { addExamples, type Growing, type Lane, type Subjects } from './subjects.ts';

export type Request = () => Promise<unknown>;

/** How many of a hundred requests are of a kind. */
const SHARES = {
  runsTable: 22,
  datasets: 20,
  datasetPage: 18,
  runPage: 17,
  calls: 10,
  reviewStatus: 5,
  report: 1,
  addExamples: 4,
  launch: 2,
  cancel: 1,
} as const;

type Kind = keyof typeof SHARES;

const KINDS = Object.entries(SHARES).flatMap(([kind, share]) => Array<Kind>(share).fill(kind as Kind));

const BASE_MODEL = 'sandbox-small';

export interface Mix {
  next(): Request;
  /** Settles when every run that was launched is over and compared. */
  runsOver(): Promise<void>;
  /** The runs that are not over, with how far each is by the server's word. */
  runsLeft(): Promise<string[]>;
}

export function createMix(
  { growing, lanes }: Subjects,
  clients: Client[],
  followers: Followers,
  onError: (error: unknown) => void,
): Mix {
  const { pick } = seededRandom(7);
  const following = new Set<Promise<void>>();

  const requests: Record<Kind, () => Request> = {
    runsTable: () => read(documents.RunsTable),
    datasets: () => read(documents.Datasets),
    calls: () => read(documents.Calls),
    datasetPage: () => of(pick(growing), documents.DatasetPage),
    reviewStatus: () => of(pick(growing), documents.ReviewStatus),
    report: () => of(pick(growing), documents.Report),
    runPage: () => ofRun(documents.RunPage),
    cancel: () => ofRun(documents.Cancel),
    addExamples: () => grow(pick(growing)),
    launch: () => {
      const lane = lanes.find(({ idle }) => idle);
      return lane ? launch(lane) : read(documents.RunsTable);
    },
  };

  function read(
    document: typeof documents.RunsTable | typeof documents.Datasets | typeof documents.Calls,
  ): Request {
    const client = pick(clients);
    return () => client.ask<unknown, Record<string, never>>(document, {});
  }

  /** About a run that is under way; the table of runs while there is none. */
  function ofRun(document: typeof documents.RunPage | typeof documents.Cancel): Request {
    const under = lanes.filter(({ runId }) => runId !== undefined);
    if (under.length === 0) return read(documents.RunsTable);
    const { client, runId: id = '' } = pick(under);
    return () => client.ask<unknown, { id: string }>(document, { id });
  }

  function grow(dataset: Growing): Request {
    return async () => {
      const added = await addExamples(dataset.client, dataset.id, 5);
      if (added !== 5) throw new Error(`Of 5 examples ${added} were added`);
      dataset.known += added;
      followers.expectGrowth(dataset);
    };
  }

  function launch(lane: Lane): Request {
    lane.idle = false;
    return async () => {
      const input = { datasetId: lane.datasetId, baseModel: BASE_MODEL, hyperparameters: { nEpochs: 3 } };
      const { launchTrainingRun: made } = await lane.client
        .ask(documents.Launch, { input })
        .catch((error) => {
          lane.idle = true;
          throw error;
        });
      if (!('id' in made)) throw new Error(`A launch was refused: ${made.message}`);
      lane.runId = made.id;
      const followed = followers
        .followRun(lane, made.id)
        .catch(onError)
        .finally(() => {
          following.delete(followed);
          lane.runId = undefined;
          lane.idle = true;
        });
      following.add(followed);
    };
  }

  return {
    next: () => requests[pick(KINDS)](),
    async runsOver() {
      await Promise.all(following);
    },
    async runsLeft() {
      const left = lanes.flatMap(({ client, runId }) => (runId === undefined ? [] : [{ client, runId }]));
      return Promise.all(
        left.map(async ({ client, runId }) => {
          const { trainingRun } = await client.ask(documents.RunState, { id: runId });
          return `${runId} ${trainingRun?.status} at ${trainingRun?.lastSeq}`;
        }),
      );
    },
  };
}

function of(
  { client, id }: Growing,
  document: typeof documents.DatasetPage | typeof documents.ReviewStatus | typeof documents.Report,
): Request {
  return () => client.ask<unknown, { id: string }>(document, { id });
}
