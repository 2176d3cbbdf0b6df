/** What the tests of lineage and erasure share: a caller among others, what is made of their calls, and the operations. */
import type { Database } from '../../src/db/database.ts';
import { graphql } from '../../src/generated/gql/index.ts';
import { call, collect, importCalls, newDataset } from './calls.ts';
import type { TestClient } from './client.ts';

/** The caller whose traces the tests look for, as two feeds write the number. */
export const CALLER = '+15550100001';
export const CALLER_WRITTEN = '+1 (555) 010-0001';
/** Words that nobody else says. */
export const SECRET = 'My neighbour Ottokar keeps a walrus';

export const Erase = graphql(`
  mutation EraseCaller($input: EraseCallerInput!) {
    eraseCaller(input: $input) {
      __typename
      ... on EraseCallerPayload {
        calls
        examples
        exports
        files
        providerFilesPending
        runsCancelled
        models {
          name
          trainingRunId
        }
        erasure {
          id
          numberEnding
          completedAt
          steps {
            name
            done
            pending
            completedAt
            problem
          }
        }
      }
      ... on InvalidInputError {
        code
        faults {
          field
          message
        }
      }
    }
  }
`);

export const Allow = graphql(`
  mutation EraseAllow($input: AllowCallerInput!) {
    allowCaller(input: $input) {
      ... on CallerErasure {
        liftedAt
      }
      ... on Error {
        code
      }
    }
  }
`);

export const CallerQuery = graphql(`
  query EraseCallerQuery($phoneNumber: String!) {
    caller(phoneNumber: $phoneNumber) {
      phoneNumber
      calls {
        totalCount
        edges {
          node {
            callSid
          }
        }
      }
      examples {
        totalCount
      }
      exports {
        totalCount
        edges {
          node {
            id
          }
        }
      }
      trainingRuns {
        totalCount
        edges {
          node {
            id
          }
        }
      }
      models {
        name
        provider
        baseModel
        step
        trainingRunId
      }
    }
  }
`);

export const AuditLog = graphql(`
  query EraseAuditLog($filter: AuditLogFilter, $after: String) {
    auditLog(filter: $filter, first: 5, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          actor
          action
          subjectType
          subjectId
          detail
          createdAt
        }
      }
    }
  }
`);

const OTHERS = 14;

const said = (topic: string) => [
  `caller: ${topic} and I wonder what that costs me.`,
  'agent: That is quite all right, it costs nothing at all.',
];

/** Two calls of the caller, and as many of others as a training needs. */
export async function importCaller(client: TestClient): Promise<void> {
  const others = Array.from({ length: OTHERS }, (_, n) =>
    call(`CA-other-${n}`, said(`I have plan number ${n}`), { phone_number: `+1555020${1000 + n}` }),
  );
  const report = await importCalls(client, [
    call('CA-secret-1', said(SECRET), { phone_number: CALLER_WRITTEN }),
    ...others,
    call('CA-secret-2', said(`${SECRET} in the bath`), { phone_number: CALLER }),
  ]);
  if (report.stored !== OTHERS + 2) throw new Error(JSON.stringify(report));
}

/** A dataset of all calls, validated. */
export async function collectedDataset(client: TestClient, name = 'Calls'): Promise<string> {
  const datasetId = await newDataset(client, name);
  await collect(client, { datasetId });
  return datasetId;
}

export async function erase(client: TestClient, phoneNumber = CALLER, dryRun?: boolean) {
  const { eraseCaller } = await client.run(Erase, { input: { phoneNumber, dryRun } });
  if (!('calls' in eraseCaller)) throw new Error(JSON.stringify(eraseCaller));
  return eraseCaller;
}

export async function callerOf(client: TestClient, phoneNumber = CALLER) {
  return (await client.run(CallerQuery, { phoneNumber })).caller;
}

/** What an erasure does, as the audit log has it. */
export const ERASURE_ACTIONS = [
  'ALLOW_CALLER',
  'CANCEL_TRAINING_RUN',
  'COMPLETE_ERASURE',
  'DELETE_CALLER_DATA',
  'DELETE_EXPORT_FILES',
  'DELETE_PROVIDER_FILES',
  'ERASE_CALLER',
  'TAINT_EXPORT',
];

/** All entries of erasures in the audit log that the filter keeps, page by page. */
export async function auditEntries(client: TestClient, filter: { action?: string; subjectId?: string } = {}) {
  const all: Awaited<ReturnType<typeof page>>['edges'][number]['node'][] = [];
  const page = async (after: string | null) => (await client.run(AuditLog, { filter, after })).auditLog;
  for (let after: string | null = null; ;) {
    const { edges, pageInfo } = await page(after);
    all.push(...edges.map(({ node }) => node));
    if (!pageInfo.hasNextPage) return all.filter(({ action }) => ERASURE_ACTIONS.includes(action));
    after = pageInfo.endCursor ?? null;
  }
}

/** The tables in which a row of the tenant still holds the words, anywhere; the whole database is looked through. */
export async function tablesHolding(db: Database, tenantId: string, words: string): Promise<string[]> {
  return db.asSystem(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE NONE`; // As the tests' superuser, past row level security.
    const tables = await tx.$queryRaw<{ name: string }[]>`
      SELECT table_name AS name FROM information_schema.columns
      WHERE table_schema = current_schema() AND column_name = 'tenant_id' ORDER BY 1`;
    const holding: string[] = [];
    for (const { name } of tables) {
      const [found] = await tx.$queryRawUnsafe<{ rows: number }[]>(
        `SELECT count(*)::int AS rows FROM ${name} AS held WHERE tenant_id = $1::uuid AND strpos(held::text, $2) > 0`,
        tenantId,
        words,
      );
      if (found && found.rows > 0) holding.push(name);
    }
    return holding;
  });
}
