/**
 * Errors as they may be written down. Their messages hold what people said: PostgreSQL repeats the values of a row
 * (`Key (user_message)=(…)`), Prisma the call with its arguments, JSON.parse the text, a provider the line that it did
 * not like, and each stack begins with its message. So a message is kept only where it can hold none of that: of errors
 * thrown by this program's own lines or by the operating system. Of all others their kind, codes and places tell enough.
 */
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../paths.ts';
import { ExpectedError } from '../services/errors.ts';
import { ExportStoreError } from '../services/exportStore/storeError.ts';

export interface SafeError {
  type: string;
  code?: string;
  message?: string;
  /** PostgreSQL's code for what went wrong, and the names of ours that it is about. */
  sqlState?: string;
  table?: string;
  constraint?: string;
  /** Where it was thrown, as lines `at function (file:line:column)`. */
  stack?: string;
  cause?: SafeError;
  errors?: SafeError[];
}

const root = fileURLToPath(packageRoot);
/** Where what others wrote lies, as installed and as bundled by scripts/packages.ts. */
const OTHERS = /^(?:node_modules|dist\/packages)\//;
const MOST_FRAMES = 12;
const DEEPEST = 4;
const LONGEST_MESSAGE = 300;

/** Kinds whose messages say what happened in words of the program that threw them. */
const PLAIN_KINDS = new Set(['Error', 'TypeError', 'RangeError', 'ReferenceError', 'AggregateError']);
/** What drivers say of a connection; nothing in it is ours or a customer's. */
const KNOWN_MESSAGES =
  /^(?:Connection terminated(?: unexpectedly| due to connection timeout)?|timeout exceeded when trying to connect|Cannot use a pool after calling end on the pool|Socket closed unexpectedly|Connection timeout)$/;

/** What may be written down of anything that was thrown. */
export function safeError(thrown: unknown, depth = 0): SafeError {
  if (!(thrown instanceof Error)) return { type: thrown === null ? 'null' : typeof thrown };
  const frames = framesOf(thrown);
  return {
    type: identifier(thrown.name) ?? 'Error',
    ...present('code', codeOf(thrown)),
    ...present('message', messageOf(thrown, frames)),
    ...databaseFacts(thrown),
    ...(frames.length > 0 && { stack: frames.map(({ text }) => text).join('\n') }),
    ...(depth < DEEPEST && innerErrors(thrown, depth)),
  };
}

function innerErrors(error: Error, depth: number): Pick<SafeError, 'cause' | 'errors'> {
  const cause = error.cause instanceof Error ? safeError(error.cause, depth + 1) : undefined;
  const errors = error instanceof AggregateError ? error.errors.slice(0, 3) : [];
  return {
    ...(cause && { cause }),
    ...(errors.length > 0 && { errors: errors.map((one) => safeError(one, depth + 1)) }),
  };
}

function present<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  const found: { [K in Key]?: string } = {};
  if (value !== undefined) found[key] = value;
  return found;
}

/** A property whose value is a plain word, as codes and names in a schema are. */
function word(holder: object, property: string): string | undefined {
  const value: unknown = Reflect.get(holder, property);
  return typeof value === 'string' ? identifier(value) : undefined;
}

function identifier(text: string): string | undefined {
  return /^[A-Za-z_][\w.$-]{0,79}$|^[0-9A-Z]{5}$/.test(text) ? text : undefined;
}

/** Redis says its code at the beginning of its message. */
function codeOf(error: Error): string | undefined {
  return word(error, 'code') ?? /^(?:[A-Z]{4,20})(?= )/.exec(error.message)?.[0];
}

function messageOf(error: Error, frames: Frame[]): string | undefined {
  if (error instanceof ExpectedError) return undefined; // Its code says it; its message is for who asked.
  if (KNOWN_MESSAGES.test(error.message)) return error.message;
  const system = systemMessage(error);
  if (system !== undefined) return system;
  if (error instanceof ExportStoreError) return masked(error.message);
  const plain = PLAIN_KINDS.has(error.name) || error.constructor.name === 'LeaseLostError';
  return plain && frames[0]?.own ? masked(error.message) : undefined;
}

/** `connect ECONNREFUSED 127.0.0.1:5432`, without the path or query that others add. */
function systemMessage(error: Error): string | undefined {
  const syscall = word(error, 'syscall');
  const code = word(error, 'code');
  if (syscall === undefined || code === undefined) return undefined;
  const host: unknown = Reflect.get(error, 'address') ?? Reflect.get(error, 'hostname');
  const port: unknown = Reflect.get(error, 'port');
  const where = typeof host === 'string' && /^[\w.:-]{1,100}$/.test(host) ? ` ${host}` : '';
  return `${syscall} ${code}${where}${typeof port === 'number' ? `:${port}` : ''}`;
}

/** What is quoted in a message, or looks like a key, an address or a number of a person, came from outside. */
function masked(message: string): string {
  const bare = message
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`|“[^”]*”|‘[^’]*’/g, '…')
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '…')
    .replaceAll(/\b(?:sk|whsec|tsk)[-_][\w-]+/g, '…')
    .replaceAll(/\S+@\S+/g, '…')
    .replaceAll(/\+\d[\d\s()-]{5,}\d/g, '…')
    .replaceAll(/\s+/g, ' ');
  return bare.length > LONGEST_MESSAGE ? `${bare.slice(0, LONGEST_MESSAGE)}…` : bare;
}

/** What PostgreSQL tells beside its message, directly or through Prisma, is about our schema, not about values. */
function databaseFacts(error: Error): Pick<SafeError, 'sqlState' | 'table' | 'constraint'> {
  const adapted: unknown = Reflect.get(error, 'meta');
  const inner: unknown = adapted instanceof Object ? Reflect.get(adapted, 'driverAdapterError') : undefined;
  const cause: unknown = inner instanceof Error ? inner.cause : error.cause;
  const sources = [error, ...(cause instanceof Object ? [cause] : [])];
  const first = (property: string) => sources.map((source) => word(source, property)).find(Boolean);
  return {
    ...present('sqlState', first('originalCode')),
    ...present('table', first('table')),
    ...present('constraint', first('constraint')),
  };
}

interface Frame {
  /** `at function (file:line:column)`. */
  text: string;
  /** Whether the line is this program's. */
  own: boolean;
}

/** The lines of a stack that say where, in files named from the root of the package. */
function framesOf({ stack, message }: Error): Frame[] {
  if (typeof stack !== 'string') return [];
  // A message may have lines that look like places. Where it is not found, it was changed afterwards: no line is believed.
  const at = message === '' ? 0 : stack.indexOf(message);
  if (at === -1) return [];
  return stack
    .slice(at + message.length)
    .split('\n')
    .flatMap((line) => frameOf(line) ?? [])
    .slice(0, MOST_FRAMES);
}

function frameOf(line: string): Frame | undefined {
  const found = /^\s+at (?:(.{1,200}) \()?(?:file:\/\/)?([^()]+):(\d+):(\d+)\)?$/.exec(line);
  if (!found) return undefined;
  const [, caller = '<anonymous>', file = '', row, column] = found;
  const inside = file.startsWith(root) ? file.slice(root.length) : undefined;
  const named = inside ?? (file.startsWith('node:') ? file : `…/${file.split('/').at(-1)}`);
  return {
    text: `at ${caller} (${named}:${row}:${column})`,
    own: inside !== undefined && !OTHERS.test(inside),
  };
}
