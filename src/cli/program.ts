/** The commands and their options. What a command needs is loaded when it is called: help and errors come at once. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { packageRoot } from '../paths.ts';
import { addKeys, addTenants } from './accessCommands.ts';
import { CALL_FORMATS } from './callSources.ts';
import type { DemoOptions } from './demo.ts';
import { parseApiKey } from './credentials.ts';
import { CliError } from './failure.ts';
import type { DoctorOptions } from './doctor.ts';
import type { ImportOptions } from './importFiles.ts';
import { fraction, labels, positive, serverUrl, timestamp, wholeNumber } from './options.ts';
import type { ReportOptions } from './report.ts';
import type { RunsOptions } from './runs.ts';

const DEFAULT_URL = 'http://127.0.0.1:4000';

const urlOption = () =>
  new Option('--url <url>', 'the server’s address')
    .env('TUNESMITH_URL')
    .default(DEFAULT_URL)
    .argParser(serverUrl);

const apiKeyOption = () =>
  new Option(
    '--api-key <key>',
    'the key to sign in with; better given by the variable, which others do not see',
  )
    .env('TUNESMITH_API_KEY')
    .argParser(parseApiKey);

/** The whole command line. Wrong usage is thrown as commander's CommanderError. */
export function createProgram(): Command {
  const program = new Command('tunesmith')
    .description('Turns recorded conversations into fine-tuned language models.')
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ sortSubcommands: false })
    .showSuggestionAfterError()
    .showHelpAfterError('(--help tells what there is)')
    .exitOverride();
  addServerCommands(program);
  addKeys(program);
  addTenants(program);
  addDoctor(program);
  addImport(program);
  addRuns(program);
  addReport(program);
  addDemo(program);
  return program.addHelpText(
    'after',
    '\nIn the folder of the source, tunesmith is: npx tunesmith\nExit codes: 0 it worked, 1 it failed, 2 it was asked for wrongly.\nWith DEBUG=1 an unexpected error tells where it happened.\n\nExample:\n  $ tunesmith demo',
  );
}

function addServerCommands(program: Command): void {
  program
    .command('start')
    .description('start the server; it serves until Ctrl-C')
    .addHelpText(
      'after',
      `
It is set up by environment variables such as PORT, DATA_DIR, DATABASE_URL and OPENAI_API_KEY; a wrong
one is told with what it is for. Without DATABASE_URL the database is embedded in DATA_DIR (.data), and
without OPENAI_API_KEY training happens in the sandbox, which charges nothing.

Example:
  $ PORT=4100 DATA_DIR=~/tunesmith tunesmith start`,
    )
    .action(async () => (await import('./start.ts')).start());
  program
    .command('migrate')
    .description('bring the database to the newest state, and say what that took')
    .addHelpText(
      'after',
      `
The server does this by itself when it starts; do it before when its account may not change tables.

Example:
  $ DATABASE_URL=postgres://owner:secret@db/tunesmith tunesmith migrate`,
    )
    .action(async () => (await import('./start.ts')).migrate());
}

function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at everything that the server needs, and say how to mend what is wrong')
    .option('--json', 'print JSON')
    .option('--min-free <gigabytes>', 'how much should be free on the disk', positive, 1)
    .addHelpText(
      'after',
      `
It reads the same variables as "tunesmith start" and looks at the configuration, the data directory and its lock,
free disk, the database (version, roles, tenants kept apart, migrations), the store, Redis, the provider
and its key, the clocks and the port. It changes no data, costs nothing, and prints no secret.
Ends with 0 when the server can work, and with 1 when something must be mended first.

Example:
  $ DATABASE_URL=postgres://tunesmith:secret@db/tunesmith tunesmith doctor`,
    )
    .action(async (options: DoctorOptions) => {
      process.exitCode = await (await import('./doctor.ts')).doctor(options);
    });
}

function addImport(program: Command): void {
  program
    .command('import')
    .description('import calls from files and folders, or training examples with --examples')
    .argument('<files...>', '.jsonl, .ndjson, .csv or .vtt files, or folders that hold such')
    .addOption(
      new Option('--format <format>', 'the files’ format, whatever their names').choices(CALL_FORMATS),
    )
    .option('--confidence <0..1>', 'the confidence of calls that bring none', fraction)
    .option('--caller-label <label>', 'one more name for the calling side; repeatable', labels, [])
    .option('--agent-label <label>', 'one more name for your side; repeatable', labels, [])
    .option('--created-at <time>', 'when the calls began, for .vtt files', timestamp)
    .option('--examples <dataset>', 'import OpenAI chat JSONL into the dataset with this id instead')
    .option('--auto-validate', 'with --examples: they count as validated at once')
    .option('--json', 'print one JSON object at the end; the rest goes to standard error')
    .addOption(urlOption())
    .addOption(apiKeyOption())
    .addHelpText(
      'after',
      `
Files are streamed, so they may be of any size. A row that cannot be read is reported and stops nothing.
Ends with 0 when every row is in, and with 1 when a row was rejected or a file could not be imported.

Examples:
  $ tunesmith import calls.jsonl more-calls.csv
  $ tunesmith import transcripts/ --confidence 0.9 --agent-label Anna
  $ tunesmith import examples.jsonl --examples RGF0YXNldDo… --auto-validate`,
    )
    .action(async (files: string[], options: ImportOptions) => {
      process.exitCode = await (await import('./importFiles.ts')).importFiles(files, options);
    });
}

function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list training runs: status, model, tokens, cost, times')
    .option('-w, --watch', 'keep the list live until Ctrl-C')
    .option('-n, --first <count>', 'how many, the newest first', wholeNumber(1, 100), 20)
    .option('--json', 'print JSON; with --watch one line for each change')
    .addOption(urlOption())
    .addOption(apiKeyOption())
    .addHelpText('after', '\nExample:\n  $ tunesmith runs --watch')
    .action(async (options: RunsOptions) => (await import('./runs.ts')).runs(options));
}

function addReport(program: Command): void {
  program
    .command('report')
    .description('tell how a dataset is, and what to do next with it')
    .argument('<dataset>', 'its name, or its id')
    .option('--json', 'print JSON')
    .addOption(urlOption())
    .addOption(apiKeyOption())
    .addHelpText('after', '\nExample:\n  $ tunesmith report "Support calls"')
    .action(async (dataset: string, options: ReportOptions) =>
      (await import('./report.ts')).report(dataset, options),
    );
}

function addDemo(program: Command): void {
  program
    .command('demo')
    .description('go the whole way once, from calls to a tuned model, in the sandbox')
    .option('--calls <path>', 'the calls: a file or folder; a sample of 120 calls when left out')
    .option('--confidence <0..1>', 'the confidence of calls that bring none', fraction)
    .option('--max-examples <count>', 'collect at most this many examples', wholeNumber(1, 1_000_000), 500)
    .option('--min-confidence <0..1>', 'collect from calls that are at least this sure', fraction, 0.8)
    .addOption(
      new Option('--strategy <strategy>', 'how a call becomes examples')
        .choices(['PAIR', 'CONVERSATION'])
        .default('PAIR'),
    )
    .option('--speed <factor>', 'how much faster than life the sandbox works', positive, 1)
    .option('--data-dir <dir>', 'keep the demo’s data here; a folder that is removed when left out')
    .option('--keep', 'do not remove the folder')
    .option('--json', 'print one JSON object at the end; the rest goes to standard error')
    .addOption(
      new Option(
        '--url <url>',
        'use this server, which must offer the sandbox; one of its own when left out',
      ).argParser(serverUrl),
    )
    .addOption(apiKeyOption())
    .addHelpText(
      'after',
      `
The demo's own server always trains in the sandbox, also where OPENAI_API_KEY is set: it never costs money.

Examples:
  $ tunesmith demo
  $ tunesmith demo --calls calls.jsonl --max-examples 100000`,
    )
    .action(async (options: DemoOptions) => {
      if (options.url !== undefined && (options.dataDir !== undefined || options.keep || options.speed !== 1))
        throw new CliError(
          '--data-dir, --keep and --speed are for the demo’s own server and do not go with --url.',
          2,
        );
      process.exitCode = await (await import('./demo.ts')).demo(options);
    });
}

function version(): string {
  const text = readFileSync(new URL('package.json', packageRoot), 'utf8');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
