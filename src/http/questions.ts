/** Tells whether two operations ask the same. */
import type { DocumentNode, ExecutionArgs } from 'graphql';

/**
 * Gives each operation a text: the same for those with equal documents, variables and `rights`, which say for whom it
 * is. Of equal texts Yoga keeps one document, so documents are told by a number each.
 */
export function createQuestions() {
  const numbers = new WeakMap<DocumentNode, number>();
  let count = 0;
  return ({ document, operationName, variableValues }: ExecutionArgs, rights: string[]): string => {
    const number = numbers.get(document) ?? (count += 1);
    numbers.set(document, number);
    return JSON.stringify([number, operationName, variableValues, ...rights]);
  };
}
