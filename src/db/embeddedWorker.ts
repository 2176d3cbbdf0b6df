/**
 * The embedded database's own thread. PGlite resolves its promises in microtasks and would starve the timers and
 * sockets of whatever thread it works on, so it lives here alone. Every message from the parent is the port of one new
 * connection, on which PostgreSQL's wire protocol travels as bytes (each chunk holds whole protocol messages), or
 * 'close'. PGlite has a single session: connections are served one after the other, never side by side.
 */
import { PGlite } from '@electric-sql/pglite';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { EmbeddedReady, EmbeddedWorkerData } from './embedded.ts';

/** The first byte of the protocol's Terminate message. */
const TERMINATE = 'X'.charCodeAt(0);

const IN_MEMORY = 'memory://';
/** What lies in memory need not lie there twice: to set up PostgreSQL's usual 128 MB takes a fifth of the start. */
const FEW_BUFFERS = ['-c', 'shared_buffers=32MB'];

const parent = parentPort;
if (!parent) throw new Error('embeddedWorker runs as a worker thread only');

const { dataDir, image }: EmbeddedWorkerData = workerData;
const { pglite, fromImage } = dataDir === undefined ? await create(IN_MEMORY) : await openIn(dataDir);
let served = Promise.resolve();

parent.on('message', (message: MessagePort | 'close') => {
  served = served.then(() => (message === 'close' ? close() : serve(message)));
});
parent.postMessage({ fromImage } satisfies EmbeddedReady);

/** Opens the directory's database. What a process left behind that ended while it made one is made anew. */
async function openIn(directory: string): Promise<{ pglite: PGlite; fromImage: boolean }> {
  const pgdata = join(directory, 'pgdata');
  const unfinished = join(directory, 'pgdata.unfinished');
  if (existsSync(unfinished)) rmSync(pgdata, { recursive: true, force: true });
  if (existsSync(pgdata)) return { pglite: await PGlite.create(pgdata), fromImage: false };
  writeFileSync(unfinished, '');
  const made = await create(pgdata);
  rmSync(unfinished);
  return made;
}

async function create(where: string): Promise<{ pglite: PGlite; fromImage: boolean }> {
  const startParams = [...PGlite.defaultStartParams, ...(where === IN_MEMORY ? FEW_BUFFERS : [])];
  if (image === undefined) return { pglite: await PGlite.create(where, { startParams }), fromImage: false };
  const loadDataDir = new Blob([await readFile(image)], { type: 'application/gzip' });
  return { pglite: await PGlite.create(where, { startParams, loadDataDir }), fromImage: true };
}

async function serve(port: MessagePort): Promise<void> {
  let answered = Promise.resolve();
  port.on('message', (chunk: Uint8Array) => {
    if (chunk[0] === TERMINATE) port.close();
    else answered = answered.then(() => answer(port, chunk));
  });
  await once(port, 'close');
  await answered;
  await resetSession();
}

async function answer(port: MessagePort, messages: Uint8Array): Promise<void> {
  // The data is a view on PGlite's own memory, which the next call writes over: send a copy.
  await pglite.execProtocolRawStream(messages, { onRawData: (data) => port.postMessage(data.slice()) });
}

/** A real server forgets a session when its client goes; the one session here has to be told. */
async function resetSession(): Promise<void> {
  await pglite.exec('ROLLBACK');
  await pglite.exec('DISCARD ALL');
}

async function close(): Promise<void> {
  await pglite.close();
  parent?.close();
}
