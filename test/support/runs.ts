/** What the tests of training runs share: datasets to learn from, launching, and waiting for a run's end. */
import type { LaunchTrainingRunInput } from '../../src/generated/gql/graphql.ts';
import type { TestClient } from './client.ts';
import { AddExamples, CreateDataset, Launch, Run, Updates } from './runDocuments.ts';

export const SYSTEM_PROMPT = 'You are a friendly agent of a telephone help desk.';
export const BASE_MODEL = 'sandbox-small';

/** A new dataset with `count` validated examples: question n asks for the price of plan n, answer n tells it. */
export async function newDataset(client: TestClient, count: number, name = 'Calls'): Promise<string> {
  const { createDataset } = await client.run(CreateDataset, { input: { name, systemPrompt: SYSTEM_PROMPT } });
  if (!('id' in createDataset)) throw new Error(createDataset.message);
  const datasetId = createDataset.id;
  if (count > 0) {
    const examples = Array.from({ length: count }, (_, n) => ({
      messages: [
        { role: 'USER' as const, content: question(n) },
        { role: 'ASSISTANT' as const, content: answer(n) },
      ],
    }));
    const { addExamples } = await client.run(AddExamples, {
      input: { datasetId, examples, autoValidate: true },
    });
    if (!('added' in addExamples)) throw new Error(addExamples.message);
  }
  return datasetId;
}

export const question = (n: number) => `What does the blue plan number ${n} cost?`;
export const answer = (n: number) => `Plan ${n} costs ${n * 3} euros a month.`;

/** Launches and returns the run; anything but a run fails the test. */
export async function launch(client: TestClient, input: Partial<LaunchTrainingRunInput>) {
  const { launchTrainingRun } = await client.run(Launch, { input: { baseModel: BASE_MODEL, ...input } });
  if (!('id' in launchTrainingRun)) throw new Error(JSON.stringify(launchTrainingRun));
  return launchTrainingRun;
}

/** Launches something that is refused; a run fails the test. */
export async function refusedLaunch(client: TestClient, input: Partial<LaunchTrainingRunInput>) {
  const { launchTrainingRun } = await client.run(Launch, { input: { baseModel: BASE_MODEL, ...input } });
  if ('id' in launchTrainingRun) throw new Error('The launch was accepted');
  return launchTrainingRun;
}

/** Follows the run until it is final and returns it, with everything that can be asked about it. */
export async function ended(client: TestClient, id: string) {
  for await (const _ of client.follow(Updates, { id }));
  return readRun(client, id);
}

/** Follows the run until `status` is told. */
export async function reached(client: TestClient, id: string, status: string): Promise<void> {
  for await (const { trainingRunUpdated } of client.follow(Updates, { id })) {
    if (trainingRunUpdated.status === status) return;
  }
  throw new Error(`The run ended without ever being ${status}`);
}

export async function readRun(client: TestClient, id: string) {
  const { trainingRun } = await client.run(Run, { id });
  if (!trainingRun) throw new Error(`There is no run ${id}`);
  return trainingRun;
}

/** The row id in a global id. */
export function rowId(globalId: string): string {
  return Buffer.from(globalId, 'base64').toString().split(':')[1] ?? '';
}
