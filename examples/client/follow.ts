/**
 * Follows a training run live, event by event, and survives broken connections.
 *
 *     npx tsx examples/client/follow.ts RUN_ID
 *     TUNESMITH_URL=http://127.0.0.1:4100 TUNESMITH_API_KEY=tsk_… npx tsx examples/client/follow.ts RUN_ID
 *
 * RUN_ID is what `launchTrainingRun` answered. One line a event goes to standard output; the program ends by itself
 * when the run is final, with exit code 0 when there is a model.
 *
 * Four things are worth copying into a client of yours:
 *
 * 1. Typed documents. `graphql(…)` below is a plain string at run time; `npm run generate` reads it and gives it the
 *    type of exactly what it asks for. Rename a field and the compiler finds every place that used it.
 *    (In your own project: @graphql-codegen/client-preset on the server's schema, see codegen.ts.)
 * 2. Resuming by number. Every event of a run has the run's next `seq`. Whoever comes back with the last `seq` that it
 *    has handled gets what came after it: nothing is missed, nothing comes twice, however often the line breaks.
 * 3. Noticing a dead line. A network that swallows packets gives no error, so the connection is pinged.
 * 4. Signing in anew. `connectionParams` is a function, so that each connection brings a token that is good then: the
 *    server ends a session (close code 4403) with the token that it began with.
 */
import { print } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import WebSocket from 'ws';
import { graphql } from '../../src/generated/gql/index.ts';
import type { FollowRunEventsSubscription, FollowRunStatusQuery } from '../../src/generated/gql/graphql.ts';

const FollowRunEvents = graphql(`
  subscription FollowRunEvents($id: ID!, $afterSeq: Int) {
    trainingRunEvents(id: $id, afterSeq: $afterSeq) {
      seq
      type
      level
      message
      createdAt
    }
  }
`);

const FollowRunStatus = graphql(`
  query FollowRunStatus($id: ID!) {
    trainingRun(id: $id) {
      status
      lastSeq
      resultModelId
      errorMessage
    }
  }
`);

export type RunEvent = FollowRunEventsSubscription['trainingRunEvents'];

export type RunState = NonNullable<FollowRunStatusQuery['trainingRun']>;

export interface FollowOptions {
  /** The server, such as http://127.0.0.1:4000. */
  url: string;
  runId: string;
  /** An API key, or what gives an access token that is good now; left out where the server asks for none. */
  token?: string | (() => string | Promise<string>);
  /** The last event that is known already; 0 for all of them. */
  afterSeq?: number;
  /** Told why the connection broke, before it is tried again. */
  onBreak?: (reason: string) => void;
  /** Told what became of the run, after its last event. */
  onFinal?: (run: RunState) => void;
  /** How long to wait before trying again, in milliseconds. */
  retryAfter?: number;
}

const PING_EVERY = 10_000;
const PONG_WITHIN = 5_000;
/** The close code of refused credentials and ended sessions. */
const FORBIDDEN = 4403;

/** What the server refuses will be refused again: trying once more would not help. */
class Refused extends Error {}

/** Every event of the run in order, each exactly once, until the run is final. */
export async function* followRun(options: FollowOptions): AsyncGenerator<RunEvent> {
  const { url, runId, token, onBreak, onFinal, retryAfter = 1_000 } = options;
  let lastSeq = options.afterSeq ?? 0;
  let signedIn = false;
  const client = connect(url, token, () => (signedIn = true));
  try {
    for (;;) {
      try {
        // The variables are read anew for each attempt: this is where it goes on after a break.
        const payload = { query: print(FollowRunEvents), variables: { id: runId, afterSeq: lastSeq } };
        for await (const { data, errors } of client.iterate<FollowRunEventsSubscription>(payload)) {
          if (errors) throw new Refused(errors.map(({ message }) => message).join('\n'));
          if (!data) continue;
          lastSeq = data.trainingRunEvents.seq;
          yield data.trainingRunEvents;
        }
        // An orderly end means that the run is final, or that the server is shutting down: the run itself tells which.
        const run = await statusOf(client, runId);
        if (FINAL.has(run.status) && run.lastSeq <= lastSeq) {
          onFinal?.(run);
          return;
        }
      } catch (error) {
        if (error instanceof Refused) throw error;
        // Let in before, the session has ended, and a new token may be good; else the same will be said of it again.
        if (codeOf(error) === FORBIDDEN && !signedIn)
          throw new Refused('The server does not take the token, or asks for one', { cause: error });
        signedIn = false;
        onBreak?.(reasonOf(error));
      }
      await new Promise((resolve) => void setTimeout(resolve, retryAfter));
    }
  } finally {
    try {
      await client.dispose();
    } catch {
      // It was just being opened, and now never will be.
    }
  }
}

/** One WebSocket, opened when first needed. It does not retry by itself: it would do so with the old `afterSeq`. */
function connect(url: string, token: FollowOptions['token'], onConnected: () => void): Client {
  let overdue: NodeJS.Timeout | undefined;
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: async () => {
      const current = typeof token === 'function' ? await token() : token;
      return current === undefined ? {} : { authorization: `Bearer ${current}` };
    },
    retryAttempts: 0,
    keepAlive: PING_EVERY,
    on: {
      connected: onConnected,
      ping: (received) => {
        if (!received) overdue = setTimeout(() => client.terminate(), PONG_WITHIN);
      },
      pong: (received) => {
        if (received) clearTimeout(overdue);
      },
      closed: () => clearTimeout(overdue),
    },
  });
  return client;
}

const FINAL = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

/** Queries go over the same WebSocket. */
async function statusOf(client: Client, id: string): Promise<RunState> {
  const payload = { query: print(FollowRunStatus), variables: { id } };
  for await (const { data, errors } of client.iterate<FollowRunStatusQuery>(payload)) {
    if (errors) throw new Refused(errors.map(({ message }) => message).join('\n'));
    if (!data?.trainingRun) throw new Refused(`There is no training run ${id}.`);
    return data.trainingRun;
  }
  throw new Error('The connection was closed before the answer came');
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const code = codeOf(error);
  return code === undefined ? String(error) : `closed with code ${code}`;
}

/** graphql-ws rejects with the socket's close event, which is no Error. */
function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

async function main(): Promise<number> {
  const [runId] = process.argv.slice(2);
  if (runId === undefined) {
    process.stderr.write('Usage: npx tsx examples/client/follow.ts RUN_ID\n');
    return 2;
  }
  const url = process.env['TUNESMITH_URL'] ?? 'http://127.0.0.1:4000';
  const token = process.env['TUNESMITH_API_KEY'];
  let run: RunState | undefined;
  const events = followRun({
    url,
    runId,
    ...(token !== undefined && { token }),
    onBreak: (reason) => void process.stderr.write(`The connection broke (${reason}), trying again …\n`),
    onFinal: (state) => {
      run = state;
    },
  });
  for await (const { seq, createdAt, type, message } of events) {
    process.stdout.write(`${String(seq).padStart(5)}  ${createdAt}  ${type.padEnd(10)}  ${message}\n`);
  }
  process.stdout.write(`${run?.status ?? 'UNKNOWN'}  ${run?.resultModelId ?? run?.errorMessage ?? ''}\n`);
  return run?.status === 'SUCCEEDED' ? 0 : 1;
}

if (import.meta.filename === process.argv[1]) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
