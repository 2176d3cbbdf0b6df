import { z } from 'zod';
import type { Prisma } from '../generated/prisma/client.ts';
import { parseInput } from './input.ts';
import { containing, storableText } from './text.ts';

const filterSchema = z.object({
  name: storableText('The name', 1000).nullish(),
  search: storableText('The text', 1000).nullish(),
});

/** Keeps the datasets for which everything given holds. */
export type DatasetFilter = z.input<typeof filterSchema>;

/** The filter as a condition. Throws InvalidInputError. */
export function datasetWhere(filter: DatasetFilter): Prisma.DatasetWhereInput {
  const { name, search } = parseInput(filterSchema, filter, 'filter');
  return {
    ...(name != null && { name }),
    ...(search && { OR: [{ name: containing(search) }, { description: containing(search) }] }),
  };
}
