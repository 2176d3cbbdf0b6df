/** Filter and order of lists of exports: the same wherever exports are listed. */
import type { ArgBuilder } from '@pothos/core';
import type { Prisma } from '../generated/prisma/client.ts';
import { builder } from './builder.ts';
import { OrderDirection, orderBy } from './order.ts';

export const ExportFormat = builder.enumType('ExportFormat', {
  description: 'How an export is written.',
  values: {
    OPENAI_CHAT_JSONL: {
      description:
        'A JSON object a line, as OpenAI, Azure, Together, Fireworks and the open trainers read it.',
    },
  } as const,
});

const ExportFilter = builder.inputType('ExportFilter', {
  description: 'Keeps the exports for which everything given holds.',
  fields: (t) => ({
    format: t.field({ type: [ExportFormat], description: 'Only exports in one of these formats.' }),
    split: t.boolean({ description: 'Only exports with, or without, a validation file.' }),
  }),
});

const ExportOrder = builder.inputType('ExportOrder', {
  description: 'The order of a list of exports.',
  fields: (t) => ({
    field: t.field({
      required: true,
      description: 'What to order by.',
      type: builder.enumType('ExportOrderField', {
        description: 'What exports can be ordered by.',
        values: {
          CREATED_AT: { value: 'createdAt', description: 'When the snapshot was taken.' },
          EXAMPLE_COUNT: { value: 'exampleCount', description: 'How many examples the training file holds.' },
          BYTES: { value: 'bytes', description: 'The training file’s size.' },
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

export function exportListArgs<T extends typeof builder.$inferSchemaTypes>(t: { arg: ArgBuilder<T> }) {
  return {
    filter: t.arg({ type: ExportFilter, description: 'Which exports; all without it.' }),
    orderBy: t.arg({ type: ExportOrder, description: 'In which order.' }),
  };
}

/** Exports still being written are never listed. */
export function exportWhere(
  filter: typeof ExportFilter.$inferInput | null | undefined,
): Prisma.ExportWhereInput {
  return {
    state: 'READY',
    ...(filter?.format && { format: { in: filter.format } }),
    ...(filter?.split != null && { validationExampleCount: filter.split ? { gt: 0 } : 0 }),
  };
}

export function exportOrder(order: typeof ExportOrder.$inferInput | null | undefined) {
  return orderBy(order, { field: 'createdAt', direction: 'desc' });
}
