import { metricsOf, type StoredMetrics } from '../services/storedJson.ts';
import { builder } from './builder.ts';

const RunEventKind = builder.enumType('RunEventType', {
  description: 'What kind of thing happened to a run.',
  values: {
    STATUS: { description: 'The run changed its status, or was handed on.' },
    PROGRESS: { description: 'Something else about the run itself changed.' },
    MESSAGE: { description: 'The provider, or the worker, said something.' },
    METRICS: { description: 'The provider measured the training.' },
    CHECKPOINT: { description: 'A usable state of the model was kept.' },
    WARNING: { description: 'Something should be known.' },
  } as const,
});

const RunEventLevel = builder.enumType('RunEventLevel', {
  description: 'How much an event should worry you.',
  values: {
    INFO: { description: 'Not at all.' },
    WARN: { description: 'Have a look.' },
    ERROR: { description: 'Something failed.' },
  } as const,
});

export interface RunMetric extends StoredMetrics {
  measuredAt: Date;
}

export const RunMetricType = builder.objectRef<RunMetric>('RunMetric').implement({
  description: 'What the provider measured at one training step. What it did not measure is null.',
  fields: (t) => ({
    step: t.exposeInt('step', { nullable: true, description: 'The training step, counted from 1.' }),
    totalSteps: t.exposeInt('totalSteps', {
      nullable: true,
      description: 'How many steps the training has.',
    }),
    trainLoss: t.exposeFloat('trainLoss', {
      nullable: true,
      description: 'Mean negative log-likelihood a token on the step’s examples; falls as the model learns.',
    }),
    trainAccuracy: t.exposeFloat('trainAccuracy', {
      nullable: true,
      description: 'Share of the tokens that the model would have chosen itself, 0 to 1.',
    }),
    validLoss: t.exposeFloat('validLoss', {
      nullable: true,
      description: 'The loss on examples that are not learned.',
    }),
    validAccuracy: t.exposeFloat('validAccuracy', {
      nullable: true,
      description: 'The accuracy on examples that are not learned.',
    }),
    measuredAt: t.field({
      type: 'DateTime',
      description: 'When it was measured, by the provider’s clock.',
      resolve: ({ measuredAt }) => measuredAt,
    }),
  }),
});

export const RunEventType = builder.prismaObject('RunEvent', {
  fields: (t) => ({
    seq: t.exposeInt('seq'),
    type: t.expose('type', { type: RunEventKind }),
    level: t.expose('level', { type: RunEventLevel }),
    message: t.exposeString('message'),
    metrics: t.field({
      type: RunMetricType,
      nullable: true,
      description: 'For METRICS: what was measured.',
      select: { type: true, data: true, createdAt: true },
      resolve: ({ type, data, createdAt }) => (type === 'METRICS' ? metricsFrom(data, createdAt) : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

export function metricsFrom(json: unknown, measuredAt: Date): RunMetric {
  return { ...metricsOf(json ?? {}), measuredAt };
}
