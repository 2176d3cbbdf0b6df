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
        'A JSON object a line, as OpenAI, Azure, Together, Fireworks and the open trainers read it. Holds everything that an example may say.',
    },
    OPENAI_DPO_JSONL: {
      description:
        'Preference pairs for OpenAI’s `dpo`: of each validated example whose last answer was repaired, and nothing before it, the repair is preferred over the first wording.',
    },
    SHAREGPT: {
      description:
        'A JSON object a line, as LLaMA-Factory and Axolotl read it. Has no place for answers of weight 0, several tool calls at once, words beside one, or two messages of one side in a row.',
    },
    ALPACA: {
      description:
        'A JSON object a line with instruction, output, system and history, as LLaMA-Factory reads it. Has no place for tools, answers of weight 0, or two messages of one side in a row.',
    },
    CSV: {
      description:
        'A table for people, after RFC 4180. A cell that begins with = + - @, a tab, a carriage return or an apostrophe has an apostrophe in front, so that no spreadsheet takes it for a formula.',
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
