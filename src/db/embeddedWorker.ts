/**
 * The embedded database's own thread. PGlite resolves its promises in microtasks and would starve the timers and
 * sockets of whatever thread it works on, so it lives here alone. Every message from the parent is the port of one new
 * connection, on which PostgreSQL's wire protocol travels as bytes (each chunk holds whole protocol messages), or
 * 'close'. PGlite has a single session: connections are served one after the other, never side by side.
 */
import { PGlite } from '@electric-sql/pglite';
import { once } from 'node:events';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

/** The first byte of the protocol's Terminate message. */
const TERMINATE = 'X'.charCodeAt(0);

const parent = parentPort;
if (!parent) throw new Error('embeddedWorker runs as a worker thread only');

const pglite = await PGlite.create(String(workerData));
let served = Promise.resolve();

parent.on('message', (message: MessagePort | 'close') => {
  served = served.then(() => (message === 'close' ? close() : serve(message)));
});
parent.postMessage('ready');

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
