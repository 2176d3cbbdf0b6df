import { DuplicateExampleError, InvalidInputError, NotFoundError } from '../services/errors.ts';
import type { Judgement, Selection } from '../services/example.ts';
import type { Insertion } from '../services/exampleWriter.ts';
import { messagesOf, type StoredMessage, type StoredToolCall } from '../services/storedJson.ts';
import { builder } from './builder.ts';
import { CallTranscriptionNode } from './callTranscription.ts';
import { DatasetNode } from './dataset.ts';
import { ExampleFilter, exampleListArgs, exampleOrder, ExampleSource, exampleWhereOf } from './exampleList.ts';
import { parseId, parseOptionalId } from './ids.ts';

export const ChatRole = builder.enumType('ChatRole', {
  description: 'Who speaks in a message.',
  values: {
    SYSTEM: { value: 'system', description: 'The instruction to the model.' },
    USER: { value: 'user', description: 'Whom the model answers.' },
    ASSISTANT: { value: 'assistant', description: 'The model.' },
    TOOL: { value: 'tool', description: 'What a tool that the model called gave back.' },
  } as const,
});

const ToolCallType = builder.objectRef<StoredToolCall>('ToolCall').implement({
  description: 'The model calls a tool.',
  fields: (t) => ({
    id: t.exposeString('id', { description: 'The id under which the tool’s message answers.' }),
    name: t.string({ description: 'The tool’s name.', resolve: (call) => call.function.name }),
    arguments: t.string({ description: 'What it is called with: JSON, as text.', resolve: (call) => call.function.arguments }),
  }),
});

const ChatMessageType = builder.objectRef<StoredMessage>('ChatMessage').implement({
  description: 'One message of a training conversation.',
  fields: (t) => ({
    role: t.field({ type: ChatRole, description: 'Who speaks.', resolve: ({ role }) => role }),
    content: t.string({ nullable: true, description: 'What is said; null when the assistant only calls tools.', resolve: ({ content }) => content ?? null }),
    name: t.string({ nullable: true, description: 'A name that tells speakers of one role apart.', resolve: ({ name }) => name ?? null }),
    weight: t.int({ nullable: true, description: '0 when the model shall not learn this message, 1 or null when it shall.', resolve: ({ weight }) => weight ?? null }),
    toolCalls: t.field({ type: [ToolCallType], description: 'The tools that the assistant calls.', resolve: (message) => message.tool_calls ?? [] }),
    toolCallId: t.string({ nullable: true, description: 'Which call a tool’s message answers.', resolve: (message) => message.tool_call_id ?? null }),
  }),
});

export const ExampleNode = builder.prismaNode('Example', {
  id: { field: 'id' },
  fields: (t) => ({
    dataset: t.relation('dataset', { type: DatasetNode, description: 'The dataset that the example is in.' }),
    position: t.exposeInt('position'),
    messages: t.field({
      type: [ChatMessageType],
      description: 'The conversation, without the dataset’s system prompt.',
      select: { messages: true },
      resolve: ({ messages }) => messagesOf(messages),
    }),
    tools: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The tools that the model may call in this example, in OpenAI’s format; null when there are none.',
      select: { tools: true },
      resolve: ({ tools }) => tools,
    }),
    parallelToolCalls: t.exposeBoolean('parallelToolCalls', { nullable: true }),
    userMessage: t.exposeString('userMessage'),
    assistantResponse: t.exposeString('assistantResponse'),
    qualityScore: t.float({
      nullable: true,
      description: 'How good the example is, 0.00 to 1.00; null when nobody has said. For an example from a call it starts as the call’s confidence.',
      select: { qualityScore: true },
      resolve: ({ qualityScore }) => qualityScore?.toNumber() ?? null,
    }),
    validated: t.exposeBoolean('validated'),
    validatedBy: t.exposeString('validatedBy', { nullable: true }),
    validatedAt: t.expose('validatedAt', { type: 'DateTime', nullable: true }),
    rejected: t.exposeBoolean('rejected'),
    rejectedBy: t.exposeString('rejectedBy', { nullable: true }),
    rejectedAt: t.expose('rejectedAt', { type: 'DateTime', nullable: true }),
    rejectionReason: t.exposeString('rejectionReason', { nullable: true }),
    source: t.expose('source', { type: ExampleSource }),
    callTranscription: t.relation('callTranscription', { type: CallTranscriptionNode, nullable: true, description: 'The call that the example was collected from; null for others.' }),
    firstTurn: t.exposeInt('firstTurn', { nullable: true }),
    lastTurn: t.exposeInt('lastTurn', { nullable: true }),
    revision: t.exposeInt('revision'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

builder.queryFields((t) => ({
  example: t.prismaField({
    type: ExampleNode,
    nullable: true,
    description: 'One example; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the example.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.example.findFirst({ ...query, where: { id: parseId('Example', id), tenantId: viewer.tenantId } }),
  }),
  examples: t.prismaConnection({
    type: ExampleNode,
    cursor: 'id',
    description: 'Your examples, of one dataset or of all, in the order of adding unless ordered otherwise.',
    args: {
      datasetId: t.arg.id({ description: 'Only examples of this dataset.' }),
      ...exampleListArgs(t),
    },
    totalCount: (_connection, { datasetId, filter }, { db, viewer }) =>
      db.example.count({ where: { tenantId: viewer.tenantId, ...inDataset(datasetId), ...exampleWhereOf(filter) } }),
    resolve: (query, _root, { datasetId, filter, orderBy }, { db, viewer }) =>
      db.example.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...inDataset(datasetId), ...exampleWhereOf(filter) },
        orderBy: exampleOrder(orderBy),
      }),
  }),
}));

function inDataset(globalId: string | null | undefined) {
  const datasetId = parseOptionalId('Dataset', globalId, 'datasetId');
  return datasetId === null ? {} : { datasetId };
}

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
    content: t.string({ description: 'What is said. Only an assistant that calls tools may say nothing.' }),
    name: t.string({ description: 'A name that tells speakers of one role apart, 1 to 64 characters.' }),
    weight: t.int({ description: 'For the assistant: 0 when the model shall not learn this message, 1 when it shall.' }),
    toolCalls: t.field({ type: [ToolCallInput], description: 'The tools that the assistant calls.' }),
    toolCallId: t.string({ description: 'Which call a tool’s message answers.' }),
  }),
});

const ExampleInput = builder.inputType('ExampleInput', {
  description: 'A training conversation. It ends with the assistant’s answer, the one the model shall learn.',
  fields: (t) => ({
    messages: t.field({ type: [ChatMessageInput], required: true, description: 'The conversation, up to 2,000 messages. A system message stands first and replaces the dataset’s system prompt.' }),
    tools: t.field({ type: 'JSON', description: 'The tools that the model may call, a list in OpenAI’s format, up to 128.' }),
    parallelToolCalls: t.boolean({ description: 'Whether the model may call several tools at once.' }),
    qualityScore: t.float({ description: 'How good the example is, 0 to 1.' }),
  }),
});

/** As a line of a training file, which is what the service reads. */
function fileMessage({ role, content, name, weight, toolCalls, toolCallId }: typeof ChatMessageInput.$inferInput) {
  return {
    role,
    content: content ?? null,
    ...(name != null && { name }),
    ...(weight != null && { weight }),
    ...(toolCalls != null && {
      tool_calls: toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })),
    }),
    ...(toolCallId != null && { tool_call_id: toolCallId }),
  };
}

const AddExamplesInput = builder.inputType('AddExamplesInput', {
  description: 'Examples to add by hand.',
  fields: (t) => ({
    datasetId: t.id({ required: true, description: 'The dataset that the examples are added to.' }),
    examples: t.field({ type: [ExampleInput], required: true, description: 'The examples, up to 200. For more, POST a file to /import/examples/DATASET.' }),
    autoValidate: t.boolean({ required: true, defaultValue: false, description: 'Whether the examples count as validated by you at once.' }),
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
  description: 'A new wording for an example. Give either all `messages`, or what the last of the user or assistant shall say.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the example.' }),
    messages: t.field({ type: [ChatMessageInput], description: 'The whole conversation.' }),
    userMessage: t.string({ description: 'What the user says last.' }),
    assistantResponse: t.string({ description: 'What the assistant answers last.' }),
  }),
});

const AddExamplesPayload = builder.objectRef<Insertion>('AddExamplesPayload').implement({
  description: 'What became of examples added by hand.',
  fields: (t) => ({
    added: t.exposeInt('added', { description: 'How many were added.' }),
    alreadyThere: t.exposeInt('alreadyThere', { description: 'How many were not, because the dataset holds the same messages.' }),
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
    throw new InvalidInputError([{ field: 'input', message: 'give either `ids`, or a `datasetId` with a `filter`' }]);
  }
  if (ids == null) return { datasetId: parseId('Dataset', datasetId ?? '', 'input.datasetId'), filter: filter ?? {} };
  if (filter != null) {
    throw new InvalidInputError([{ field: 'input.filter', message: 'goes with a `datasetId`, not with `ids`' }]);
  }
  return { ids: exampleIds(ids) };
}

function exampleIds(ids: string[]): string[] {
  return ids.map((id, index) => parseId('Example', id, `input.ids[${index}]`));
}

builder.mutationFields((t) => ({
  addExamples: t.field({
    type: AddExamplesPayload,
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
    description: 'Review: finds examples fit for training, also rejected ones.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: ValidateExamplesInput, required: true, description: 'Which examples.' }) },
    resolve: (_root, { input }, { services, viewer }) => services.examples.validate(viewer, selectionOf(input)),
  }),
  rejectExamples: t.field({
    type: ReviewPayload,
    description: 'Turns examples down, also validated ones. They are kept, and never exported.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: RejectExamplesInput, required: true, description: 'Which examples, and why.' }) },
    resolve: (_root, { input: { reason, ...input } }, { services, viewer }) =>
      services.examples.reject(viewer, selectionOf(input), reason ?? null),
  }),
  setQualityScore: t.field({
    type: ReviewPayload,
    description: 'Says how good examples are.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: { input: t.arg({ type: SetQualityScoreInput, required: true, description: 'Which examples, and how good.' }) },
    resolve: (_root, { input }, { services, viewer }) =>
      services.examples.setQualityScore(viewer, exampleIds(input.ids), input.qualityScore),
  }),
  updateExample: t.field({
    type: ExampleNode,
    description: 'Gives an example a new wording. The old one is kept, and the verdict on it lifted: review the new one.',
    errors: { types: [InvalidInputError, NotFoundError, DuplicateExampleError] },
    args: { input: t.arg({ type: UpdateExampleInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input: { id, messages, userMessage, assistantResponse } }, { services, viewer }) =>
      services.examples.update(viewer, parseId('Example', id, 'input.id'), {
        messages: messages?.map(fileMessage),
        userMessage,
        assistantResponse,
      }),
  }),
}));
