/** The logger. What it writes holds no text of an example, no key and no signature, whatever it is given. */
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { currentContext } from './observe/logContext.ts';
import { safeError } from './observe/safeError.ts';
import type { Config } from './config.ts';

export type { Logger };

export interface LogTarget {
  /** Values that must not be written wherever they stand: configured keys. Short ones are left out, as they stand everywhere. */
  secrets?: readonly (string | undefined)[];
  /** Standard error when left out. */
  stream?: DestinationStream;
}

/** Makes lines for people; loaded only where there is a terminal for them. */
const pretty = process.stderr.isTTY ? (await import('pino-pretty')).default : undefined;

const CUT = '[cut]';
const SHORTEST_SECRET = 12;

/** Names under which keys and contents would be logged by accident, at the top and one level below. */
const PRIVATE = [
  'apiKey',
  'authorization',
  'body',
  'content',
  'cookie',
  'headers',
  'messages',
  'password',
  'phoneNumber',
  'query',
  'secret',
  'signature',
  'text',
  'token',
  'url',
  'variables',
];

/** Keys and signatures as they look, wherever they stand. */
const KEYS = /\b(?:sk|whsec|tsk)[-_][\w+/=-]{6,}|\bBearer\s+[\w.~+/=-]+|\bsignature=[\w%.-]+/gi;

/** The logger of a server: what it is configured with never stands in its log. */
export function createServerLogger(config: Config): Logger {
  const { OPENAI_API_KEY, OPENAI_WEBHOOK_SECRET, DOWNLOAD_SECRET, METRICS_TOKEN } = config;
  const signing = DOWNLOAD_SECRET?.map(({ secret }) => secret.toString()) ?? [];
  const { S3_SECRET_ACCESS_KEY } = config;
  const secrets = [OPENAI_API_KEY, OPENAI_WEBHOOK_SECRET, METRICS_TOKEN, S3_SECRET_ACCESS_KEY, ...signing];
  return createLogger(config.LOG_LEVEL, { secrets });
}

/** JSON lines, or, in a terminal, lines for people; on standard error, so that standard output stays for results. */
export function createLogger(level: string, { secrets = [], stream }: LogTarget = {}): Logger {
  const known = secrets.filter((secret) => secret !== undefined && secret.length >= SHORTEST_SECRET);
  const options: LoggerOptions = {
    level,
    base: null,
    // Each line tells which request, operation, run or job it belongs to.
    mixin: () => ({ ...currentContext() }),
    serializers: { err: safeError, error: safeError, cause: safeError },
    redact: { paths: PRIVATE.flatMap((name) => [name, `*.${name}`]), censor: CUT },
    hooks: {
      logMethod([first, ...rest], method) {
        // pino would take an error's own message for the line's where it is given none.
        const about: unknown = first instanceof Error ? { err: first } : first;
        const message = typeof first === 'string' || rest.length > 0 ? rest : ['Unexpected error'];
        method.apply(this, [about, ...message]);
      },
      streamWrite: (line) =>
        known.reduce<string>(
          (left, secret) => left.replaceAll(secret ?? '', CUT),
          line.replaceAll(KEYS, CUT),
        ),
    },
  };
  if (stream) return pino(options, stream);
  if (!pretty) return pino(options, standardError());
  return pino(
    options,
    pretty({ destination: 2, sync: true, translateTime: 'HH:MM:ss', ignore: 'pid,hostname' }),
  );
}

/**
 * The same log for lines of which every field is known by name, and none is private: looking through each for what is
 * takes seven times as long as writing it. Keys are cut out of them all the same.
 */
export function withKnownFields(log: Logger): Logger {
  return log.child({}, { redact: [] });
}

/**
 * What one turn of the event loop has to say is written at once: a system call a line takes a busy server a tenth of its
 * time. Written before the process ends in any way but a signal that cannot be caught.
 */
function standardError(): DestinationStream {
  let waiting = '';
  function write(): void {
    const lines = waiting;
    waiting = '';
    if (lines !== '') stream.write(lines);
  }
  const stream = pino.destination({ dest: 2, sync: true });
  process.on('exit', write);
  return {
    write(line) {
      if (waiting === '') setImmediate(write);
      waiting += line;
    },
  };
}
