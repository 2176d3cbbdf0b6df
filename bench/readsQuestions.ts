/** The dashboard's questions, as each contender is asked them, and their answers in one form. */
import { decodeGlobalID, encodeGlobalID } from '@pothos/plugin-relay';
import { z } from 'zod';
import { PAGE, type Seeded } from './readsData.ts';

export const QUESTIONS = ['dataset', 'page', 'run', 'review', 'name', 'tiny'] as const;
export type Question = (typeof QUESTIONS)[number];
export type Language = 'ours' | 'limit' | 'postgraphile' | 'mercurius';

const COUNTS = 'id name description exampleCount validatedCount createdAt';
const EXAMPLE = 'id position userMessage assistantResponse validated tokens qualityScore';
const UNDECIDED = 'id position revision qualityScore tokens';
const CALL = 'callSid createdAt';
const RUN = 'id status provider baseModel resultModelId trainedTokens createdAt';
const EVENT = 'seq type level message createdAt';
const rowId = (fields: string) => `id: rowId ${fields.slice(3)}`;

const OURS_DATASET = `${COUNTS} examples(first: ${PAGE}) { edges { node { ${EXAMPLE} } } }
  trainingRuns(first: 3) { edges { node { ${RUN} } } }`;
const ours: Record<Question, string> = {
  dataset: `($id: ID!) { dataset(id: $id) { ${OURS_DATASET} } }`,
  page: `{ datasets(first: 10) { edges { node { ${OURS_DATASET} } } } }`,
  run: `($id: ID!) { trainingRun(id: $id) { ${RUN} completedAt dataset { id name }
    events(last: ${PAGE}) { edges { node { ${EVENT} } } } } }`,
  review: `($id: ID!) { dataset(id: $id) { id name
    examples(first: ${PAGE}, filter: { validated: false, rejected: false }) {
      edges { node { ${UNDECIDED} messages { role content } callTranscription { ${CALL} } } } pageInfo { hasNextPage } } } }`,
  name: `($id: ID!) { dataset(id: $id) { name } }`,
  tiny: '{ __typename }',
};

const THEIR_DATASET = `${rowId(COUNTS)}
  examples: finetuningExamplesByTenantIdAndDatasetId(first: ${PAGE}, orderBy: POSITION_ASC) { nodes { ${rowId(EXAMPLE)} } }
  trainingRuns: finetuningTrainingRunsByTenantIdAndDatasetId(first: 3, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) {
    nodes { ${rowId(RUN)} } }`;
const postgraphile: Record<Question, string> = {
  dataset: `($id: UUID!) { dataset: finetuningDatasetByRowId(rowId: $id) { ${THEIR_DATASET} } }`,
  page: `($id: UUID!) { datasets: allFinetuningDatasets(first: 10, condition: { tenantId: $id },
    orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes { ${THEIR_DATASET} } } }`,
  run: `($id: UUID!) { trainingRun: finetuningTrainingRunByRowId(rowId: $id) { ${rowId(RUN)} completedAt
    dataset: finetuningDatasetByTenantIdAndDatasetId { id: rowId name }
    events: finetuningRunEventsByTenantIdAndRunId(last: ${PAGE}, orderBy: SEQ_ASC) { nodes { ${EVENT} } } } }`,
  review: `($id: UUID!) { dataset: finetuningDatasetByRowId(rowId: $id) { id: rowId name
    examples: finetuningExamplesByTenantIdAndDatasetId(first: ${PAGE}, orderBy: POSITION_ASC,
      condition: { validated: false, rejected: false }) {
      nodes { ${rowId(UNDECIDED)} messages callTranscription: callTranscriptionByTenantIdAndCallTranscriptionId { ${CALL} } }
      pageInfo { hasNextPage } } } }`,
  name: `($id: UUID!) { dataset: finetuningDatasetByRowId(rowId: $id) { name } }`,
  tiny: '{ __typename }',
};

const OTHER_DATASET = `${COUNTS} examples(first: ${PAGE}) { ${EXAMPLE} } trainingRuns(first: 3) { ${RUN} }`;
const mercurius: Record<Question, string> = {
  dataset: `($id: ID!) { dataset(id: $id) { ${OTHER_DATASET} } }`,
  page: `($id: ID!) { datasets(tenantId: $id, first: 10) { ${OTHER_DATASET} } }`,
  run: `($id: ID!) { trainingRun(id: $id) { ${RUN} completedAt dataset { id name } events(last: ${PAGE}) { ${EVENT} } } }`,
  review: `($id: ID!) { dataset(id: $id) { id name examples: undecided(first: ${PAGE}) {
    nodes { ${UNDECIDED} messages callTranscription { ${CALL} } } pageInfo { hasNextPage } } } }`,
  name: `($id: ID!) { dataset(id: $id) { name } }`,
  tiny: '{ __typename }',
};

const texts = { ours, postgraphile, mercurius };

/**
 * One request a connection, no two the same: who asks what another asks at the same moment may be answered with them. Each
 * asks of a dataset or a run of its own; where there is nothing to tell them by, the operation has a name of its own.
 */
export function requestsOf(
  language: Language,
  question: Question,
  seeded: Seeded,
  connections: number,
): string[] {
  return Array.from({ length: connections }, (_, n) => {
    const dataset = seeded.datasets[n % seeded.datasets.length];
    if (!dataset) throw new Error('There is no dataset');
    const isRun = question === 'run';
    const value = question === 'page' ? seeded.tenantId : isRun ? dataset.runId : dataset.id;
    if (language === 'limit') return JSON.stringify({ question, value });
    const operation = texts[language][question];
    const id = language === 'ours' ? encodeGlobalID(isRun ? 'TrainingRun' : 'Dataset', value) : value;
    return JSON.stringify({
      query: `query Bench${n} ${operation}`,
      variables: operation.startsWith('(') ? { id } : {},
    });
  });
}

const LONGEST_TIME = 35;
const isTime = (text: string) => text.length <= LONGEST_TIME && /^\d{4}-\d\d-\d\dT/.test(text);
const isUuid = (text: string) => z.uuid().safeParse(text).success;
/** What some write as a text. */
const NUMBERS = new Set(['qualityScore', 'trainedTokens']);

/** An answer's data as all should give it: lists without edges, rows' own ids, times as numbers. */
export function plain(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    if (isTime(value)) return Date.parse(value);
    if (key === 'id') return isUuid(value) ? value : decodeGlobalID(value).id;
    if (key === 'role') return value.toLowerCase();
    return NUMBERS.has(key) ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map((each) => plain(each));
  if (!(value instanceof Object)) return value;
  const { edges, nodes, pageInfo, ...rest } = Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, plain(each, name)]),
  );
  const items = nodes ?? (Array.isArray(edges) ? edges.map(nodeOf) : undefined);
  if (items === undefined) return rest;
  return pageInfo === undefined ? items : { items, pageInfo };
}

function nodeOf(edge: unknown): unknown {
  return edge instanceof Object && 'node' in edge ? edge.node : edge;
}
