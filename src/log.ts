/** The logger. What it writes holds no text of an example, no key and no signature, whatever it is given. */
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { currentContext, type LogContext } from './observe/logContext.ts';
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
      streamWrite: cut,
    },
  };
  const target = stream ?? (pretty ? forPeople(pretty) : standardError());
  const log = pino(options, target);
  writers.set(log, (line) => void target.write(cut(line)));
  return log;

  function cut(line: string): string {
    return known.reduce<string>(
      (left, secret) => left.replaceAll(secret ?? '', CUT),
      line.replaceAll(KEYS, CUT),
    );
  }
}

const forPeople = (make: NonNullable<typeof pretty>) =>
  make({ destination: 2, sync: true, translateTime: 'HH:MM:ss', ignore: 'pid,hostname' });

type Fields = Readonly<Record<string, string | number | undefined>>;

/** Writes a line: what it belongs to, and what it tells. */
type WriteLine = (of: Readonly<LogContext>, fields: Fields, message: string) => void;

/** A log of lines of which every field is known by name, and none is private. */
export type KnownFieldsLog = Readonly<Record<'info' | 'debug', WriteLine>>;

/** Writes a whole line of a logger, keys cut out. */
const writers = new WeakMap<Logger, (line: string) => void>();

/**
 * The same log, past pino: looking through a line's fields for what is private takes it seven times as long as writing
 * them, and the rest of what it does for one twice. What the line belongs to is for the caller to tell.
 */
export function withKnownFields(log: Logger): KnownFieldsLog {
  const write = writers.get(log);
  const at = (level: 'info' | 'debug'): WriteLine => {
    if (!write) {
      const other = log.child({}, { redact: [] }); // One that was not made here.
      return (of, fields, msg) => other[level]({ ...of, ...fields }, msg);
    }
    const start = `{"level":${log.levels.values[level]},"time":`;
    return (of, fields, msg) => {
      if (log.isLevelEnabled(level))
        write(`${start}${Date.now()}${partOf(of)}${partOf(fields)},"msg":${JSON.stringify(msg)}}\n`);
    };
  };
  return { info: at('info'), debug: at('debug') };
}

/** Fields as part of a line. Joined by hand: making one object of them all takes longer than the rest of the line. */
function partOf(fields: Fields): string {
  let part = '';
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== undefined)
      part += `,"${name}":${typeof value === 'number' ? value : JSON.stringify(value)}`;
  }
  return part;
}

/** How long lines are gathered, in milliseconds. */
const GATHERED = 10;

/**
 * What is said within some milliseconds is written at once: a system call a line takes a busy server a tenth of its time.
 * Written before the process ends in any way but a signal that cannot be caught.
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
      if (waiting === '') setTimeout(write, GATHERED);
      waiting += line;
    },
  };
}
