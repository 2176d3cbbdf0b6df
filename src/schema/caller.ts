import type { Caller } from '../services/lineage.ts';
import { builder } from './builder.ts';
import { CallTranscriptionNode } from './callTranscription.ts';
import { ExampleNode } from './example.ts';
import { ExportNode } from './export.ts';
import { TrainedModelType } from './lineage.ts';
import { rowPage } from './page.ts';
import { TrainingRunNode } from './trainingRun.ts';

const callsOf = ({ tenantId, number }: Caller) => ({ tenantId, callerNumber: number });
const examplesOf = (caller: Caller) => ({ tenantId: caller.tenantId, callTranscription: callsOf(caller) });
const exportsOf = async ({ tenantId, exportIds }: Caller) => ({
  tenantId,
  state: 'READY' as const,
  id: { in: await exportIds() },
});
const runsOf = async ({ tenantId, exportIds }: Caller) => ({ tenantId, exportId: { in: await exportIds() } });
const newestFirst = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];

const CallerType = builder.objectRef<Caller>('Caller').implement({
  description: 'The other party of your calls, by their number: everything that holds their words.',
  fields: (t) => ({
    phoneNumber: t.exposeString('number', {
      description:
        'The number as calls are found by it: digits, with a plus where the country’s prefix was given, without the marks of writing.',
    }),
    calls: t.prismaConnection({
      type: CallTranscriptionNode,
      cursor: 'id',
      maxSize: rowPage,
      description: 'The caller’s calls, the newest first.',
      totalCount: (caller, _args, { db }) => db.callTranscription.count({ where: callsOf(caller) }),
      resolve: (query, caller, _args, { db }) =>
        db.callTranscription.findMany({ ...query, where: callsOf(caller), orderBy: newestFirst }),
    }),
    examples: t.prismaConnection({
      type: ExampleNode,
      cursor: 'id',
      maxSize: rowPage,
      description: 'The examples made from those calls, the newest first.',
      totalCount: (caller, _args, { db }) => db.example.count({ where: examplesOf(caller) }),
      resolve: (query, caller, _args, { db }) =>
        db.example.findMany({ ...query, where: examplesOf(caller), orderBy: newestFirst }),
    }),
    exports: t.prismaConnection({
      type: ExportNode,
      cursor: 'id',
      maxSize: rowPage,
      description: 'The exports that hold any of those examples, the newest first.',
      totalCount: async (caller, _args, { db }) => db.export.count({ where: await exportsOf(caller) }),
      resolve: async (query, caller, _args, { db }) =>
        db.export.findMany({ ...query, where: await exportsOf(caller), orderBy: newestFirst }),
    }),
    trainingRuns: t.prismaConnection({
      type: TrainingRunNode,
      cursor: 'id',
      maxSize: rowPage,
      description: 'The training runs on any of those exports, the newest first.',
      totalCount: async (caller, _args, { db }) => db.trainingRun.count({ where: await runsOf(caller) }),
      resolve: async (query, caller, _args, { db }) =>
        db.trainingRun.findMany({ ...query, where: await runsOf(caller), orderBy: newestFirst }),
    }),
    models: t.field({
      type: [TrainedModelType],
      description: 'The models that those runs have tuned, with their checkpoints, by name.',
      resolve: (caller, _args, { services }) => services.lineage.modelsOfCaller(caller),
    }),
  }),
});

builder.queryField('caller', (t) =>
  t.field({
    type: CallerType,
    description:
      'What there is of a caller: their calls, and the examples, exports, training runs and models that hold them. `eraseCaller` deletes it.',
    args: {
      phoneNumber: t.arg.string({
        required: true,
        description:
          'The caller’s number, however it is written: `+1 (555) 010-0001` is `+15550100001`. A number without its country’s prefix is another number.',
      }),
    },
    resolve: (_root, { phoneNumber }, { services, viewer }) => services.lineage.caller(viewer, phoneNumber),
  }),
);
