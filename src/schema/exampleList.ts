/** Filter and order of lists of examples: the same wherever examples are listed. */
import type { ArgBuilder } from '@pothos/core';
import type { Prisma } from '../generated/prisma/client.ts';
import { exampleWhere } from '../services/exampleFilter.ts';
import { builder } from './builder.ts';
import { OrderDirection } from './order.ts';
import { PersonalDataKindEnum } from './personalDataTypes.ts';

export const ExampleSource = builder.enumType('ExampleSource', {
  description: 'Where examples come from.',
  values: {
    CALL: { description: 'Collected from a call.' },
    MANUAL: { description: 'Added by hand.' },
    IMPORT: { description: 'Imported from a file.' },
  } as const,
});

export const ExampleFilter = builder.inputType('ExampleFilter', {
  description: 'Keeps the examples for which everything given holds.',
  fields: (t) => ({
    validated: t.boolean({ description: 'Only examples that are, or are not, validated.' }),
    rejected: t.boolean({ description: 'Only examples that are, or are not, rejected.' }),
    minQualityScore: t.float({
      description: 'At least this quality, 0 to 1; leaves out examples without one.',
    }),
    maxQualityScore: t.float({
      description: 'At most this quality, 0 to 1; leaves out examples without one.',
    }),
    source: t.field({ type: ExampleSource, description: 'Only examples from there.' }),
    findings: t.boolean({
      description:
        'Only examples in which personal data was found, or was not; leaves out those that wait to be searched.',
    }),
    findingKinds: t.field({
      type: [PersonalDataKindEnum],
      description: 'Only examples with findings of any of these kinds; an empty list keeps all.',
    }),
    search: t.string({
      description:
        'Only examples whose `userMessage` or `assistantResponse` contains this text, in any case; at most 1,000 characters.',
    }),
  }),
});

const ExampleOrder = builder.inputType('ExampleOrder', {
  description: 'The order of a list of examples; equal ones stand in the order of adding.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('ExampleOrderField', {
        description: 'What examples can be ordered by.',
        values: {
          POSITION: {
            value: 'position',
            description: 'The order of adding, which is the order of the export.',
          },
          QUALITY_SCORE: {
            value: 'qualityScore',
            description: 'The quality; examples without one come last.',
          },
          CREATED_AT: { value: 'createdAt', description: 'When the example was added.' },
          UPDATED_AT: { value: 'updatedAt', description: 'When the example last changed.' },
        } as const,
      }),
    }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'asc',
      description: 'Which end comes first.',
    }),
  }),
});

export type ExampleFilterInput = typeof ExampleFilter.$inferInput | null | undefined;
type ExampleOrderInput = typeof ExampleOrder.$inferInput | null | undefined;

export function exampleListArgs<T extends typeof builder.$inferSchemaTypes>(t: { arg: ArgBuilder<T> }) {
  return {
    filter: t.arg({ type: ExampleFilter, description: 'Which examples; all without it.' }),
    orderBy: t.arg({ type: ExampleOrder, description: 'In which order.' }),
  };
}

export function exampleWhereOf(filter: ExampleFilterInput): Prisma.ExampleWhereInput {
  return exampleWhere(filter ?? {});
}

/** Of equal examples the one that was added first comes first, or last, as `direction` says. */
export function exampleOrder(order: ExampleOrderInput): Prisma.ExampleOrderByWithRelationInput[] {
  const { field, direction } = order ?? { field: 'position', direction: 'asc' };
  const byId = { id: direction }; // Examples of several datasets may share a position.
  if (field === 'position') return [{ position: direction }, byId];
  const first = field === 'qualityScore' ? { sort: direction, nulls: 'last' as const } : direction;
  return [{ [field]: first }, { position: direction }, byId];
}
