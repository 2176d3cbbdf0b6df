/** Mercurius as a careful person writes it for just these questions: SQL, a loader a list, jit. It knows no tenant and limits nothing. */
import Fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';

const [connectionString, poolSize] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: Number(poolSize) });

const DATASET = `id, name, description, example_count AS "exampleCount", validated_count AS "validatedCount",
  created_at AS "createdAt"`;
const EXAMPLE = `id, position, revision, messages, user_message AS "userMessage", assistant_response AS "assistantResponse",
  validated, tokens, quality_score::float8 AS "qualityScore", call_transcription_id AS "callId"`;
const RUN = `id, dataset_id AS "datasetId", status, provider, base_model AS "baseModel", result_model_id AS "resultModelId",
  trained_tokens::float8 AS "trainedTokens", created_at AS "createdAt", completed_at AS "completedAt"`;

const schema = `
  scalar JSON
  scalar DateTime
  type Query {
    dataset(id: ID!): Dataset
    datasets(tenantId: ID!, first: Int!): [Dataset!]!
    trainingRun(id: ID!): TrainingRun
  }
  type Dataset {
    id: ID!
    name: String!
    description: String
    exampleCount: Int!
    validatedCount: Int!
    createdAt: DateTime!
    examples(first: Int!): [Example!]!
    undecided(first: Int!): ExamplePage!
    trainingRuns(first: Int!): [TrainingRun!]!
  }
  type ExamplePage { nodes: [Example!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! }
  type Example {
    id: ID!
    position: Int!
    revision: Int!
    messages: JSON!
    userMessage: String!
    assistantResponse: String!
    validated: Boolean!
    tokens: Int
    qualityScore: Float
    callTranscription: Call
  }
  type Call { callSid: String! createdAt: DateTime! }
  type TrainingRun {
    id: ID!
    status: String!
    provider: String!
    baseModel: String!
    resultModelId: String
    trainedTokens: Float
    createdAt: DateTime!
    completedAt: DateTime
    dataset: Dataset!
    events(last: Int!): [Event!]!
  }
  type Event { seq: Int! type: String! level: String! message: String! createdAt: DateTime! }
`;

const sql = async (name, text, values) => (await pool.query({ name, text, values })).rows;

/** The rows of each of several parents, in the order of the parents. */
const perParent = async (name, text, parents, ...values) => {
  const rows = await sql(name, text, [parents, ...values]);
  const lists = new Map(parents.map((id) => [id, []]));
  for (const row of rows) lists.get(row.parent)?.push(row);
  return parents.map((id) => lists.get(id));
};

const lateral = (inner) =>
  `SELECT parent, page.* FROM unnest($1::uuid[]) AS parent CROSS JOIN LATERAL (${inner}) page`;

const resolvers = {
  Query: {
    dataset: async (_root, { id }) =>
      (await sql('dataset', `SELECT ${DATASET} FROM finetuning_datasets WHERE id = $1`, [id]))[0],
    datasets: (_root, { tenantId, first }) =>
      sql(
        'datasets',
        `SELECT ${DATASET} FROM finetuning_datasets WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
        [tenantId, first],
      ),
    trainingRun: async (_root, { id }) =>
      (await sql('run', `SELECT ${RUN} FROM finetuning_training_runs WHERE id = $1`, [id]))[0],
  },
};

const loader = (load) => ({ loader: load, opts: { cache: false } });

const loaders = {
  Dataset: {
    examples: loader((queries) =>
      perParent(
        'examples',
        lateral(
          `SELECT ${EXAMPLE} FROM finetuning_examples WHERE dataset_id = parent ORDER BY position LIMIT $2`,
        ),
        queries.map(({ obj }) => obj.id),
        queries[0].params.first,
      ),
    ),
    undecided: loader(async (queries) => {
      const { first } = queries[0].params;
      const pages = await perParent(
        'undecided',
        lateral(`SELECT ${EXAMPLE} FROM finetuning_examples WHERE dataset_id = parent AND NOT validated AND NOT rejected
          ORDER BY position LIMIT $2`),
        queries.map(({ obj }) => obj.id),
        first + 1,
      );
      return pages.map((page) => ({
        nodes: page.slice(0, first),
        pageInfo: { hasNextPage: page.length > first },
      }));
    }),
    trainingRuns: loader((queries) =>
      perParent(
        'runs',
        lateral(`SELECT ${RUN} FROM finetuning_training_runs WHERE dataset_id = parent
          ORDER BY created_at DESC, id DESC LIMIT $2`),
        queries.map(({ obj }) => obj.id),
        queries[0].params.first,
      ),
    ),
  },
  Example: {
    callTranscription: loader(async (queries) => {
      const ids = queries.map(({ obj }) => obj.callId);
      const rows = await sql(
        'calls',
        'SELECT id, call_sid AS "callSid", created_at AS "createdAt" FROM call_transcriptions WHERE id = ANY ($1::uuid[])',
        [ids],
      );
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id));
    }),
  },
  TrainingRun: {
    dataset: loader(async (queries) => {
      const ids = queries.map(({ obj }) => obj.datasetId);
      const rows = await sql(
        'datasetsOfRuns',
        `SELECT ${DATASET} FROM finetuning_datasets WHERE id = ANY ($1::uuid[])`,
        [ids],
      );
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id));
    }),
    events: loader(async (queries) => {
      const lists = await perParent(
        'events',
        lateral(`SELECT seq, type, level, message, created_at AS "createdAt" FROM finetuning_run_events
          WHERE run_id = parent ORDER BY seq DESC LIMIT $2`),
        queries.map(({ obj }) => obj.id),
        queries[0].params.last,
      );
      return lists.map((list) => list.toReversed());
    }),
  },
};

const app = Fastify();
await app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ url: `${url}/graphql` });
process.once('disconnect', () => process.exit());
