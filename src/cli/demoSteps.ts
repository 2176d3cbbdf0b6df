/** The demo's steps from stored calls to an export. */
import { createHash } from 'node:crypto';
import { request, succeeded, type Client } from './client.ts';
import {
  CollectExamples,
  CreateDataset,
  DatasetCounts,
  ExportDataset,
  FindExamples,
  ValidateExamples,
} from './demoDocuments.ts';
import type { DemoScreen } from './demoScreen.ts';
import { CliError } from './failure.ts';
import { counted, formatBytes, formatNumber } from './terminalText.ts';

export interface DemoContext {
  client: Client;
  screen: DemoScreen;
  signal: AbortSignal;
  /** In every name that must be new. */
  runKey: string;
}

export interface StepOptions {
  calls?: string;
  confidence?: number;
  maxExamples: number;
  minConfidence: number;
  strategy: 'PAIR' | 'CONVERSATION';
}

const SYSTEM_PROMPT =
  'You are a friendly and helpful agent on the telephone. Answer briefly and to the point.';

const SKIPPED: Record<string, string> = {
  NOT_COMPLETED: 'not answered or cut off',
  NO_CONFIDENCE: 'without a confidence',
  LOW_CONFIDENCE: 'understood too badly',
  ONE_SIDED: 'in which only one side spoke',
};

/** Step 2. Returns the dataset's id. */
export async function createDataset({ client, screen, runKey }: DemoContext): Promise<string> {
  screen.step(
    'Create a dataset',
    'mutation createDataset',
    'One purpose, one dataset; its system prompt begins every example.',
  );
  const input = { name: `Telephone agent ${runKey}`, systemPrompt: SYSTEM_PROMPT };
  const dataset = succeeded((await client.run(CreateDataset, { input })).createDataset);
  screen.done(dataset.name);
  return dataset.id;
}

/** Step 3. */
export async function collectExamples(
  { client, screen }: DemoContext,
  datasetId: string,
  options: StepOptions,
) {
  const { maxExamples, minConfidence, strategy } = options;
  screen.step(
    'Collect examples',
    'mutation collectExamples',
    strategy === 'PAIR'
      ? `What a caller said and the answer to it, from calls understood with a confidence of at least ${minConfidence}.`
      : `Whole conversations, from calls understood with a confidence of at least ${minConfidence}.`,
  );
  screen.waiting('collecting …');
  const input = { datasetId, maxExamples, minConfidence, strategy, autoValidate: false };
  const { added, alreadyThere, considered, skipped } = succeeded(
    (await client.run(CollectExamples, { input })).collectExamples,
  );
  const repeated = alreadyThere > 0 ? `, ${formatNumber(alreadyThere)} repeated ones left out` : '';
  screen.done(`${counted(added, 'example')} from ${counted(considered, 'call')}${repeated}`);
  const reasons = skipped
    .filter(({ reason }) => SKIPPED[reason] !== undefined)
    .map(({ reason, count }) => `${formatNumber(count)} ${SKIPPED[reason] ?? ''}`);
  if (reasons.length > 0) screen.note(`calls skipped: ${reasons.join(', ')}`);
  const tooShort = skipped.find(({ reason }) => reason === 'TOO_SHORT');
  if (tooShort) screen.note(`examples skipped: ${formatNumber(tooShort.count)} too short to learn from`);
  const unsure = skipped.find(({ reason }) => reason === 'LOW_TURN_CONFIDENCE');
  if (unsure)
    screen.note(`examples skipped: ${formatNumber(unsure.count)} with an answer not well understood`);
  if (added === 0) throw new CliError(whyNone(skipped, options));
  return { added, considered };
}

/** Every reason, the one that took the most first, and what can be done about it. */
function whyNone(
  skipped: readonly { reason: string; count: number }[],
  { minConfidence, confidence }: StepOptions,
): string {
  const told: Record<string, (count: number) => string> = {
    TOO_SHORT: (count) => counted(count, 'exchange is', 'exchanges are') + ' too short to learn from',
    LOW_TURN_CONFIDENCE: (count) =>
      counted(count, 'example has', 'examples have') + ' no answer that was well understood',
    ONE_SIDED: (count) => `in ${counted(count, 'call')} only one side spoke`,
    LOW_CONFIDENCE: (count) => `${counted(count, 'call')} below a confidence of ${minConfidence}`,
    NO_CONFIDENCE: (count) => `${counted(count, 'call')} without a confidence`,
    NOT_COMPLETED: (count) => `${counted(count, 'call')} not answered or cut off`,
  };
  const reasons = skipped
    .toSorted((a, b) => b.count - a.count)
    .flatMap(({ reason, count }) => told[reason]?.(count) ?? []);
  const has = (reason: string) => skipped.some((each) => each.reason === reason);
  const advice = [
    has('NO_CONFIDENCE') && confidence === undefined
      ? ' Say how well they were understood, for example with --confidence 0.9.'
      : '',
    has('LOW_CONFIDENCE') || has('LOW_TURN_CONFIDENCE') ? ' Ask for less with --min-confidence.' : '',
  ].join('');
  return `No example was collected: ${reasons.length === 0 ? 'there are no calls' : reasons.join(', ')}.${advice}`;
}

/** Step 4. Returns how many examples of the dataset are validated. */
export async function review(
  { client, screen }: DemoContext,
  datasetId: string,
  { minConfidence }: StepOptions,
): Promise<number> {
  screen.step(
    'Review',
    'query examples · mutation validateExamples',
    'Only validated examples are learned. The least sure ones are worth a look first:',
  );
  const open = { validated: false, rejected: false };
  const { examples } = await client.run(FindExamples, {
    datasetId,
    filter: open,
    direction: 'ASC',
    first: 2,
  });
  for (const { node } of examples.edges) {
    screen.quote(`${node.qualityScore?.toFixed(2) ?? '   –'} caller`, node.userMessage);
    screen.quote('     agent', node.assistantResponse);
  }
  // Scores are kept with two decimals; whatever was sure enough to be collected is so after rounding, too.
  const minQualityScore = Math.round(minConfidence * 100) / 100;
  const input = { datasetId, filter: { ...open, minQualityScore } };
  const { matched } = succeeded((await client.run(ValidateExamples, { input })).validateExamples);
  screen.done(
    `${counted(matched, 'example')} validated in one operation: all with a quality of ${minQualityScore} or more`,
  );
  const { dataset } = await client.run(DatasetCounts, { id: datasetId });
  return dataset?.validatedCount ?? 0;
}

/** Step 6. Downloads the export too, and throws CliError when its checksum does not fit. */
export async function exportDataset({ client, screen, signal }: DemoContext, datasetId: string) {
  screen.step(
    'Export',
    'mutation exportDataset',
    'The validated examples, frozen as a file in OpenAI’s chat format: the same examples give the same bytes.',
  );
  screen.waiting('exporting …');
  const made = succeeded((await client.run(ExportDataset, { input: { datasetId } })).exportDataset);
  const { bytes, sha256 } = await download(made.downloadUrl, made.bytes, signal, (share) =>
    screen.progress(share, 'downloading'),
  );
  if (bytes !== made.bytes || sha256 !== made.sha256)
    throw new CliError(
      `The downloaded export is not what was exported: its SHA-256 is ${sha256}, not ${made.sha256}.`,
    );
  screen.done(`${counted(made.exampleCount, 'example')}, ${formatBytes(bytes)}, downloaded and checked`);
  screen.note(`SHA-256 ${sha256}`);
  await showSplit({ client, screen }, datasetId);
  return { id: made.id, bytes, sha256 };
}

/** What the same examples look like when some are kept back. The demo trains on all of them. */
async function showSplit({ client, screen }: Pick<DemoContext, 'client' | 'screen'>, datasetId: string) {
  const input = { datasetId, split: { validationShare: 0.1, seed: 1, groupBy: 'PHONE_NUMBER' as const } };
  const { exportDataset: made } = await client.run(ExportDataset, { input });
  screen.note(
    'exampleCount' in made
      ? `with split: ${formatNumber(made.exampleCount)} to train on, ${formatNumber(made.validationExampleCount)} to check with, no caller on both sides`
      : `no split: ${made.message}`,
  );
}

async function download(
  url: string,
  expected: number,
  signal: AbortSignal,
  onProgress: (share: number) => void,
) {
  const target = new URL(url);
  const response = await request(target.origin, { signal }, `${target.pathname}${target.search}`);
  if (!response.ok || response.body === null)
    throw new CliError(`The export cannot be downloaded: the server answers ${response.status}.`);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of response.body) {
    hash.update(chunk);
    bytes += chunk.length;
    onProgress(bytes / Math.max(1, expected));
  }
  return { bytes, sha256: hash.digest('hex') };
}
