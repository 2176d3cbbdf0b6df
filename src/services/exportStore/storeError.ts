/** Why a store could not do what it was asked: a fault of its set-up or its own, for whoever runs the server. */

export type StoreProblem =
  | 'STORE_REFUSED'
  | 'STORE_BUCKET_MISSING'
  | 'STORE_WRONG_REGION'
  | 'STORE_UNREACHABLE'
  | 'STORE_TIMED_OUT'
  | 'STORE_FAILED';

/** Neither text holds a key, a signature or anything of what a file holds: both may be logged. */
export class ExportStoreError extends Error {
  readonly code: StoreProblem;
  /** What happened. */
  readonly problem: string;
  /** What to do about it. */
  readonly mend: string;

  constructor(code: StoreProblem, problem: string, mend: string, cause?: unknown) {
    super(`${problem}. ${mend}`, { cause });
    this.name = 'ExportStoreError';
    this.code = code;
    this.problem = problem;
    this.mend = mend;
  }
}
