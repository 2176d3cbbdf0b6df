import { findingsOf } from '../services/exampleScan.ts';
import { textAt } from '../services/personalData/conversation.ts';
import { RULES_VERSION } from '../services/personalData/kinds.ts';
import { messagesOf, type StoredMessage, type StoredToolCall } from '../services/storedJson.ts';
import { builder } from './builder.ts';
import { CallTranscriptionNode } from './callTranscription.ts';
import { DatasetNode } from './dataset.ts';
import { exampleListArgs, exampleOrder, ExampleSource, exampleWhereOf } from './exampleList.ts';
import { ownRow, parseId, parseOptionalId } from './ids.ts';
import { numberOf } from './plan/fieldFacts.ts';
import { orCursorRow, rowPage } from './page.ts';
import { ExampleScanType, PersonalDataFindingType } from './personalDataTypes.ts';

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
    arguments: t.string({
      description: 'What it is called with: JSON, as text.',
      resolve: (call) => call.function.arguments,
    }),
  }),
});

export const ChatMessageType = builder.objectRef<StoredMessage>('ChatMessage').implement({
  description: 'One message of a training conversation.',
  fields: (t) => ({
    role: t.field({ type: ChatRole, description: 'Who speaks.', resolve: ({ role }) => role }),
    content: t.string({
      nullable: true,
      description: 'What is said; null when the assistant only calls tools.',
      resolve: ({ content }) => content ?? null,
    }),
    name: t.string({
      nullable: true,
      description: 'A name that tells speakers of one role apart.',
      resolve: ({ name }) => name ?? null,
    }),
    weight: t.int({
      nullable: true,
      description: '0 when the model shall not learn this message, 1 or null when it shall.',
      resolve: ({ weight }) => weight ?? null,
    }),
    toolCalls: t.field({
      type: [ToolCallType],
      description: 'The tools that the assistant calls.',
      resolve: (message) => message.tool_calls ?? [],
    }),
    toolCallId: t.string({
      nullable: true,
      description: 'Which call a tool’s message answers.',
      resolve: (message) => message.tool_call_id ?? null,
    }),
  }),
});

export const ExampleNode = builder.prismaNode('Example', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
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
      description:
        'The tools that the model may call in this example, in OpenAI’s format; null when there are none.',
      select: { tools: true },
      resolve: ({ tools }) => tools,
    }),
    parallelToolCalls: t.exposeBoolean('parallelToolCalls', { nullable: true }),
    userMessage: t.exposeString('userMessage'),
    assistantResponse: t.exposeString('assistantResponse'),
    qualityScore: t.float({
      nullable: true,
      description:
        'How good the example is, 0.00 to 1.00; null when nobody has said. For an example from a call it starts as the call’s confidence.',
      select: { qualityScore: true },
      extensions: numberOf('Example', 'qualityScore'),
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
    callTranscription: t.relation('callTranscription', {
      type: CallTranscriptionNode,
      nullable: true,
      description: 'The call that the example was collected from; null for others.',
    }),
    firstTurn: t.exposeInt('firstTurn', { nullable: true }),
    lastTurn: t.exposeInt('lastTurn', { nullable: true }),
    revision: t.exposeInt('revision'),
    scan: t.field({
      type: ExampleScanType,
      description: 'Whether this wording was searched for personal data yet.',
      select: { scan: { select: { rules: true, scannedAt: true } } },
      resolve: ({ scan }) => (scan?.rules === RULES_VERSION ? scan : null) ?? { rules: 0, scannedAt: null },
    }),
    findings: t.field({
      type: [PersonalDataFindingType],
      nullable: true,
      description:
        'The personal data that was found, in the order of the texts, at most 500; null while the example waits to be searched. An empty list is no promise that there is none.',
      select: { messages: true, tools: true, scan: { select: { rules: true, findings: true } } },
      resolve: ({ messages, tools, scan }) =>
        scan?.rules === RULES_VERSION
          ? findingsOf(scan.findings).map((finding) => ({
              ...finding,
              text: textAt({ messages, tools }, finding.path)?.slice(finding.start, finding.end) ?? '',
            }))
          : null,
    }),
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
    maxSize: rowPage,
    description: 'Your examples, of one dataset or of all, in the order of adding unless ordered otherwise.',
    args: {
      datasetId: t.arg.id({ description: 'Only examples of this dataset.' }),
      ...exampleListArgs(t),
    },
    totalCount: (_connection, { datasetId, filter }, { db, viewer }) =>
      db.example.count({
        where: { tenantId: viewer.tenantId, ...inDataset(datasetId), ...exampleWhereOf(filter) },
      }),
    resolve: (query, _root, { datasetId, filter, orderBy, ...page }, { db, viewer }) =>
      db.example.findMany({
        ...query,
        where: {
          tenantId: viewer.tenantId,
          ...inDataset(datasetId),
          ...orCursorRow(exampleWhereOf(filter), page),
        },
        orderBy: exampleOrder(orderBy),
      }),
  }),
}));

function inDataset(globalId: string | null | undefined) {
  const datasetId = parseOptionalId('Dataset', globalId, 'datasetId');
  return datasetId === null ? {} : { datasetId };
}
