/** One thing that `tunesmith doctor` looks at. */

export interface Finding {
  /** What was looked at, in a word or two. */
  check: string;
  /** `warn`: it works, and is worth a look. */
  status: 'ok' | 'warn' | 'fail';
  /** What is there. Never a secret, and nobody's data. */
  found: string;
  /** How to mend it; null where there is nothing to mend. */
  mend: string | null;
}

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, mend: null });
export const warn = (check: string, found: string, mend: string): Finding => ({
  check,
  status: 'warn',
  found,
  mend,
});
export const fail = (check: string, found: string, mend: string): Finding => ({
  check,
  status: 'fail',
  found,
  mend,
});

/** A check gives up after this many milliseconds: a doctor that never answers helps nobody. */
export const LIMIT = 10_000;

/** PostgreSQL's classes whose messages name accounts, databases and roles, and never hold values of rows. */
const TELLING = /^(?:08|28|3D|3F|42501|53|57P)/;

/** Why something failed, by its code where its message could hold a secret. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined && TELLING.test(code)) return error.message;
  if (error.cause !== undefined && code === undefined) return reasonOf(error.cause);
  return code ?? error.name;
}
