/** The demo's steps from an export to an answer of the tuned model. */
import { succeeded } from './client.ts';
import {
  AskModel,
  FindExamples,
  LaunchTrainingRun,
  RunEvents,
  RunResult,
  RunUpdated,
} from './demoDocuments.ts';
import type { DemoContext } from './demoSteps.ts';
import { CliError } from './failure.ts';
import { curve } from './terminalChart.ts';
import { counted, formatNumber, formatUsd } from './terminalText.ts';
import type { CliRunResultQuery, TrainingRunStatus } from '../generated/gql/graphql.ts';

/** The demo never launches anywhere else, whatever the server's default is. */
export const PROVIDER = 'sandbox';
export const BASE_MODEL = 'sandbox-small';
export const EPOCHS = 3;

const MEANING: Partial<Record<TrainingRunStatus, string>> = {
  PREPARING: 'the file is uploaded',
  VALIDATING_FILES: 'the provider checks the file',
  QUEUED: 'waiting for room',
  RUNNING: 'the model learns',
};

export type RunResultData = NonNullable<CliRunResultQuery['trainingRun']>;

/** Step 7. Returns the run's id. */
export async function launch({ client, screen, runKey }: DemoContext, exportId: string): Promise<string> {
  screen.step(
    'Launch a training run',
    'mutation launchTrainingRun',
    'Answers at once; the work is done behind. The same requestKey never launches, or pays, a second run.',
  );
  const input = {
    exportId,
    provider: PROVIDER,
    baseModel: BASE_MODEL,
    hyperparameters: { nEpochs: EPOCHS },
    suffix: 'demo',
    requestKey: `demo-${runKey}`,
  };
  const run = succeeded((await client.run(LaunchTrainingRun, { input })).launchTrainingRun);
  screen.done(`${run.baseModel} on ${run.provider}, ${EPOCHS} epochs, accepted as ${run.status}`);
  for (const { message } of run.warnings) screen.note(message, screen.terminal.style.warn);
  return run.id;
}

/** Step 8. Resolves when the run is final. Throws CliError when it is so without a model. */
export async function follow(context: DemoContext, id: string): Promise<RunResultData> {
  const { client, screen } = context;
  screen.step(
    'Follow it live',
    'subscription trainingRunUpdated · trainingRunEvents',
    'Every change is pushed over WebSocket; nobody polls.',
  );
  // Both at once over one connection; each ends by itself when the run is final.
  await Promise.all([followStatus(context, id), followProgress(context, id)]);
  const { trainingRun: run } = await client.run(RunResult, { id });
  if (!run) throw new CliError('The run is gone.');
  if (run.status !== 'SUCCEEDED') return run;
  const { style } = screen.terminal;
  const points = run.metrics.flatMap(({ step, trainLoss }) =>
    step == null || trainLoss == null ? [] : [{ x: step, y: trainLoss }],
  );
  const width = Math.max(20, Math.min(60, screen.terminal.width() - 20));
  screen.line();
  screen.draw(
    curve(points, { width, height: 10, xLabel: 'training step', yLabel: 'loss', paint: style.accent }),
  );
  screen.line();
  const [first, last] = [points[0], points.at(-1)];
  if (first && last)
    screen.done(
      `${run.status}: the loss fell from ${first.y.toFixed(2)} to ${last.y.toFixed(2)} over ${formatNumber(last.x)} steps`,
    );
  screen.done(`model ${run.resultModelId ?? '–'}`);
  screen.done(
    `${counted(run.trainedTokens ?? 0, 'token')} trained, at a list price of ${formatUsd(run.trainingCostUsd ?? 0)} – sandbox: nothing is charged`,
  );
  return run;
}

async function followStatus({ client, screen }: DemoContext, id: string): Promise<void> {
  let before: TrainingRunStatus | null = null;
  let lastSeq = 0;
  for await (const { trainingRunUpdated: run } of client.follow(RunUpdated, { id })) {
    // After a break the subscription begins anew, with a state that may be known.
    if (run.lastSeq < lastSeq || run.status === before) continue;
    lastSeq = run.lastSeq;
    before = run.status;
    const meaning = MEANING[run.status];
    // The final one is told with what it has brought, after the last of the progress.
    if (meaning !== undefined) screen.note(`${run.status} – ${meaning}`);
  }
}

async function followProgress({ client, screen }: DemoContext, id: string): Promise<void> {
  let quarter = 0;
  for await (const { trainingRunEvents: event } of client.follow(RunEvents, { id })) {
    const { step, totalSteps, trainLoss } = event.metrics ?? {};
    if (step == null || totalSteps == null || totalSteps === 0) continue;
    const text = `step ${formatNumber(step)} of ${formatNumber(totalSteps)}${trainLoss == null ? '' : `, loss ${trainLoss.toFixed(2)}`}`;
    screen.progress(step / totalSteps, text);
    // Where nothing moves, four lines tell as much.
    const reached = Math.floor((step / totalSteps) * 4);
    if (!screen.terminal.live && reached > quarter) screen.note(text);
    quarter = Math.max(quarter, reached);
  }
}

/** Step 9. */
export async function ask({ client, screen }: DemoContext, runId: string, datasetId: string): Promise<void> {
  screen.step(
    'Ask the tuned model',
    'mutation askModel',
    'A caller’s own words go in, with the dataset’s system prompt before them.',
  );
  const filter = { validated: true };
  const { examples } = await client.run(FindExamples, { datasetId, filter, direction: 'DESC', first: 100 });
  const questions = examples.edges.map(({ node }) => node.userMessage);
  const question =
    questions.find((text) => text.endsWith('?') && text.length >= 40 && text.length <= 160) ?? questions[0];
  if (question === undefined) return;
  screen.waiting('asking …');
  const messages = [{ role: 'USER' as const, content: question }];
  const answer = succeeded(
    (await client.run(AskModel, { input: { trainingRunId: runId, messages } })).askModel,
  );
  screen.quote('caller', question);
  screen.quote('model', answer.content);
}
