/** Something of everything in the server, so that what is sent finds something. */
import { z } from 'zod';

export interface Scene {
  /** Global ids of things that are there, of things that are not, and texts that are none. */
  ids: string[];
  cursors: string[];
  /** Links to files of exports, as paths. */
  downloads: string[];
}

const CALLS = Array.from({ length: 15 }, (_, n) =>
  JSON.stringify({
    call_sid: `CA${n}`,
    created_at: '2026-11-01T10:00:00Z',
    phone_number: `+49301234${n}`,
    transcript_confidence: 0.95,
    turns: [
      { speaker: 'caller', text: `Good morning, what does the lamp number ${n} cost, please?` },
      { speaker: 'agent', text: `The lamp number ${n} costs ${n + 10} euros, delivery included.` },
    ],
  }),
).join('\n');

/** What is exported is of no call: what was sent may be erasing every caller, and with them what holds their words. */
const EXAMPLES = Array.from(
  { length: 12 },
  (_, n) =>
    `{ messages: [{ role: USER, content: "Question ${n}?" }, { role: ASSISTANT, content: "Answer ${n}." }] }`,
).join(' ');

const DATASET = `mutation ($name: String!) { createDataset(input: { name: $name }) { ... on Dataset { id } } }`;
const FILL = `mutation ($id: ID!) {
  addExamples(input: { datasetId: $id, examples: [${EXAMPLES}], autoValidate: true }) { __typename }
  exportDataset(input: { datasetId: $id }) { ... on Export { id downloadUrl } ... on Error { code message } }
  collectExamples(input: { datasetId: $id }) { __typename }
  findDuplicates(input: { datasetId: $id }) { __typename }
}`;
const LAUNCH = `mutation ($id: ID!) {
  launchTrainingRun(input: { exportId: $id, baseModel: "sandbox-small" }) { ... on TrainingRun { id } }
}`;
const LOOK = `query ($id: ID!) {
  dataset(id: $id) {
    examples(first: 5) { edges { cursor node { id } } }
    duplicateGroups(first: 3) { edges { cursor node { id members(first: 2) { edges { cursor } } } } }
  }
  callTranscriptions(first: 3) { edges { cursor node { id } } }
  trainingRuns(first: 2) { edges { cursor node { id events(first: 2) { edges { cursor } } } } }
  exports(first: 2) { edges { cursor node { id examples(first: 2) { edges { cursor } } } } }
}`;

/** Makes one more dataset with all that comes after it. */
export async function makeScene(url: string, name: string): Promise<Scene> {
  await fetch(`${url}/import/call-transcriptions`, {
    method: 'POST',
    headers: { ...PREFLIGHT, 'content-type': 'application/x-ndjson' },
    body: CALLS,
  });
  const id = textAt(await ask(url, DATASET, { name }), 'createDataset', 'id');
  const filled = await ask(url, FILL, { id });
  const [exportId, link] = ['id', 'downloadUrl'].map((key) => textAt(filled, 'exportDataset', key));
  await ask(url, LAUNCH, { id: exportId });
  const found = JSON.stringify(await ask(url, LOOK, { id }));
  const texts = (key: string) =>
    [...found.matchAll(new RegExp(`"${key}":"([^"]*)"`, 'g'))].map(([, text]) => text ?? '');
  const { pathname, search } = new URL(link ?? '');
  const missing = ['Dataset', 'Example', 'TrainingRun', 'Export', 'Nothing'].map((type) =>
    Buffer.from(`${type}:019ab000-0000-7000-8000-000000000002`).toString('base64'),
  );
  return {
    ids: [
      id,
      exportId ?? '',
      ...texts('id'),
      ...missing,
      'no id',
      Buffer.from('Dataset:1').toString('base64'),
    ],
    cursors: [...texts('cursor'), 'no cursor', Buffer.from('GPC:S:1').toString('base64')],
    downloads: [pathname + search, `${pathname}/validation${search}`],
  };
}

/** What a browser cannot send to another site without asking first. */
export const PREFLIGHT = { 'x-tunesmith-csrf': '1' };

async function ask(url: string, query: string, variables: Record<string, unknown>) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...PREFLIGHT, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = z
    .object({ data: z.record(z.string(), z.unknown()).nullish(), errors: z.unknown().optional() })
    .parse(await response.json());
  if (!data) throw new Error(`The scene could not be made: ${JSON.stringify(errors)}`);
  return data;
}

function textAt(data: Record<string, unknown>, field: string, key: string): string {
  const found = z.record(z.string(), z.unknown()).parse(data[field])[key];
  if (typeof found !== 'string') throw new Error(`The scene could not be made: ${JSON.stringify(data)}`);
  return found;
}
