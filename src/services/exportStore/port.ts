/** Where the files of exports lie. A file is written once, under a key made from its content, and never changed. */
import type { Readable } from 'node:stream';

/** Offsets in bytes, counted from 0, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface StoredFile {
  key: string;
  bytes: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

export interface ListedFile {
  key: string;
  /** When it was written, by the store's clock. */
  writtenAt: Date;
}

/** A file in the making, which nobody sees before `finish`. Await each call before the next. */
export interface ExportWriter {
  /** Appends the bytes, or the text in UTF-8; resolves when more may come. */
  write(chunk: string | Buffer): Promise<void>;
  /**
   * Makes the file durable under the key that `keyOf` makes of its SHA-256 (64 hexadecimal digits). Where the key is
   * taken, the file that has it stays. When it fails, what was written is thrown away.
   */
  finish(keyOf: (sha256: string) => string): Promise<StoredFile>;
  /** Throws away what was written; after `finish` it does nothing. */
  abort(): Promise<void>;
}

/**
 * Each function fails with an ExportStoreError where the store's set-up or the way to it is to blame; neither a bucket nor a
 * disk is waited for without end.
 *
 * Keys are one or more segments of letters, digits, `.`, `_` and `-`, divided by `/`, each beginning with a letter or
 * digit; the first is not `tmp`. Every function throws an Error for any other key.
 */
export interface ExportStore {
  create(): Promise<ExportWriter>;
  /** The file's bytes, or those in the range; the stream fails when there is no such file. */
  open(key: string, range?: ByteRange): Readable;
  /** The same, piece by piece. Each may lie where the one before did, so it is good until the next is asked for. */
  pieces(key: string, range?: ByteRange): AsyncIterable<Buffer>;
  /** In bytes; null when there is no such file. */
  size(key: string): Promise<number | null>;
  /** A file that is not there is no error. */
  delete(key: string): Promise<void>;
  /** All finished files, in no order; those that come or go meanwhile may be among them or not. */
  list(): AsyncIterable<ListedFile>;
}

/** What no key begins with: the directory store keeps files in the making there. */
export const TEMPORARY = 'tmp';

const KEY = /^[a-z0-9][\w.-]*(?:\/[a-z0-9][\w.-]*)*$/i;

export function isKey(key: string): boolean {
  return KEY.test(key) && key.split('/', 1)[0] !== TEMPORARY;
}

/** Throws for what is no key. */
export function requireKey(key: string): string {
  if (!isKey(key)) throw new Error(`"${key}" is no key of an export's file`);
  return key;
}
