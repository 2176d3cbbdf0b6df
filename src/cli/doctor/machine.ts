/** The machine: the directory, the space on its disk, the lock of the embedded database, the port. */
import { access, constants, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { DirectoryLockedError, lockDirectory } from '../../db/lock.ts';
import { formatBytes } from '../terminalText.ts';
import { fail, LIMIT, ok, reasonOf, warn, type Finding } from './check.ts';

export async function checkDirectory({ DATA_DIR }: Config): Promise<Finding> {
  const check = 'data directory';
  const mend = 'Give the account that runs the server this directory, or name another with DATA_DIR.';
  const there = nearestThere(DATA_DIR);
  try {
    if (!(await stat(there)).isDirectory()) return fail(check, `${there} is no directory`, mend);
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return fail(check, `${there} cannot be used (${reasonOf(error)})`, mend);
  }
  const foreign = await checkOwner(check, there);
  if (foreign) return foreign;
  if (there !== resolve(DATA_DIR)) return ok(check, `${DATA_DIR} will be made at the first start`);
  return ok(check, DATA_DIR);
}

/** What root writes, the account that runs the server could not use. Null where that is no matter. */
export async function checkOwner(check: string, directory: string): Promise<Finding | null> {
  const there = nearestThere(directory);
  const { uid } = await stat(there);
  if (process.getuid?.() !== 0 || uid === 0) return null;
  const mend = `Run this as the account that runs the server, which it belongs to: for example sudo -u '#${uid}' tunesmith doctor. Only then is all of it looked at.`;
  return warn(check, `${there} is not root’s, and this runs as root`, mend);
}

export async function checkSpace({ DATA_DIR, EXPORT_DIR }: Config, least: number): Promise<Finding> {
  const check = 'free disk';
  const mend = `Make room, or move it with DATA_DIR or EXPORT_DIR. At least ${formatBytes(least)} should be free (--min-free).`;
  try {
    const places = [...new Set([DATA_DIR, EXPORT_DIR ?? DATA_DIR].map(nearestThere))];
    const room = await Promise.all(
      places.map(async (place) => {
        const { bavail, bsize } = await statfs(place);
        return { place, free: bavail * bsize };
      }),
    );
    const tight = room.toSorted((a, b) => a.free - b.free)[0];
    if (tight === undefined) return ok(check, 'nothing to look at');
    const found = `${formatBytes(tight.free)} free where ${tight.place} lies`;
    if (tight.free < least / 10) return fail(check, found, mend);
    return tight.free < least ? warn(check, found, mend) : ok(check, found);
  } catch (error) {
    return warn(check, `unknown (${reasonOf(error)})`, mend);
  }
}

/** Whether nobody has the embedded database open. `free` says whether it may be looked into. */
export function checkLock({ DATA_DIR }: Config): { finding: Finding; free: boolean } {
  const check = 'directory lock';
  if (!existsSync(join(DATA_DIR, 'lock')))
    return { finding: ok(check, 'nobody has ever used it'), free: true };
  try {
    lockDirectory(DATA_DIR).release();
    return { finding: ok(check, 'nobody uses it'), free: true };
  } catch (error) {
    const locked = error instanceof DirectoryLockedError;
    const found = locked ? (error.message.split('. ', 1)[0] ?? '') : `cannot be taken (${reasonOf(error)})`;
    const mend = locked
      ? 'As it should be while the server runs; its /health/ready tells the rest. Stop it to have its database looked at.'
      : 'Give the account that runs the server the file `lock` in DATA_DIR.';
    return { finding: (locked ? warn : fail)(check, found, mend), free: false };
  }
}

export async function checkPort({ HOST, PORT }: Config): Promise<Finding> {
  const check = 'port';
  if (PORT === 0) return ok(check, 'any that is free');
  try {
    await listen(PORT, HOST);
    return ok(check, `${PORT} of ${HOST} is free`);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === 'EADDRINUSE' && (await isTunesmith(HOST, PORT)))
      return ok(check, `${PORT} of ${HOST} is served by Tunesmith`);
    const found =
      reason === 'EADDRINUSE'
        ? `${PORT} of ${HOST} is used by another program`
        : `${PORT} of ${HOST} cannot be listened on (${reason})`;
    return fail(check, found, 'Stop that program, or choose another port with PORT.');
  }
}

/** The directory itself, or of those above it the first that is there. */
function nearestThere(directory: string): string {
  const path = resolve(directory);
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}

function listen(port: number, host: string): Promise<void> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(port, host, () => server.close(() => done()));
  });
}

async function isTunesmith(host: string, port: number): Promise<boolean> {
  try {
    const name = host.includes(':') ? `[${host}]` : host;
    const signal = AbortSignal.timeout(LIMIT);
    const answer: unknown = await (await fetch(`http://${name}:${port}/health/live`, { signal })).json();
    return answer instanceof Object && Reflect.get(answer, 'status') === 'live';
  } catch {
    return false;
  }
}
