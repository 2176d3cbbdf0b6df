import type { z } from 'zod';
import { InvalidInputError } from './errors.ts';
import { plainWords } from './plainWords.ts';

/** Checks what came from outside. Throws InvalidInputError with every fault, each under its path below `root`. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  root = 'input',
): z.output<Schema> {
  const result = schema.safeParse(value, { error: plainWords });
  if (result.success) return result.data;
  throw new InvalidInputError(
    result.error.issues.map((issue) => ({ field: pathOf(root, issue.path), message: issue.message })),
  );
}

function pathOf(root: string, path: PropertyKey[]): string {
  let text = root;
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `.${String(part)}`;
  return text;
}
