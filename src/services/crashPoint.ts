/**
 * The moments at which the end of the process costs most. Each lies between an act and the note of it; the crash test
 * kills the server at every one of them, and docs/operating.md says what happens next.
 */

/** In the order in which a run meets them. */
export const CRASH_POINTS = [
  /** The launch is written, its transaction not committed. */
  'launchUncommitted',
  /** The launch is committed; nobody has been told, and no worker has seen it. */
  'launchCommitted',
  /** A worker has claimed the run and done nothing yet. */
  'runClaimed',
  /** A part of the training file is at the provider. Lies at the provider: the sandbox holds the request. */
  'uploadHalfSent',
  /** The provider has the training file; its id is not saved. */
  'uploadAnswered',
  /** The file's id is saved. */
  'uploadSaved',
  /** The intent to create a job is saved; nothing is sent. */
  'submitIntended',
  /** The provider has made the job; its answer is lost. Lies at the provider: the sandbox holds the answer. */
  'submitSent',
  /** The answer with the job's id is read, and not saved. */
  'submitAnswered',
  /** The job's id is saved; nobody has been told. */
  'submitSaved',
  /** The provider's report is read, and not saved. */
  'pollRead',
  /** The final status is saved; the files at the provider are not deleted yet. */
  'endSaved',
  /** The provider has been told to cancel; its answer is not saved. */
  'cancelSent',
  /** A worker stands still for longer than its lease, between its intent and the act. */
  'workerPaused',
] as const;

/** The files of an export are finished; its row is not published. Not on every run's way: an export is made once. */
export const EXPORT_CRASH_POINT = 'exportWritten';

export type CrashPoint = (typeof CRASH_POINTS)[number] | typeof EXPORT_CRASH_POINT;

/** Told when a run, or an export, comes to a crash point. Does nothing outside of the crash test, which ends the process there. */
export type ReachCrashPoint = (point: CrashPoint, id: string) => void;

export const noCrash: ReachCrashPoint = () => undefined;
