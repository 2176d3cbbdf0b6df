/** What several variables are made of. */
import { z } from 'zod';

export const text = z.string().trim();

export function integer(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(error).int(error).min(min, error).max(max, error);
}
