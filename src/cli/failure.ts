/** What goes wrong, in words for the person at the keyboard. */

/** A failure that the person can mend: its message is shown as it is, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** 1: it failed. 2: it was asked for wrongly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The server answers nothing at all, or does not know who asks: what else there was to do with it will fail alike. */
export class NotServedError extends CliError {}

/** Interrupted by Ctrl-C or a request to end. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Errors of the server that are written to be read; known by name, so that its code need not be loaded to ask. */
const PLAIN = new Set(['ConfigError', 'DirectoryLockedError', 'MigrationError']);

interface Coded {
  code: string;
  message: string;
  syscall: string | undefined;
}

/** The error and what it holds, as far as they have a code. */
function codedIn(error: unknown): Coded[] {
  if (!(error instanceof Error)) return [];
  const own =
    'code' in error && typeof error.code === 'string'
      ? [
          {
            code: error.code,
            message: error.message,
            syscall: 'syscall' in error ? String(error.syscall) : undefined,
          },
        ]
      : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codedIn) : [];
  return [...inner, ...own, ...codedIn(error.cause)];
}

const CONNECTION = /^(?:ECONN|ENOTFOUND|ETIMEDOUT|EHOST|ENETUNREACH|EAI_|EPIPE|ERR_SSL|ERR_TLS)/;
/** PostgreSQL's classes for "you may not", "no such database", "too many" and "not now". */
const REFUSED_BY_POSTGRES = /^(?:08|28|3D|3F|42501|53|57P)/;
const FILE_SYSTEM = /^(?:EACCES|EPERM|EROFS|ENOTDIR|EEXIST|ENOSPC|EISDIR|ENAMETOOLONG|ENOENT)$/;

export interface ServerSettings {
  DATABASE_URL?: string | undefined;
  DATA_DIR: string;
  HOST: string;
  PORT: number;
}

/** Why a server cannot start or a database cannot be opened, as a CliError; null when it is a fault of the program. */
export function explainServerFailure(error: unknown, settings?: ServerSettings): CliError | null {
  if (!(error instanceof Error)) return null;
  if (PLAIN.has(error.name)) return new CliError(error.message);
  if (settings === undefined) return null;
  const { DATABASE_URL, DATA_DIR, HOST, PORT } = settings;
  for (const { code, message, syscall } of codedIn(error)) {
    if (syscall === 'listen') {
      const why =
        code === 'EADDRINUSE'
          ? 'another program is using it. Stop that program, or choose another port with PORT'
          : message;
      return new CliError(`The server cannot listen on port ${PORT} of ${HOST}: ${why}.`);
    }
    if (DATABASE_URL !== undefined && (CONNECTION.test(code) || REFUSED_BY_POSTGRES.test(code))) {
      return new CliError(
        `The database that DATABASE_URL names cannot be used: ${message || code}.\n` +
          'Check its host, port, user, password and name. Without DATABASE_URL the database is embedded in DATA_DIR.',
      );
    }
    if (FILE_SYSTEM.test(code))
      return new CliError(`The data directory ${DATA_DIR} cannot be used: ${message}.`);
  }
  if (error.message.startsWith('DATABASE_URL') || error.message.startsWith('The embedded database'))
    return new CliError(error.message);
  return null;
}
