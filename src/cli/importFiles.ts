/** `tunesmith import`: files to the server, with what became of each. */
import { findSources, type CallFormat, type CallSource } from './callSources.ts';
import type { Target } from './credentials.ts';
import { CliError, NotServedError } from './failure.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { bar } from './terminalChart.ts';
import { counted, formatBytes, formatNumber, formatShare, pad, plain, shorten } from './terminalText.ts';
import { uploadCalls, uploadExamples, type Report } from './upload.ts';

export interface ImportOptions extends Target {
  format?: CallFormat;
  confidence?: number;
  callerLabel: string[];
  agentLabel: string[];
  createdAt?: string;
  examples?: string;
  autoValidate?: boolean;
  json?: boolean;
}

type Counts = Omit<Report, 'faults'>;
type Outcome = { file: string; report: Report } | { file: string; error: string };

const COUNTS = ['received', 'stored', 'updated', 'unchanged', 'rejected'] as const;
const COUNT_WIDTH = 9;
const FAULTS_A_FILE = 5;
const FAULTS_IN_ALL = 20;

/** Imports the files one after the other. Returns the exit code: 1 when one could not be imported, or a row of one was rejected. */
export async function importFiles(paths: readonly string[], options: ImportOptions): Promise<number> {
  checkUsage(options);
  const { sources, unusable } = await findSources(paths, options.format);
  requireJsonl(sources, options);
  const out = openTerminal(options.json ? process.stderr : process.stdout);
  const progress = openTerminal(process.stderr);
  const screen = createScreen(out, progress, [
    ...sources.map(({ name }) => name),
    ...unusable.map(({ name }) => name),
  ]);

  const outcomes: Outcome[] = [];
  for (const { name, reason } of unusable) outcomes.push({ file: name, error: reason });
  for (const source of sources) {
    const outcome = await importOne(source, options, progressBar(progress, source));
    outcomes.push(outcome);
    screen.outcome(outcome);
  }
  for (const outcome of outcomes.slice(0, unusable.length)) screen.outcome(outcome);
  const total = sum(outcomes);
  screen.total(total, outcomes.length);
  if (options.json) process.stdout.write(`${JSON.stringify({ ...total, files: outcomes.map(flat) })}\n`);
  return total.failed > 0 || total.rejected > 0 ? 1 : 0;
}

function checkUsage({
  examples,
  autoValidate,
  confidence,
  callerLabel,
  agentLabel,
  createdAt,
}: ImportOptions) {
  const forCalls =
    confidence !== undefined || callerLabel.length > 0 || agentLabel.length > 0 || createdAt !== undefined;
  if (examples !== undefined && forCalls) {
    throw new CliError(
      '--confidence, --caller-label, --agent-label and --created-at are for calls and do not go with --examples.',
      2,
    );
  }
  if (examples === undefined && autoValidate)
    throw new CliError('--auto-validate goes with --examples only.', 2);
}

function requireJsonl(sources: readonly CallSource[], { examples }: ImportOptions): void {
  const other = sources.find(({ format }) => format !== 'jsonl');
  if (examples === undefined || other === undefined) return;
  throw new CliError(`Examples are imported from .jsonl files; ${other.name} is ${other.format}.`, 2);
}

async function importOne(
  source: CallSource,
  options: ImportOptions,
  onProgress: (sent: number) => void,
): Promise<Outcome> {
  try {
    const upload = { url: options.url, apiKey: options.apiKey, onProgress };
    const report =
      options.examples === undefined
        ? await uploadCalls(
            source,
            { ...options, callerLabels: options.callerLabel, agentLabels: options.agentLabel },
            upload,
          )
        : await uploadExamples(source, options.examples, options.autoValidate === true, upload);
    return { file: source.name, report };
  } catch (error) {
    // Without a server there is nothing to say about any file.
    if (!(error instanceof CliError) || error instanceof NotServedError) throw error;
    return { file: source.name, error: error.message };
  }
}

/** A bar with share, bytes and rate, while someone is watching. */
function progressBar(terminal: Terminal, { name, bytes }: CallSource): (sent: number) => void {
  const { style } = terminal;
  const began = Date.now();
  return (sent) => {
    const seconds = (Date.now() - began) / 1000;
    const { done, left } = bar(bytes === 0 ? 1 : sent / bytes, 24);
    const rate = seconds > 0.2 ? `  ${formatBytes(sent / seconds)}/s` : '';
    const share = pad(formatShare(bytes === 0 ? 1 : sent / bytes), 4, 'right');
    const waiting = sent === bytes ? '  storing …' : '';
    terminal.status(
      `  ${shorten(plain(name), 30)}  ${style.accent(done)}${style.dim(left)} ${share}  ${formatBytes(sent)} of ${formatBytes(bytes)}${rate}${waiting}`,
      sent === bytes,
    );
  };
}

function createScreen(out: Terminal, progress: Terminal, names: readonly string[]) {
  const { style } = out;
  const room = out.width() - 4 - COUNTS.length * (COUNT_WIDTH + 1);
  const nameWidth = Math.max(12, Math.min(room, Math.max(...names.map((name) => plain(name).length), 4)));
  let faultsShown = 0;
  let titled = false;

  function row(name: string, counts: Counts, paint: (text: string) => string): string {
    const cells = COUNTS.map((key) => {
      const text = pad(formatNumber(counts[key]), COUNT_WIDTH, 'right');
      if (counts[key] === 0) return style.dim(text);
      if (key === 'rejected') return style.warn(text);
      return key === 'stored' ? style.good(text) : text;
    });
    return `  ${paint(pad(shorten(plain(name), nameWidth, 'middle'), nameWidth))} ${cells.join(' ')}`;
  }

  function printFaults(file: string, { faults, rejected }: Report): void {
    const shown = faults.slice(0, Math.min(FAULTS_A_FILE, FAULTS_IN_ALL - faultsShown));
    faultsShown += shown.length;
    for (const { line, field, reason } of shown) {
      out.print(
        `    ${style.warn(`${plain(file)}:${line}`)}  ${field === null ? '' : `${plain(field)}  `}${plain(reason)}`,
      );
    }
    if (rejected > shown.length)
      out.print(style.dim(`    … and ${formatNumber(rejected - shown.length)} more rejected`));
  }

  return {
    outcome(outcome: Outcome): void {
      progress.print();
      if (!titled) {
        const titles = COUNTS.map((title) => pad(title, COUNT_WIDTH, 'right')).join(' ');
        out.print(style.dim(`  ${pad('file', nameWidth)} ${titles}`));
        titled = true;
      }
      if ('error' in outcome) {
        out.print(`  ${style.bad(shorten(plain(outcome.file), nameWidth, 'middle'))}`);
        out.print(`    ${style.bad('not imported:')} ${plain(outcome.error)}`);
        return;
      }
      out.print(row(outcome.file, outcome.report, (text) => text));
      printFaults(outcome.file, outcome.report);
    },
    total(total: Counts & { failed: number }, files: number): void {
      if (files > 1) out.print(row(`${counted(files, 'file')} in all`, total, style.strong));
      if (total.failed > 0)
        out.print('', `  ${style.bad(`${counted(total.failed, 'file')} could not be imported.`)}`);
      else if (total.rejected > 0) {
        const rows = counted(total.rejected, 'row was', 'rows were');
        out.print('', `  ${style.warn(`${rows} rejected; everything else is in.`)}`);
      }
    },
  };
}

function sum(outcomes: readonly Outcome[]): Counts & { failed: number } {
  const total = { received: 0, stored: 0, updated: 0, unchanged: 0, rejected: 0, failed: 0 };
  for (const outcome of outcomes) {
    if ('error' in outcome) total.failed += 1;
    else for (const key of COUNTS) total[key] += outcome.report[key];
  }
  return total;
}

function flat(outcome: Outcome) {
  return 'error' in outcome ? outcome : { file: outcome.file, ...outcome.report };
}
