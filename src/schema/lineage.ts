/** From a model to what it learned, and from a call to what learned it: the fields by which one walks. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import { parseInput } from '../services/input.ts';
import type { TrainedModel } from '../services/lineage.ts';
import { messagesOf, turnsOf } from '../services/storedJson.ts';
import { storableText } from '../services/text.ts';
import { batched } from './batch.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { CallTranscriptionNode, TurnType } from './callTranscription.ts';
import { ChatMessageType, ExampleNode } from './example.ts';
import { ExportExampleType, ExportNode } from './export.ts';
import { numberedPage, ownersOf, withoutCursor } from './page.ts';
import { TrainingRunNode } from './trainingRun.ts';

export const TrainedModelType = builder.objectRef<TrainedModel>('TrainedModel').implement({
  description:
    'A model that was tuned: the one at the end of a training run, or a checkpoint from its middle.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'The model, by the provider’s name; `trainingRunOfModel` leads to its run.',
    }),
    provider: t.exposeString('provider', { description: 'Who trained it, and holds it.' }),
    baseModel: t.exposeString('baseModel', { description: 'The model that it was tuned from.' }),
    step: t.exposeInt('step', {
      nullable: true,
      description: 'The training step that a checkpoint was made after; null for the model at the end.',
    }),
    trainingRunId: t.id({
      description: 'The id of the training run that made it.',
      resolve: ({ runId }) => encodeGlobalID('TrainingRun', runId),
    }),
  }),
});

interface Wording {
  revision: number;
  messages: unknown;
  tools: unknown;
}

/** An example has few earlier wordings, and Prisma cannot choose one of them by a column of the line. */
const WORDING = {
  exampleRevision: true,
  example: {
    select: {
      revision: true,
      messages: true,
      tools: true,
      revisions: { select: { revision: true, messages: true, tools: true } },
    },
  },
} as const;

function wordingOf({
  exampleRevision,
  example,
}: {
  exampleRevision: number;
  example: (Wording & { revisions: Wording[] }) | null;
}): Wording | undefined {
  if (!example) return undefined;
  return [example, ...example.revisions].find(({ revision }) => revision === exampleRevision);
}

builder.prismaObjectFields(ExportExampleType, (t) => ({
  export: t.relation('export', { type: ExportNode, description: 'The export that the line is of.' }),
  messages: t.field({
    type: [ChatMessageType],
    nullable: true,
    description:
      'The conversation in the wording that was exported, whatever became of the example since; without the dataset’s system prompt. null once the example was erased.',
    select: WORDING,
    resolve: (line) => {
      const wording = wordingOf(line);
      return wording ? messagesOf(wording.messages) : null;
    },
  }),
  tools: t.field({
    type: 'JSON',
    nullable: true,
    description: 'The tools of that wording, in OpenAI’s format; null when there are none.',
    select: WORDING,
    resolve: (line) => wordingOf(line)?.tools ?? null,
  }),
}));

const readyBlocks = batched(({ services, viewer }, exampleIds) =>
  services.lineage.readyBlocks(viewer, exampleIds),
);
const blocksOfExample = async (context: Context, exampleId: string) =>
  (await readyBlocks(context, exampleId)) ?? [];

builder.prismaObjectFields(ExampleNode, (t) => ({
  exports: t.prismaConnection({
    type: ExportExampleType,
    cursor: 'exportId_line',
    maxSize: numberedPage,
    description: 'Which lines of which exports hold the example, and in which wording.',
    totalCount: async ({ id }, _args, context) => (await blocksOfExample(context, id)).length,
    resolve: async (page, { id, tenantId }, args, context) => {
      const blocks = await blocksOfExample(context, id);
      const exportId = { in: blocks.map((block) => block.exportId), ...ownersOf(args) };
      const firstLine = { in: blocks.map((block) => block.firstLine) };
      return context.db.exportExample.findMany({
        ...withoutCursor(page),
        where: { tenantId, exampleId: id, exportId, firstLine },
        orderBy: [{ exportId: 'asc' }, { line: 'asc' }],
      });
    },
  }),
  turns: t.field({
    type: [TurnType],
    description:
      'What of its call the example holds: the turns from `firstTurn` to `lastTurn`. Empty without a call.',
    select: { firstTurn: true, lastTurn: true, callTranscription: { select: { turns: true } } },
    resolve: ({ firstTurn, lastTurn, callTranscription }) =>
      callTranscription && firstTurn !== null && lastTurn !== null
        ? turnsOf(callTranscription.turns).slice(firstTurn, lastTurn + 1)
        : [],
  }),
}));

const modelsOfCall = batched(({ services, viewer }, callIds) =>
  services.lineage.modelsOfCalls(viewer, callIds),
);

builder.prismaObjectFields(CallTranscriptionNode, (t) => ({
  models: t.field({
    type: [TrainedModelType],
    description: 'The models that learned from examples of the call, by name.',
    select: { id: true },
    resolve: async ({ id }, _args, context) => (await modelsOfCall(context, id)) ?? [],
  }),
}));

builder.prismaObjectFields(ExportNode, (t) => ({
  taintedAt: t.expose('taintedAt', { type: 'DateTime', nullable: true }),
  filesDeletedAt: t.expose('filesDeletedAt', { type: 'DateTime', nullable: true }),
}));

builder.queryField('trainingRunOfModel', (t) =>
  t.prismaField({
    type: TrainingRunNode,
    nullable: true,
    description:
      'The training run that made a model, and through it the file, the lines, the examples and the calls that the model learned from; null when it is none of yours.',
    args: {
      name: t.arg.string({
        required: true,
        description: 'The model’s name at its provider, or a checkpoint’s.',
      }),
    },
    resolve: (query, _root, { name }, { db, viewer }) => {
      const model = parseInput(storableText('The name', 1000), name, 'name');
      return db.trainingRun.findFirst({
        ...query,
        where: {
          tenantId: viewer.tenantId,
          OR: [
            { resultModelId: model },
            { checkpoints: { some: { modelId: model, tenantId: viewer.tenantId } } },
          ],
        },
        orderBy: { createdAt: 'desc' },
      });
    },
  }),
);
