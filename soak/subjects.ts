/** What is asked about and followed: for each tenant calls, datasets that grow, and lanes, each with a run at a time. */
import type { Client } from './client.ts';
import { AddExamples, CreateDataset, ImportCalls } from './documents.ts';

/** A dataset that grows, and is followed. */
export interface Growing {
  client: Client;
  id: string;
  /** How many examples it holds for certain: those whose adding was answered. */
  known: number;
  /** What each follower saw last. */
  seen: number[];
}

/** A dataset on which one run after the other is launched; each run is followed to its end. */
export interface Lane {
  client: Client;
  datasetId: string;
  /** The run that is under way, or being launched. */
  runId?: string | undefined;
  idle: boolean;
}

export interface Subjects {
  growing: Growing[];
  lanes: Lane[];
}

const CALLS = 100;
const EXAMPLES = 200;
const TRAINED_ON = 12;

export async function makeSubjects(client: Client, datasets: number, lanes: number): Promise<Subjects> {
  await client.ask(ImportCalls, { input: { calls: Array.from({ length: CALLS }, (_, n) => call(n)) } });
  const subjects: Subjects = { growing: [], lanes: [] };
  for (let n = 0; n < datasets; n += 1) {
    const id = await newDataset(client, `Growing ${n}`, EXAMPLES);
    subjects.growing.push({ client, id, known: EXAMPLES, seen: [] });
  }
  for (let n = 0; n < lanes; n += 1) {
    subjects.lanes.push({
      client,
      datasetId: await newDataset(client, `Trained on ${n}`, TRAINED_ON),
      idle: true,
    });
  }
  return subjects;
}

async function newDataset(client: Client, name: string, examples: number): Promise<string> {
  const { createDataset } = await client.ask(CreateDataset, { name });
  if (!('id' in createDataset)) throw new Error(`The dataset ${name} was refused`);
  if ((await addExamples(client, createDataset.id, examples)) !== examples)
    throw new Error(`The examples of ${name} were refused`);
  return createDataset.id;
}

let numbered = 0;

/** Adds examples that are like no other. Returns how many were added. */
export async function addExamples(client: Client, datasetId: string, count: number): Promise<number> {
  const examples = Array.from({ length: count }, () => {
    numbered += 1;
    return {
      messages: [
        { role: 'USER' as const, content: `What does plan number ${numbered} cost, and what is in it?` },
        { role: 'ASSISTANT' as const, content: `Plan ${numbered} costs ${numbered % 97} euros a month.` },
      ],
    };
  });
  const { addExamples: made } = await client.ask(AddExamples, {
    input: { datasetId, examples, autoValidate: true },
  });
  return 'added' in made ? made.added : 0;
}

function call(n: number) {
  return {
    callSid: `SOAK${n}`,
    createdAt: '2026-11-02T09:30:00Z',
    durationSeconds: 31 + n,
    transcriptConfidence: 0.9,
    topic: 'plans',
    turns: [
      { speaker: 'caller', text: `Hello, what does plan number ${n} cost?` },
      { speaker: 'agent', text: `It costs ${n} euros a month. May I book it for you?` },
    ],
  };
}
