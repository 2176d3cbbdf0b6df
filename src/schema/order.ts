import { builder } from './builder.ts';

export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end of an order comes first.',
  values: {
    ASC: { value: 'asc', description: 'The smallest or earliest first.' },
    DESC: { value: 'desc', description: 'The largest or latest first.' },
  } as const,
});

type Direction = 'asc' | 'desc';

/** As orderBy, for a field that may be null: what has none comes last, whichever end comes first. */
export function orderByNullable({ field, direction }: { field: string; direction: Direction }) {
  return [{ [field]: { sort: direction, nulls: 'last' as const } }, { id: direction }];
}

/** Prisma's order for a list: the field asked for, then the id, so that the order is total and pages never overlap. */
export function orderBy<Field extends string>(
  order: { field: Field; direction: Direction } | null | undefined,
  fallback: { field: Field; direction: Direction },
) {
  const { field, direction } = order ?? fallback;
  return [{ [field]: direction }, { id: direction }];
}
