import { stepsOf, type ErasureStep } from '../services/erasureSteps.ts';
import { builder } from './builder.ts';
import { ownRow, parseId } from './ids.ts';
import { rowPage } from './page.ts';

const ErasureStepName = builder.enumType('ErasureStepName', {
  description: 'What an erasure does, in this order.',
  values: {
    SUPPRESS: { description: 'From here on imports reject the caller’s calls.' },
    DELETE_DATA: {
      description:
        'The calls and the examples made from them are deleted, the exports that hold them are marked as tainted.',
    },
    END_RUNS: { description: 'The active training runs on those exports are cancelled.' },
    DELETE_FILES: { description: 'The exports’ files are deleted here.' },
    DELETE_PROVIDER_FILES: {
      description: 'The files uploaded for their training runs are deleted at the provider.',
    },
  } as const,
});

const ErasureStepType = builder.objectRef<ErasureStep>('ErasureStep').implement({
  description: 'A step of an erasure, done or pending.',
  fields: (t) => ({
    name: t.expose('name', { type: ErasureStepName, description: 'Which step.' }),
    done: t.exposeInt('done', { description: 'How many things of the step are done.' }),
    pending: t.exposeInt('pending', {
      description: 'How many are not; tried again until they are, also after a restart.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last of them was done; null while any is pending.',
    }),
    problem: t.exposeString('problem', {
      nullable: true,
      description: 'Why one that is pending could not be done yet.',
    }),
  }),
});

export const CallerErasureNode = builder.prismaNode('CallerErasure', {
  authScopes: { role: 'ADMIN' },
  id: { field: 'id' },
  findUnique: ownRow,
  nullable: true,
  fields: (t) => ({
    numberEnding: t.exposeString('numberEnding'),
    requestedBy: t.exposeString('requestedBy'),
    requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
    calls: t.exposeInt('calls'),
    examples: t.exposeInt('examples'),
    exports: t.exposeInt('exports'),
    runsCancelled: t.exposeInt('runsCancelled'),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true }),
    liftedAt: t.expose('liftedAt', { type: 'DateTime', nullable: true }),
    steps: t.field({
      type: [ErasureStepType],
      description: 'How far it has got, step by step.',
      select: {
        requestedAt: true,
        dataErasedAt: true,
        tasks: {
          select: {
            kind: true,
            doneAt: true,
            problem: true,
            run: { select: { status: true, completedAt: true } },
          },
        },
      },
      resolve: stepsOf,
    }),
  }),
});

builder.queryFields((t) => ({
  erasure: t.prismaField({
    type: CallerErasureNode,
    authScopes: { role: 'ADMIN' },
    nullable: true,
    description: 'One erasure of a caller; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the erasure.' }) },
    resolve: (query, _root, { id }, { db, viewer }) =>
      db.callerErasure.findFirst({
        ...query,
        where: { id: parseId('CallerErasure', id), tenantId: viewer.tenantId },
      }),
  }),
  erasures: t.prismaConnection({
    type: CallerErasureNode,
    authScopes: { role: 'ADMIN' },
    cursor: 'id',
    maxSize: rowPage,
    description: 'The erasures of callers, the newest first.',
    args: {
      phoneNumber: t.arg.string({
        description: 'Only those of the caller with this number, however written.',
      }),
    },
    totalCount: async (_connection, { phoneNumber }, { db, services, viewer }) =>
      db.callerErasure.count({
        where: { tenantId: viewer.tenantId, ...(await services.erasures.ofNumber(viewer, phoneNumber)) },
      }),
    resolve: async (query, _root, { phoneNumber }, { db, services, viewer }) =>
      db.callerErasure.findMany({
        ...query,
        where: { tenantId: viewer.tenantId, ...(await services.erasures.ofNumber(viewer, phoneNumber)) },
        orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }],
      }),
  }),
}));
