/** The demo's first step: calls come in. */
import { findSources, type CallSource } from './callSources.ts';
import type { DemoContext, StepOptions } from './demoSteps.ts';
import { CliError } from './failure.ts';
import { sampleCalls } from './sampleCalls.ts';
import { counted, formatBytes, formatNumber } from './terminalText.ts';
import { uploadCalls } from './upload.ts';

/** Step 1. Returns how many calls are on the server through this import. */
export async function importCalls(
  { client, screen, signal }: DemoContext,
  options: StepOptions,
): Promise<number> {
  screen.step(
    'Import calls',
    'POST /import/call-transcriptions',
    'Transcriptions come in as JSON lines, CSV or WebVTT, streamed. What was there before is not doubled.',
  );
  const sources = options.calls === undefined ? [sampleSource()] : await sourcesAt(options.calls);
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  const counts = { received: 0, stored: 0, updated: 0, unchanged: 0, rejected: 0 };
  const faults: string[] = [];
  let before = 0;
  for (const source of sources) {
    const report = await uploadCalls(
      source,
      { confidence: options.confidence },
      {
        ...client.target,
        signal,
        onProgress: (sent) =>
          screen.progress(
            total === 0 ? 1 : (before + sent) / total,
            `${formatBytes(before + sent)} of ${formatBytes(total)}`,
          ),
      },
    ).catch((error: unknown) => {
      throw error instanceof CliError && sources.length > 1
        ? new CliError(`${source.name}: ${error.message}`)
        : error;
    });
    before += source.bytes;
    counts.received += report.received;
    counts.stored += report.stored;
    counts.updated += report.updated;
    counts.unchanged += report.unchanged;
    counts.rejected += report.rejected;
    for (const { line, field, reason } of report.faults) {
      faults.push(`${source.name}:${line}  ${field === null ? '' : `${field} `}${reason}`);
    }
  }
  const from =
    options.calls === undefined
      ? 'a sample that Tunesmith made up'
      : `${counted(sources.length, 'file')}, ${formatBytes(total)}`;
  screen.done(`${counted(counts.received, 'call')} from ${from}: ${inWords(counts)}`);
  for (const fault of faults.slice(0, 3)) screen.note(fault, screen.terminal.style.warn);
  if (faults.length > 3) screen.note(`… and ${formatNumber(counts.rejected - 3)} more rejected`);
  return counts.received - counts.rejected;
}

function inWords({
  stored,
  updated,
  unchanged,
  rejected,
}: Record<'stored' | 'updated' | 'unchanged' | 'rejected', number>) {
  const parts = Object.entries({ stored, updated, unchanged, rejected }).filter(([, count]) => count > 0);
  return parts.length === 0
    ? 'none'
    : parts.map(([what, count]) => `${formatNumber(count)} ${what}`).join(', ');
}

async function sourcesAt(path: string): Promise<CallSource[]> {
  const { sources, unusable } = await findSources([path]);
  const [first] = unusable;
  if (first) throw new CliError(`${first.name} ${first.reason}.`);
  return sources;
}

function sampleSource(): CallSource {
  const content = Buffer.from(
    sampleCalls()
      .map((call) => `${JSON.stringify(call)}\n`)
      .join(''),
  );
  return { name: 'the sample', path: '', format: 'jsonl', bytes: content.length, content };
}
