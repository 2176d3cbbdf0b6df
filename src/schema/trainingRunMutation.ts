import {
  BaseModelUnavailableError,
  BudgetExceededError,
  ExportTaintedError,
  InsufficientExamplesError,
  InvalidInputError,
  ModelNotReadyError,
  NotFoundError,
  PreflightFailedError,
  ProviderError,
  RequestKeyReusedError,
  RunNotCancellableError,
  RunNotInReviewError,
  SplitImpossibleError,
} from '../services/errors.ts';
import type { ChatAnswer } from '../services/providers/port.ts';
import type { Resolution } from '../services/runResolve.ts';
import { builder } from './builder.ts';
import { ChatRole } from './example.ts';
import { SplitInput } from './exportMutation.ts';
import { parseId, parseOptionalId } from './ids.ts';
import { TrainingRunNode } from './trainingRun.ts';

export const HyperparametersInput = builder.inputType('HyperparametersInput', {
  description: 'How to train. What is left out is left to the provider.',
  fields: (t) => ({
    nEpochs: t.int({ description: 'How often the whole file is learned, 1 to 50.' }),
    batchSize: t.int({ description: 'How many examples make one training step, 1 to 256.' }),
    learningRateMultiplier: t.float({ description: 'Scales the provider’s learning rate, more than 0.' }),
    beta: t.float({
      description:
        'For preference pairs: how strongly the model is held to what it was, more than 0 and up to 2.',
    }),
  }),
});

const LaunchTrainingRunInput = builder.inputType('LaunchTrainingRunInput', {
  description: 'What to train, on what, and how. Give either a `datasetId` or an `exportId`.',
  fields: (t) => ({
    datasetId: t.id({
      description:
        'The dataset whose validated examples are exported now, in OPENAI_CHAT_JSONL, and learned. For preference pairs, give the `exportId` of an export.',
    }),
    exportId: t.id({
      description:
        'An export made before, in OPENAI_CHAT_JSONL or OPENAI_DPO_JSONL, which is learned as it is.',
    }),
    split: t.field({
      type: SplitInput,
      description:
        'With a `datasetId`: sets examples aside for validation. A split that cannot be made is refused; of more than 250 examples, long ones, or those that are redacted, it may be found by the worker alone, and ends the run as FAILED.',
    }),
    provider: t.string({
      description: 'Who trains; `providers` lists them. The server’s default when left out.',
    }),
    baseModel: t.string({
      required: true,
      description: 'The model to tune; `baseModels` lists them. An undated name means the latest dated one.',
    }),
    hyperparameters: t.field({ type: HyperparametersInput, description: 'How to train.' }),
    suffix: t.string({
      description: 'What the tuned model’s name shall contain: 1 to 64 letters, digits, . _ or -.',
    }),
    seed: t.int({
      description: 'Makes the training repeatable where the provider supports it, 0 to 2147483647.',
    }),
    requestKey: t.string({
      description:
        'Any text of your own, 1 to 200 characters: launching again with the same key gives the same run and pays nothing twice.',
    }),
  }),
});

const ResolveTrainingRunInput = builder.inputType('ResolveTrainingRunInput', {
  description: 'What a person found at the provider. Give either `providerJobId` or `giveUp: true`.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the run.' }),
    providerJobId: t.string({
      description:
        'The id of the run’s job at the provider, by its metadata `tunesmith_run_id`: the run goes on with it.',
    }),
    giveUp: t.boolean({
      description: 'True: there is no job, and the run ends as FAILED. Should a job appear, it is cancelled.',
    }),
  }),
});

const AskMessageInput = builder.inputType('AskMessageInput', {
  description: 'One message of a conversation with a tuned model.',
  fields: (t) => ({
    role: t.field({ type: ChatRole, required: true, description: 'Who speaks: SYSTEM, USER or ASSISTANT.' }),
    content: t.string({ required: true, description: 'What is said; at most 200,000 characters.' }),
  }),
});

const AskModelInput = builder.inputType('AskModelInput', {
  description: 'A conversation for a tuned model to answer.',
  fields: (t) => ({
    trainingRunId: t.id({ required: true, description: 'The run that tuned the model.' }),
    messages: t.field({
      type: [AskMessageInput],
      required: true,
      description:
        'The conversation so far, 1 to 200 messages. The system prompt that the model was trained with goes first by itself unless you bring one.',
    }),
    maxTokens: t.int({ description: 'Stop the answer after this many tokens, 1 to 32,768.' }),
    temperature: t.float({ description: 'How freely to answer, 0 to 2.' }),
  }),
});

const ModelAnswer = builder.objectRef<ChatAnswer>('ModelAnswer').implement({
  description: 'What a tuned model answered.',
  fields: (t) => ({
    content: t.exposeString('content', { description: 'The answer.' }),
    model: t.exposeString('model', { description: 'The model that answered, by the provider’s name.' }),
    promptTokens: t.exposeInt('promptTokens', {
      nullable: true,
      description: 'How many tokens were asked, as the provider counted them.',
    }),
    completionTokens: t.exposeInt('completionTokens', {
      nullable: true,
      description: 'How many tokens were answered, as the provider counted them.',
    }),
  }),
});

builder.mutationFields((t) => ({
  launchTrainingRun: t.field({
    type: TrainingRunNode,
    authScopes: { role: 'ADMIN' },
    description:
      'Step 4: launches a training run. Answers at once with the run in PREPARING; follow it with `trainingRunUpdated`.',
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        ExportTaintedError,
        InsufficientExamplesError,
        BaseModelUnavailableError,
        SplitImpossibleError,
        PreflightFailedError,
        RequestKeyReusedError,
        BudgetExceededError,
      ],
    },
    args: { input: t.arg({ type: LaunchTrainingRunInput, required: true, description: 'What to train.' }) },
    resolve: (_root, { input: { datasetId, exportId, ...input } }, { services, viewer }) =>
      services.trainingRuns.launch(viewer, {
        ...input,
        datasetId: parseOptionalId('Dataset', datasetId, 'input.datasetId'),
        exportId: parseOptionalId('Export', exportId, 'input.exportId'),
      }),
  }),
  refreshTrainingRun: t.field({
    type: TrainingRunNode,
    authScopes: { role: 'EDITOR' },
    description: 'Asks the provider about a run now, rather than at the next poll.',
    errors: { types: [InvalidInputError, NotFoundError, ProviderError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the run.' }) },
    resolve: (_root, { id }, { services, viewer }) =>
      services.trainingRuns.refresh(viewer, parseId('TrainingRun', id)),
  }),
  cancelTrainingRun: t.field({
    type: TrainingRunNode,
    authScopes: { role: 'ADMIN' },
    description:
      'Cancels a run, here and at the provider. What it had trained until then may still be charged.',
    errors: { types: [InvalidInputError, NotFoundError, RunNotCancellableError, ProviderError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the run.' }) },
    resolve: (_root, { id }, { services, viewer }) =>
      services.trainingRuns.cancel(viewer, parseId('TrainingRun', id)),
  }),
  resolveTrainingRun: t.field({
    type: TrainingRunNode,
    authScopes: { role: 'ADMIN' },
    description:
      'Settles a run in NEEDS_REVIEW, where nobody but a person can tell whether the provider has a job for it.',
    errors: { types: [InvalidInputError, NotFoundError, RunNotInReviewError, ProviderError] },
    args: {
      input: t.arg({ type: ResolveTrainingRunInput, required: true, description: 'Which run, and how.' }),
    },
    resolve: (_root, { input }, { services, viewer }) =>
      services.trainingRuns.resolve(
        viewer,
        parseId('TrainingRun', input.id, 'input.id'),
        resolutionOf(input),
      ),
  }),
  askModel: t.field({
    type: ModelAnswer,
    authScopes: { role: 'EDITOR' },
    description: 'Step 6: asks the model that a run has tuned. The provider charges for it.',
    errors: { types: [InvalidInputError, NotFoundError, ModelNotReadyError, ProviderError] },
    args: {
      input: t.arg({ type: AskModelInput, required: true, description: 'Which model, and what to ask.' }),
    },
    resolve: (_root, { input: { trainingRunId, messages, ...rest } }, { services, viewer }) =>
      services.trainingRuns.ask(viewer, parseId('TrainingRun', trainingRunId, 'input.trainingRunId'), {
        ...rest,
        messages: messages.map(({ role, content }) => ({ role: speaking(role), content })),
      }),
  }),
}));

function resolutionOf({
  providerJobId,
  giveUp,
}: {
  providerJobId?: string | null | undefined;
  giveUp?: boolean | null | undefined;
}): Resolution {
  if (providerJobId != null && giveUp !== true) return { providerJobId };
  if (providerJobId == null && giveUp === true) return { giveUp };
  const message = 'give either the providerJobId of the run’s job, or giveUp: true';
  throw new InvalidInputError([{ field: 'input.providerJobId', message }]);
}

function speaking(role: 'system' | 'user' | 'assistant' | 'tool'): 'system' | 'user' | 'assistant' {
  if (role !== 'tool') return role;
  throw new InvalidInputError([
    { field: 'input.messages', message: 'may be of SYSTEM, USER and ASSISTANT, not of TOOL' },
  ]);
}
