/** `tunesmith runs`: the monitoring table, once or live. */
import { graphql } from '../generated/gql/index.ts';
import type { CliRunFragment } from '../generated/gql/graphql.ts';
import { createClient } from './client.ts';
import { runLine, runsTable } from './runsTable.ts';
import type { Target } from './credentials.ts';
import { openTerminal } from './terminal.ts';

export interface RunsOptions extends Target {
  first: number;
  watch?: boolean;
  json?: boolean;
}

graphql(`
  fragment CliRun on TrainingRun {
    id
    status
    provider
    baseModel
    resultModelId
    trainedTokens
    trainingCostUsd
    createdAt
    updatedAt
    startedAt
    completedAt
    errorMessage
    lastSeq
    dataset {
      id
      name
    }
  }
`);

const ListRuns = graphql(`
  query CliListRuns($first: Int!) {
    trainingRuns(first: $first, orderBy: { field: CREATED_AT, direction: DESC }) {
      edges {
        node {
          ...CliRun
        }
      }
    }
  }
`);

const RunsUpdated = graphql(`
  subscription CliRunsUpdated {
    trainingRunsUpdated {
      ...CliRun
    }
  }
`);

/** Durations of running runs grow by the second. */
const TICK = 1_000;
/** How long a change can go unseen that happened between a reading of the list and the begin of the subscription. */
const READ_ANYWAY = 5_000;

export async function runs(options: RunsOptions): Promise<void> {
  if (options.watch) return watch(options);
  const client = createClient({ url: options.url, apiKey: options.apiKey });
  const { trainingRuns } = await client.run(ListRuns, { first: options.first });
  const list = trainingRuns.edges.map(({ node }) => node);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
    return;
  }
  const out = openTerminal(process.stdout);
  // What is not looked at here and now is read by other programs, which want the whole.
  const width = out.live ? out.width() : Infinity;
  out.print(...runsTable(list, { width, style: out.style, now: new Date() }));
}

/** The list, kept as the server tells it; resolves at Ctrl-C. */
async function watch({ url, apiKey, first, json }: RunsOptions): Promise<void> {
  const out = openTerminal(process.stdout);
  const known = new Map<string, CliRunFragment>();
  let connected = true;
  let ending = false;

  const client = createClient({
    url,
    apiKey,
    onConnection(state) {
      if (ending) return;
      connected = state === 'connected';
      // While away, runs may have finished of which nothing more will be told.
      tellConnection();
      if (connected) relist().catch(() => undefined);
    },
  });

  async function relist(): Promise<void> {
    const { trainingRuns } = await client.run(ListRuns, { first });
    for (const { node } of trainingRuns.edges.toReversed()) take(node);
    draw();
  }

  /** Tells what is new; what comes late does not undo what is known. */
  function take(run: CliRunFragment): void {
    const before = known.get(run.id);
    if (before && before.lastSeq >= run.lastSeq) return;
    known.set(run.id, run);
    if (json) process.stdout.write(`${JSON.stringify(run)}\n`);
    else if (!out.live && !(before && sameLine(before, run))) out.print(runLine(run));
    else draw();
  }

  function draw(): void {
    if (!out.live || json) return;
    const list = [...known.values()]
      .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
      .slice(0, Math.min(first, Math.max(1, out.height() - 4)));
    const table = runsTable(list, { width: out.width(), style: out.style, now: new Date() });
    const note = connected
      ? out.style.dim(`live from ${url}, Ctrl-C ends`)
      : out.style.warn(`the connection to ${url} is lost, trying again …`);
    out.redraw([...table, '', note]);
  }

  function tellConnection(): void {
    if (out.live && !json) draw();
    else
      process.stderr.write(
        connected ? `Live from ${url}.\n` : `The connection to ${url} is lost, trying again …\n`,
      );
  }

  // Without a server at the beginning there is nothing to watch; one that goes away later comes back.
  await relist();
  const ended = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const timer = out.live && !json ? setInterval(draw, TICK) : undefined;
  const rereading = setInterval(() => void relist().catch(() => undefined), READ_ANYWAY);
  const resized = () => {
    process.stdout.write('\u{1B}[2J\u{1B}[H'); // What was drawn is wrapped anew, so its place is no longer known.
    draw();
  };
  if (out.live && !json) process.stdout.on('resize', resized);
  try {
    await Promise.race([
      ended,
      (async () => {
        for await (const { trainingRunsUpdated } of client.follow(RunsUpdated, {})) take(trainingRunsUpdated);
      })(),
    ]);
  } finally {
    clearInterval(timer);
    clearInterval(rereading);
    process.stdout.off('resize', resized);
    ending = true;
    await client.close();
  }
}

/** Whether both look the same as a line. */
function sameLine(a: CliRunFragment, b: CliRunFragment): boolean {
  return a.status === b.status && a.trainedTokens === b.trainedTokens && a.resultModelId === b.resultModelId;
}
