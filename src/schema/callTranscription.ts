import { callWhere } from '../services/callFilter.ts';
import { InvalidInputError } from '../services/errors.ts';
import type { RowRead } from '../services/importFormats/index.ts';
import { turnsOf } from '../services/storedJson.ts';
import type { Turn } from '../services/turns.ts';
import { builder } from './builder.ts';
import { ownRow, parseId } from './ids.ts';
import { ImportReportType } from './importReport.ts';
import { OrderDirection, orderBy, orderByNullable } from './order.ts';
import { orCursorRow, rowPage } from './page.ts';

/** More than this comes as a file: POST /import/call-transcriptions. */
const MAX_CALLS = 200;

export const CallDirection = builder.enumType('CallDirection', {
  description: 'Who called whom.',
  values: {
    INBOUND: { description: 'The other party called.' },
    OUTBOUND: { description: 'The other party was called.' },
  } as const,
});

const Speaker = builder.enumType('Speaker', {
  description: 'The two sides of a call.',
  values: {
    CALLER: { value: 'caller', description: 'The other party: customer, client, user, patient.' },
    AGENT: { value: 'agent', description: 'Your side: agent, assistant, representative, bot.' },
  } as const,
});

export const TurnType = builder.objectRef<Turn>('Turn').implement({
  description: 'What one side said before the other spoke.',
  fields: (t) => ({
    speaker: t.field({ type: Speaker, description: 'Who spoke.', resolve: ({ speaker }) => speaker }),
    text: t.exposeString('text', { description: 'What was said.' }),
    startMs: t.int({
      nullable: true,
      description: 'When it was said, in milliseconds from the start of the call; null when not known.',
      resolve: ({ startMs }) => startMs ?? null,
    }),
    confidence: t.float({
      nullable: true,
      description:
        'How sure the transcriber was of these words, 0 to 1; null when it only said so of the whole call.',
      resolve: ({ confidence }) => confidence ?? null,
    }),
  }),
});

export const CallTranscriptionNode = builder.prismaNode('CallTranscription', {
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    callSid: t.exposeString('callSid'),
    phoneNumber: t.exposeString('phoneNumber', { nullable: true }),
    direction: t.expose('direction', { type: CallDirection, nullable: true }),
    status: t.exposeString('status'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    durationSeconds: t.exposeInt('durationSeconds', { nullable: true }),
    transcriptConfidence: t.exposeFloat('transcriptConfidence', { nullable: true }),
    topic: t.exposeString('topic', { nullable: true }),
    turns: t.field({
      type: [TurnType],
      description: 'The conversation, turn by turn. Empty when the transcript has no speaker labels.',
      select: { turns: true },
      resolve: ({ turns }) => turnsOf(turns),
    }),
    transcriptText: t.exposeString('transcriptText', { nullable: true }),
    importedAt: t.expose('importedAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    examples: t.relatedConnection('examples', {
      cursor: 'id',
      maxSize: rowPage,
      totalCount: true,
      description: 'The training examples that were taken from the call, in the order of adding.',
      query: { orderBy: [{ createdAt: 'asc' }, { position: 'asc' }, { id: 'asc' }] },
    }),
  }),
});

const CallTranscriptionFilter = builder.inputType('CallTranscriptionFilter', {
  description: 'Keeps the calls for which everything given holds.',
  fields: (t) => ({
    minConfidence: t.float({
      description: 'At least this confidence, 0 to 1; leaves out calls without one.',
    }),
    maxConfidence: t.float({ description: 'At most this confidence, 0 to 1; leaves out calls without one.' }),
    direction: t.field({ type: CallDirection, description: 'Only calls of this direction.' }),
    status: t.string({ description: 'Only calls that ended so, for example `completed`.' }),
    topic: t.string({ description: 'Only calls about exactly this topic.' }),
    phoneNumber: t.string({ description: 'Only calls with exactly this number.' }),
    from: t.field({ type: 'DateTime', description: 'Only calls that began at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Only calls that began before this time.' }),
  }),
});

const CallTranscriptionOrder = builder.inputType('CallTranscriptionOrder', {
  description: 'The order of a list of calls.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('CallTranscriptionOrderField', {
        description: 'What calls can be ordered by.',
        values: {
          CREATED_AT: { value: 'createdAt', description: 'When the call began.' },
          CONFIDENCE: {
            value: 'transcriptConfidence',
            description: 'How sure the transcriber was; calls without a confidence come last.',
          },
          DURATION: {
            value: 'durationSeconds',
            description: 'How long the call lasted; calls without a duration come last.',
          },
        } as const,
      }),
    }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'desc',
      description: 'Which end comes first.',
    }),
  }),
});

builder.queryFields((t) => ({
  callTranscription: t.prismaField({
    type: CallTranscriptionNode,
    nullable: true,
    description: 'One call; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the call.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.callTranscription.findFirst({
        ...query,
        where: { id: parseId('CallTranscription', id), tenantId: viewer.tenantId },
      }),
  }),
  callTranscriptions: t.prismaConnection({
    type: CallTranscriptionNode,
    cursor: 'id',
    maxSize: rowPage,
    description: 'Your calls, the newest first unless ordered otherwise.',
    args: {
      filter: t.arg({ type: CallTranscriptionFilter, description: 'Which calls; all without it.' }),
      orderBy: t.arg({ type: CallTranscriptionOrder, description: 'In which order.' }),
    },
    totalCount: (_connection, { filter }, { db, viewer }) =>
      db.callTranscription.count({ where: { tenantId: viewer.tenantId, ...callWhere(filter ?? {}) } }),
    resolve: (query, _root, { filter, orderBy: order, ...page }, { db, viewer }) =>
      db.callTranscription.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...orCursorRow(callWhere(filter ?? {}), page) },
        orderBy:
          order?.field === 'transcriptConfidence' || order?.field === 'durationSeconds'
            ? orderByNullable(order)
            : orderBy(order, { field: 'createdAt', direction: 'desc' }),
      }),
  }),
}));

const TurnInput = builder.inputType('TurnInput', {
  description: 'What one side said.',
  fields: (t) => ({
    speaker: t.string({
      required: true,
      description:
        'Who spoke, as a label: caller, customer, client, user, patient; agent, assistant, ai, bot, representative, rep, operator; or one of `labels`. Any case.',
    }),
    text: t.string({ required: true, description: 'What was said; at most 100,000 characters.' }),
    startMs: t.int({ description: 'When it was said, in milliseconds from the start of the call.' }),
    confidence: t.float({
      description:
        'How sure the transcriber was of these words, 0 to 1; left out, it is as sure as of the call.',
    }),
  }),
});

const CallTranscriptionInput = builder.inputType('CallTranscriptionInput', {
  description:
    'A call to import. Give `turns`, or `transcriptText` with a speaker label at the start of each line; either replaces the conversation that is stored.',
  fields: (t) => ({
    callSid: t.string({
      required: true,
      description:
        'The telephony system’s id of the call, 1 to 64 characters. A call that is there already is updated: what is left out here stays as it is, and null clears it.',
    }),
    // Text, so that one that is no time is reported like any other fault of its call, and refuses no other.
    createdAt: t.string({
      required: true,
      description:
        'When the call began: ISO 8601, such as `2026-09-01T09:02:55Z`; UTC where no zone is given. In the years 1 to 9999.',
    }),
    phoneNumber: t.string({ description: 'The other party’s number; at most 32 characters.' }),
    direction: t.string({ description: '`inbound` or `outbound`, in any case.' }),
    callStatus: t.string({
      description:
        'How the call ended; a new call’s is `completed` when left out. Only completed calls yield examples.',
    }),
    durationSeconds: t.int({ description: 'How long the call lasted, in seconds; at most 604,800.' }),
    transcriptConfidence: t.float({ description: 'How sure the transcriber was, 0 to 1.' }),
    topic: t.string({ description: 'What the call was about; at most 200 characters.' }),
    turns: t.field({ type: [TurnInput], description: 'The conversation; at most 10,000 turns.' }),
    transcriptText: t.string({
      description: 'The conversation as text; a line without a label continues the turn before it.',
    }),
  }),
});

const SpeakerLabelsInput = builder.inputType('SpeakerLabelsInput', {
  description: 'Speaker labels beside the built-in ones; at most 100 a side.',
  fields: (t) => ({
    caller: t.stringList({
      required: true,
      defaultValue: [],
      description: 'More labels of the other party.',
    }),
    agent: t.stringList({ required: true, defaultValue: [], description: 'More labels of your side.' }),
  }),
});

const ImportCallTranscriptionsInput = builder.inputType('ImportCallTranscriptionsInput', {
  description: 'Calls to import.',
  fields: (t) => ({
    calls: t.field({
      type: [CallTranscriptionInput],
      required: true,
      description: `The calls, up to ${MAX_CALLS}. For more, POST a file to /import/call-transcriptions.`,
    }),
    defaultConfidence: t.float({
      description:
        'The confidence of calls that bring a transcript and none of their own, and have none stored; 0 to 1.',
    }),
    labels: t.field({ type: SpeakerLabelsInput, description: 'Speaker labels beside the built-in ones.' }),
  }),
});

builder.mutationFields((t) => ({
  importCallTranscriptions: t.field({
    type: ImportReportType,
    authScopes: { role: 'EDITOR' },
    description:
      'Imports calls. A call that is there already is updated; one that cannot be read is reported and stops nothing.',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({ type: ImportCallTranscriptionsInput, required: true, description: 'What to import.' }),
    },
    resolve: (_root, { input: { calls, defaultConfidence, labels } }, { services, viewer }) => {
      if (calls.length === 0 || calls.length > MAX_CALLS) {
        const message = `must hold 1 to ${MAX_CALLS} calls, not ${calls.length}; POST a file to /import/call-transcriptions for more`;
        throw new InvalidInputError([{ field: 'input.calls', message }]);
      }
      const rows = calls.map((call, index): RowRead => ({ line: index + 1, value: { ...call } }));
      return services.callTranscriptions.importCalls(viewer, rows, {
        defaultConfidence,
        labels: labels ?? undefined,
      });
    },
  }),
}));
