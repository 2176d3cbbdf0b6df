import {
  DuplicateExampleError,
  ExampleHeldError,
  InvalidInputError,
  NotFoundError,
} from '../services/errors.ts';
import type { Judgement, Selection } from '../services/example.ts';
import type { Insertion } from '../services/exampleWriter.ts';
import { builder } from './builder.ts';
import { ChatRole, ExampleNode } from './example.ts';
import { ExampleFilter } from './exampleList.ts';
import { parseId } from './ids.ts';

const ToolCallInput = builder.inputType('ToolCallInput', {
  description: 'The model calls a tool.',
  fields: (t) => ({
    id: t.string({ required: true, description: 'The id under which the tool’s message answers.' }),
    name: t.string({ required: true, description: 'The tool’s name, 1 to 64 letters, digits, _ or -.' }),
    arguments: t.string({ required: true, description: 'What it is called with: JSON, as text.' }),
  }),
});

const ChatMessageInput = builder.inputType('ChatMessageInput', {
  description: 'One message of a training conversation.',
  fields: (t) => ({
    role: t.field({ type: ChatRole, required: true, description: 'Who speaks.' }),
    content: t.string({
      description:
        'What is said; an empty text is refused, as the provider does. Only an assistant that calls tools, and a tool, may say nothing.',
    }),
    name: t.string({ description: 'A name that tells speakers of one role apart, 1 to 64 characters.' }),
    weight: t.int({
      description: 'For the assistant: 0 when the model shall not learn this message, 1 when it shall.',
    }),
    toolCalls: t.field({ type: [ToolCallInput], description: 'The tools that the assistant calls.' }),
    toolCallId: t.string({
      description: 'Which call a tool’s message answers: the id of one that the assistant made before.',
    }),
  }),
});

const ExampleInput = builder.inputType('ExampleInput', {
  description: 'A training conversation. It ends with the assistant’s answer, the one the model shall learn.',
  fields: (t) => ({
    messages: t.field({
      type: [ChatMessageInput],
      required: true,
      description:
        'The conversation, up to 2,000 messages. A system message stands first and replaces the dataset’s system prompt.',
    }),
    tools: t.field({
      type: 'JSON',
      description: 'The tools that the model may call, a list in OpenAI’s format, up to 128.',
    }),
    parallelToolCalls: t.boolean({ description: 'Whether the model may call several tools at once.' }),
    qualityScore: t.float({ description: 'How good the example is, 0 to 1.' }),
  }),
});

/** As a line of a training file, which is what the service reads. */
function fileMessage({
  role,
  content,
  name,
  weight,
  toolCalls,
  toolCallId,
}: typeof ChatMessageInput.$inferInput) {
  return {
    role,
    content: content ?? null,
    ...(name != null && { name }),
    ...(weight != null && { weight }),
    ...(toolCalls != null && {
      tool_calls: toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      })),
    }),
    ...(toolCallId != null && { tool_call_id: toolCallId }),
  };
}

const AddExamplesInput = builder.inputType('AddExamplesInput', {
  description: 'Examples to add by hand.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset that the examples are added to.' }),
    examples: t.field({
      type: [ExampleInput],
      required: true,
      description: 'The examples, up to 200. For more, POST a file to /import/examples/DATASET.',
    }),
    autoValidate: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether the examples count as validated by you at once.',
    }),
  }),
});

const SelectExamplesInput = {
  ids: { description: 'These examples, up to 1,000. Give either these or a `datasetId`.' },
  datasetId: { description: 'The examples of this dataset, those that `filter` keeps.' },
  filter: { description: 'Which examples of the dataset; all without it.' },
};

const ValidateExamplesInput = builder.inputType('ValidateExamplesInput', {
  description: 'The examples that are fit for training.',
  fields: (t) => ({
    ids: t.idList(SelectExamplesInput.ids),
    datasetId: t.id(SelectExamplesInput.datasetId),
    filter: t.field({ type: ExampleFilter, ...SelectExamplesInput.filter }),
  }),
});

const RejectExamplesInput = builder.inputType('RejectExamplesInput', {
  description: 'The examples that are not fit for training.',
  fields: (t) => ({
    ids: t.idList(SelectExamplesInput.ids),
    datasetId: t.id(SelectExamplesInput.datasetId),
    filter: t.field({ type: ExampleFilter, ...SelectExamplesInput.filter }),
    reason: t.string({ description: 'Why; at most 1,000 characters.' }),
  }),
});

const SetQualityScoreInput = builder.inputType('SetQualityScoreInput', {
  description: 'How good examples are.',
  fields: (t) => ({
    ids: t.idList({ required: true, description: 'The examples, up to 1,000.' }),
    qualityScore: t.float({ required: true, description: 'The quality, 0 to 1; kept with two decimals.' }),
  }),
});

const UpdateExampleInput = builder.inputType('UpdateExampleInput', {
  description:
    'A new wording for an example. Give either all `messages`, or what the last of the user or assistant shall say; or other tools. What is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the example.' }),
    messages: t.field({ type: [ChatMessageInput], description: 'The whole conversation.' }),
    userMessage: t.string({ description: 'What the user says last; not empty.' }),
    assistantResponse: t.string({
      description: 'What the assistant answers last; not empty, unless it calls tools.',
    }),
    tools: t.field({
      type: 'JSON',
      description:
        'The tools that the model may call, all of them: a list in OpenAI’s format, up to 128. null takes them away.',
    }),
    parallelToolCalls: t.boolean({
      description: 'Whether the model may call several tools at once; null leaves it to the provider.',
    }),
  }),
});

const AddExamplesPayload = builder.objectRef<Insertion>('AddExamplesPayload').implement({
  description: 'What became of examples added by hand.',
  fields: (t) => ({
    added: t.exposeInt('added', { description: 'How many were added.' }),
    alreadyThere: t.exposeInt('alreadyThere', {
      description: 'How many were not, because the dataset holds the same messages.',
    }),
  }),
});

const ReviewPayload = builder.objectRef<Judgement>('ReviewPayload').implement({
  description: 'What became of the selected examples.',
  fields: (t) => ({
    matched: t.exposeInt('matched', { description: 'How many examples were selected.' }),
    changed: t.exposeInt('changed', { description: 'How many of them were not so before.' }),
  }),
});

function selectionOf(input: typeof ValidateExamplesInput.$inferInput): Selection {
  const { ids, datasetId, filter } = input;
  if ((ids == null) === (datasetId == null)) {
    throw new InvalidInputError([
      { field: 'input', message: 'give either `ids`, or a `datasetId` with a `filter`' },
    ]);
  }
  if (ids == null)
    return { datasetId: parseId('Dataset', datasetId ?? '', 'input.datasetId'), filter: filter ?? {} };
  if (filter != null) {
    throw new InvalidInputError([
      { field: 'input.filter', message: 'goes with a `datasetId`, not with `ids`' },
    ]);
  }
  return { ids: exampleIds(ids) };
}

function exampleIds(ids: string[]): string[] {
  return ids.map((id, index) => parseId('Example', id, `input.ids[${index}]`));
}

builder.mutationFields((t) => ({
  addExamples: t.field({
    type: AddExamplesPayload,
    authScopes: { role: 'EDITOR' },
    description: 'Adds examples by hand, all or none.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: AddExamplesInput, required: true, description: 'What to add.' }) },
    resolve: (_root, { input }, { services, viewer }) =>
      services.examples.add(
        viewer,
        parseId('Dataset', input.datasetId, 'input.datasetId'),
        input.examples.map(({ messages, tools, parallelToolCalls, qualityScore }) => ({
          messages: messages.map(fileMessage),
          tools,
          parallel_tool_calls: parallelToolCalls,
          quality_score: qualityScore,
        })),
        input.autoValidate,
      ),
  }),
  validateExamples: t.field({
    type: ReviewPayload,
    authScopes: { role: 'REVIEWER' },
    description:
      'Finds examples fit for training at once, also rejected ones: a direct decision, which stands above reviews and is none. One that no provider takes, as an earlier version could store, cannot be validated before it is edited: its id is refused, and a filter leaves it rejected.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: ValidateExamplesInput, required: true, description: 'Which examples.' }) },
    resolve: (_root, { input }, { services, viewer }) =>
      services.examples.validate(viewer, selectionOf(input)),
  }),
  rejectExamples: t.field({
    type: ReviewPayload,
    authScopes: { role: 'REVIEWER' },
    description:
      'Turns examples down at once, also validated ones: a direct decision, which stands above reviews and is none. They are kept, and never exported.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: RejectExamplesInput, required: true, description: 'Which examples, and why.' }),
    },
    resolve: (_root, { input: { reason, ...input } }, { services, viewer }) =>
      services.examples.reject(viewer, selectionOf(input), reason ?? null),
  }),
  setQualityScore: t.field({
    type: ReviewPayload,
    authScopes: { role: 'REVIEWER' },
    description: 'Says how good examples are.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({
        type: SetQualityScoreInput,
        required: true,
        description: 'Which examples, and how good.',
      }),
    },
    resolve: (_root, { input }, { services, viewer }) =>
      services.examples.setQualityScore(viewer, exampleIds(input.ids), input.qualityScore),
  }),
  updateExample: t.field({
    type: ExampleNode,
    authScopes: { role: 'REVIEWER' },
    description:
      'Gives an example a new wording. The old one is kept, and the verdict and reviews of it are lifted: review the new one. Who holds the example keeps it; what another holds cannot be edited.',
    errors: { types: [InvalidInputError, NotFoundError, DuplicateExampleError, ExampleHeldError] },
    args: { input: t.arg({ type: UpdateExampleInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input: { id, messages, ...change } }, { services, viewer }) =>
      services.examples.update(viewer, parseId('Example', id, 'input.id'), {
        ...change,
        messages: messages?.map(fileMessage),
      }),
  }),
}));
