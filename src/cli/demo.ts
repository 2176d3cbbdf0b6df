/** `tunesmith demo`: the whole way once, from calls to a tuned model, against a server of its own or another. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from './client.ts';
import type { Target } from './credentials.ts';
import { Providers } from './demoDocuments.ts';
import { check } from './demoChecks.ts';
import { importCalls } from './demoImport.ts';
import { createDemoScreen, type DemoScreen } from './demoScreen.ts';
import {
  collectExamples,
  createDataset,
  exportDataset,
  review,
  type DemoContext,
  type StepOptions,
} from './demoSteps.ts';
import { ask, follow, launch, PROVIDER } from './demoTraining.ts';
import { CliError, explainServerFailure, InterruptedError } from './failure.ts';
import { openTerminal } from './terminal.ts';
import { formatDuration, pad } from './terminalText.ts';

export interface DemoOptions extends StepOptions {
  speed: number;
  dataDir?: string;
  keep?: boolean;
  url?: string;
  /** Signs in at the other server. */
  apiKey?: string;
  json?: boolean;
}

interface DemoServer extends Target {
  close(): Promise<void>;
}

/** Returns the exit code: 0 only when the model is there and the export is what was exported. */
export async function demo(options: DemoOptions): Promise<number> {
  const began = Date.now();
  const screen = createDemoScreen(openTerminal(options.json ? process.stderr : process.stdout));
  const interruption = onInterrupt();
  let server: DemoServer | undefined;
  try {
    screen.title('Tunesmith – from phone calls to a tuned model', about(options));
    server =
      options.url === undefined
        ? await startOwn(options, screen, interruption.signal)
        : await useOther({ url: options.url, apiKey: options.apiKey }, screen);
    const { datasetId, ...result } = await interruption.unless(
      walk(server, options, screen, interruption.signal),
    );
    farewell(
      screen,
      options,
      { succeeded: result.run.status === 'SUCCEEDED', datasetId },
      Date.now() - began,
    );
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    return result.run.status === 'SUCCEEDED' ? 0 : 1;
  } finally {
    screen.terminal.print();
    await server?.close();
    interruption.stop();
  }
}

function about({ url, dataDir }: DemoOptions): string {
  if (url !== undefined)
    return `Against the server at ${url}, in its sandbox: a toy model is trained, and nothing is charged.`;
  const ignored = process.env['OPENAI_API_KEY'] ? ' OPENAI_API_KEY is not used here.' : '';
  const where = dataDir === undefined ? '' : ` The data stays in ${dataDir}.`;
  return `In the sandbox: a toy model is trained on this machine, and nothing is charged.${ignored}${where}`;
}

/** All steps, one after the other. */
async function walk(server: Target, options: DemoOptions, screen: DemoScreen, signal: AbortSignal) {
  const client = createClient({ url: server.url, apiKey: server.apiKey, signal });
  const context: DemoContext = { client, screen, signal, runKey: newKey() };
  try {
    const calls = await importCalls(context, options);
    const datasetId = await createDataset(context);
    const { added: examples, considered } = await collectExamples(context, datasetId, options);
    const validated = await review(context, datasetId, options);
    await check(context, datasetId);
    const { id: exportId, sha256, bytes } = await exportDataset(context, datasetId);
    const runId = await launch(context, exportId);
    const run = await follow(context, runId);
    if (run.status === 'SUCCEEDED') await ask(context, runId, datasetId);
    else
      screen.note(
        `The run ended as ${run.status}: ${run.errorMessage ?? 'nobody said why'}`,
        screen.terminal.style.bad,
      );
    const { id, status, resultModelId: model, trainedTokens, trainingCostUsd: costUsd } = run;
    return {
      datasetId,
      calls,
      considered,
      examples,
      validated,
      exportId,
      sha256,
      bytes,
      run: { id, status, model, trainedTokens, costUsd },
    };
  } finally {
    await client.close();
  }
}

/** The time to the second, and something that no other demo of that second has. */
function newKey(): string {
  return `${new Date().toISOString().slice(0, 19).replace('T', ' ')} ${randomBytes(2).toString('hex')}`;
}

/** Names nothing that has gone with the demo's own server. */
function farewell(
  screen: DemoScreen,
  { url }: DemoOptions,
  { succeeded, datasetId }: { succeeded: boolean; datasetId: string },
  ms: number,
): void {
  const { style } = screen.terminal;
  const took = `in ${formatDuration(ms)}`;
  screen.line();
  if (!succeeded) {
    screen.line(style.bad(`The training did not succeed (${took}).`));
    return;
  }
  screen.line(`${style.good('Done')} ${took}. ${style.strong('What next')}`);
  const next: [string, string][] = [['README.md', 'how to import your own calls, and train for real']];
  if (url === undefined) {
    next.unshift(
      ['npm start', 'a server of your own, with these steps as tabs'],
      ['http://127.0.0.1:4000/graphql', 'in GraphiQL, once it runs'],
      [
        'npx tunesmith report "Support agent"',
        'how the dataset of those tabs is, and what to do next with it',
      ],
    );
  } else {
    next.unshift(
      [`${url}/graphql`, 'the same steps by hand, in GraphiQL'],
      [`npx tunesmith runs --url ${url}`, 'this run among the others'],
      [`npx tunesmith report ${datasetId} --url ${url}`, 'how the dataset is, and what to do next with it'],
    );
  }
  const width = Math.max(...next.map(([what]) => what.length));
  for (const [what, why] of next) screen.line(`  ${style.accent(pad(what, width))}   ${why}`);
}

/** A server of the demo's own: always the sandbox, always embedded, never the person's own data. */
async function startOwn(
  { dataDir, keep, speed }: DemoOptions,
  screen: DemoScreen,
  signal: AbortSignal,
): Promise<DemoServer> {
  screen.waiting('starting a server …');
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'tunesmith-demo-')));
  const removed = dataDir === undefined && !keep;
  const remove = async () => {
    if (removed) await rm(directory, { recursive: true, force: true });
  };
  const [{ startServer }, { readConfig }, { createServerLogger }] = await Promise.all([
    import('../main.ts'),
    import('../config.ts'),
    import('../log.ts'),
  ]);
  // The environment of the person is left aside: no key that costs money, no database that holds other data.
  const config = readConfig({
    PORT: '0',
    LOG_LEVEL: 'error',
    DATA_DIR: directory,
    SANDBOX_SPEED: String(speed),
  });
  const log = createServerLogger(config);
  // What is broken off in the middle fails, and nobody wants to read how.
  signal.addEventListener('abort', () => (log.level = 'silent'), { once: true });
  try {
    const server = await startServer(config, log);
    if (dataDir === undefined && keep) screen.note(`The data stays in ${directory}`);
    return {
      url: server.url,
      async close() {
        await server.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw explainServerFailure(error, config) ?? error;
  }
}

/** Another server, as long as it trains where nothing is charged. */
async function useOther(target: Target, screen: DemoScreen): Promise<DemoServer> {
  const { url } = target;
  screen.waiting(`asking ${url} …`);
  const client = createClient(target);
  const { providers } = await client.run(Providers, {});
  if (providers.some(({ name }) => name === PROVIDER)) return { ...target, close: async () => undefined };
  const names = providers.map(({ name }) => name).join(', ');
  throw new CliError(
    `The server at ${url} trains with ${names}, which charges. The demo trains in the sandbox only: start the server without OPENAI_API_KEY, or leave --url out.`,
  );
}

/** Ctrl-C ends the steps, so that what was started is closed and removed; a second one ends the process at once. */
function onInterrupt() {
  const controller = new AbortController();
  const { signal } = controller;
  const heard = (name: NodeJS.Signals) => {
    const error = new InterruptedError(name);
    if (signal.aborted) process.exit(error.exitCode);
    controller.abort(error);
  };
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, heard);
  return {
    signal,
    /** The work's outcome, or the interruption, whichever comes first. */
    async unless<Result>(work: Promise<Result>): Promise<Result> {
      work.catch(() => undefined); // What it comes to after the interruption does not matter.
      try {
        return await Promise.race([work, interrupted(signal)]);
      } catch (error) {
        // A broken-off step may fail in its own way, and first.
        throw signal.aborted && signal.reason instanceof Error ? signal.reason : error;
      }
    },
    stop: () => {
      for (const name of names) process.off(name, heard);
    },
  };
}

function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = () => reject(signal.reason instanceof Error ? signal.reason : new Error('Interrupted'));
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
}
