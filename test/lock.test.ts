import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openDatabase } from '../src/db/database.ts';
import { DirectoryLockedError, lockDirectory } from '../src/db/lock.ts';

const onError = (error: Error) => console.error(error);
const newDirectory = () => mkdtempSync(join(tmpdir(), 'tunesmith-lock-'));
const child = fileURLToPath(new URL('support/databaseChild.ts', import.meta.url));

test('a directory has one holder, who is named to the others, and is free when let go', () => {
  const directory = newDirectory();
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(DirectoryLockedError);
  expect(() => lockDirectory(directory)).toThrow(`process ${process.pid} on `);
  expect(() => lockDirectory(directory)).toThrow('DATA_DIR');
  lock.release();
  const next = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(DirectoryLockedError);
  next.release();
  const other = join(directory, 'other');
  mkdirSync(other);
  const [one, two] = [lockDirectory(directory), lockDirectory(other)];
  one.release();
  two.release();
});

test('a database that another process has open is refused; killed, it frees the directory and keeps what it acknowledged', async () => {
  const dataDir = newDirectory();
  const running = spawn(process.execPath, ['--import', 'tsx', child, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(running, 'exit');
  const lines = createInterface(running.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('open');
  await expect(openDatabase({ dataDir, onError })).rejects.toThrow(DirectoryLockedError);
  await expect(openDatabase({ dataDir, onError })).rejects.toThrow(`process ${running.pid} on `);
  let acknowledged = 0;
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    acknowledged = Number(line);
    if (acknowledged === 200) running.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  const db = await openDatabase({ dataDir, onError });
  const [kept] = await db.asSystem(
    (tx) =>
      tx.$queryRaw<
        { count: number; last: string }[]
      >`SELECT count(*)::int AS count, max(name) AS last FROM tenants`,
  );
  expect(acknowledged).toBeGreaterThanOrEqual(200);
  expect(kept?.count).toBeGreaterThanOrEqual(acknowledged);
  expect(kept?.count).toBeLessThanOrEqual(acknowledged + 1);
  await db.close();
}, 120_000);
