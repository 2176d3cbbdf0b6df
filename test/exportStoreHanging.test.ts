/** A disk that hangs, as one over a network may: what waits for it is told so, and it is asked no more until it is back. */
import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDirectoryStore } from '../src/services/exportStore/directory.ts';
import type { ExportStore } from '../src/services/exportStore/port.ts';
import { ExportStoreError } from '../src/services/exportStore/storeError.ts';
import { expectAllClosed } from './support/openFiles.ts';

let hangs = false;
const waiting: (() => void)[] = [];

/** While the disk hangs, a call begins when it is back. */
function hanging<Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) {
  return async (...args: Args) => {
    if (hangs) await new Promise<void>((resolve) => void waiting.push(resolve));
    return call(...args);
  };
}

const { stat, mkdir, mkdtemp, open, readdir, rm, writeFile } = fs;
beforeAll(() => {
  Object.assign(fs, { stat: hanging(stat), mkdir: hanging(mkdir), rm: hanging(rm) });
  syncBuiltinESMExports();
});
afterAll(() => {
  Object.assign(fs, { stat, mkdir, rm });
  syncBuiltinESMExports();
});

let directory: string;
let store: ExportStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tunesmith-hanging-'));
  store = createDirectoryStore(directory, { connect: 100, answer: 100, idle: 100 });
});
afterEach(async () => {
  comeBack();
  await rm(directory, { recursive: true, force: true });
});

function comeBack(): void {
  hangs = false;
  for (const go of waiting.splice(0)) go();
}

async function list(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

const overdue = expect.objectContaining({
  code: 'STORE_TIMED_OUT',
  problem: expect.stringMatching(/^The directory .* does not answer in time$/),
});

const calls: [string, () => Promise<unknown>][] = [
  ['size', () => store.size('key')],
  ['delete', () => store.delete('key')],
  ['create', () => store.create()],
  ['list', list],
];

test.each(calls)('%s tells that the disk hangs', async (_name, call) => {
  hangs = true;
  await expect(call()).rejects.toEqual(overdue);
});

test('a writer whose disk hangs is told so once, and leaves nothing open when it is back', async () => {
  const writer = await store.create();
  await writer.write('what a caller said');
  hangs = true;
  await expect(writer.finish(() => 'key')).rejects.toEqual(overdue);
  await expect(store.create()).rejects.toEqual(overdue);
  comeBack();
  await expect.poll(() => readdir(join(directory, 'tmp'))).toEqual([]);
  await expectAllClosed(directory);
});

test('a file that does not come is told of, and two of them keep the third from waiting', async () => {
  const path = join(directory, 'key');
  execFileSync('mkfifo', [path]); // Opening it hangs until somebody writes.
  const began = performance.now();
  const reads = await Promise.allSettled([text(store.open('key')), text(store.open('key'))]);
  expect(reads).toEqual([
    { status: 'rejected', reason: overdue },
    { status: 'rejected', reason: overdue },
  ]);
  expect(performance.now() - began).toBeGreaterThan(90);
  const asked = performance.now();
  await expect(store.size('key')).rejects.toBeInstanceOf(ExportStoreError);
  expect(performance.now() - asked).toBeLessThan(90);
  await (await open(path, constants.O_RDWR)).close(); // The disk is back.
  await expect.poll(() => store.size('other').catch(() => 'hangs')).toBeNull();
});

test('a reader may take its time', async () => {
  const content = 'x'.repeat(1_000_000);
  await writeFile(join(directory, 'key'), content);
  let read = '';
  for await (const chunk of store.open('key')) {
    if (read === '') await after(300);
    read += String(chunk);
  }
  expect(read).toBe(content);
});
