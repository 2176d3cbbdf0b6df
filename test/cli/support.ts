/** The built program as a child process, and a server for it to speak to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/config.ts';
import { graphql } from '../../src/generated/gql/index.ts';
import { startServer } from '../../src/main.ts';
import { createClient, type TestClient } from '../support/client.ts';
import { keepLog } from '../support/logArchive.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The data that the project shares; it lies beside the repository. */
export const sharedData = (path: string) => join(repository, '../shared/data', path);

type Environment = Record<string, string>;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  process: ChildProcess;
  /** Resolves when what was printed so far, on both streams, fits the pattern; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<void>;
  ended: Promise<Ended>;
}

/**
 * Spares the WebAssembly of the embedded database and of Prisma the optimizing compiler: a command that lives for a
 * second ends before that pays.
 */
const SHORT_LIVED = '--liftoff-only';

/** Starts `tunesmith` with none of this process's own settings. */
export function startCli(args: readonly string[], env: Environment = {}): RunningCli {
  return startNode([SHORT_LIVED, join(repository, 'dist/cli.js'), ...args], env);
}

/** Starts Node on a program of the repository. */
export function startNode(args: readonly string[], env: Environment = {}): RunningCli {
  const child = spawn(process.execPath, args, {
    cwd: repository,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      // Where it logs, and tells of failures: searched for secrets when the run of the tests is over.
      if (stderr !== '') keepLog(`${stderr.trimEnd()}\n`);
      resolve({ code, stdout, stderr });
    });
  });
  return {
    process: child,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const watcher = () => {
          if (!pattern.test(stdout + stderr)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
        void ended.then(() => reject(new Error(`It ended without printing ${pattern}:\n${stdout}${stderr}`)));
      }),
  };
}

/** Runs `tunesmith` to its end. */
export function runCli(args: readonly string[], env: Environment = {}): Promise<Ended> {
  return startCli(args, env).ended;
}

/** A directory that the test removes. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'tunesmith-cli-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface CliServer {
  url: string;
  client: TestClient;
  close(): Promise<void>;
}

/** The server as `tunesmith start` runs it, without waits in the sandbox. Close it. */
export async function startCliServer(env: Environment = {}): Promise<CliServer> {
  const directory = temporaryDirectory();
  const config = readConfig({
    PORT: '0',
    DATA_DIR: directory.path,
    SANDBOX_SPEED: '1000',
    LOG_LEVEL: 'fatal',
    ...env,
  });
  const server = await startServer(config);
  return {
    url: server.url,
    client: createClient(server.url, {}, ''),
    async close() {
      await server.close();
      directory.remove();
    },
  };
}

/** The last line of standard output, as the JSON that programs read. */
export function lastJson(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

const CreateDataset = graphql(`
  mutation CliTestCreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      ... on Dataset {
        id
      }
    }
  }
`);

const AddExamples = graphql(`
  mutation CliTestAddExamples($input: AddExamplesInput!) {
    addExamples(input: $input) {
      __typename
    }
  }
`);

const Launch = graphql(`
  mutation CliTestLaunch($input: LaunchTrainingRunInput!) {
    launchTrainingRun(input: $input) {
      ... on TrainingRun {
        id
      }
    }
  }
`);

export async function newDataset(client: TestClient, name: string): Promise<string> {
  const { createDataset } = await client.run(CreateDataset, { input: { name } });
  if (!('id' in createDataset)) throw new Error(`The dataset ${name} could not be created`);
  return createDataset.id;
}

/** A run on a dataset of that name with twelve examples. Returns its id; it is not waited for. */
export async function launchRun(client: TestClient, name: string): Promise<string> {
  const datasetId = await newDataset(client, name);
  const examples = Array.from({ length: 12 }, (_, index) => ({
    messages: [
      { role: 'USER' as const, content: `What does number ${index} cost?` },
      { role: 'ASSISTANT' as const, content: `Number ${index} costs ${index * 3} dollars.` },
    ],
  }));
  await client.run(AddExamples, { input: { datasetId, examples, autoValidate: true } });
  const input = { datasetId, baseModel: 'sandbox-small', hyperparameters: { nEpochs: 3 } };
  const { launchTrainingRun } = await client.run(Launch, { input });
  if (!('id' in launchTrainingRun)) throw new Error('The run could not be launched');
  return launchTrainingRun.id;
}
