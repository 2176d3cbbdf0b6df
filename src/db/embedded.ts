/**
 * The embedded database: PGlite (PostgreSQL as WebAssembly) in a thread of its own, spoken to by the ordinary `pg`
 * client over a message port instead of a socket. So there is one client and one dialect for both kinds of database,
 * and nothing that another process on the machine could connect to.
 */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { makeDirectory } from '../makeDirectory.ts';
import { workerUrl } from '../paths.ts';
import type { DirectoryLock } from './lock.ts';

export interface EmbeddedOptions {
  /** Where the database lies; without it, in memory. Created when missing. */
  dataDir?: string | undefined;
  /** The image (image.ts) that a new database starts from; without it, it starts empty. */
  image?: string | undefined;
}

export type EmbeddedWorkerData = EmbeddedOptions;

/** What the worker says once, when it is ready. */
export interface EmbeddedReady {
  fromImage: boolean;
}

export interface EmbeddedDatabase {
  /** Whether the database was made just now, from the image. */
  readonly fromImage: boolean;
  /** Opens one more connection, as `pg`'s `stream` option wants it. */
  connect(): Duplex;
  /** Settles, with the cause, when the database's thread dies by itself; never when `close` ended it. */
  readonly died: Promise<Error>;
  close(): Promise<void>;
}

/** Opens a database. Throws DirectoryLockedError while another process has the directory open. */
export async function openEmbedded({ dataDir, image }: EmbeddedOptions): Promise<EmbeddedDatabase> {
  let lock: DirectoryLock | undefined;
  if (dataDir !== undefined) {
    makeDirectory(dataDir);
    // Native code, which a server with a database of its own does without.
    const { lockDirectory } = await import('./lock.ts');
    lock = lockDirectory(dataDir);
  }
  const workerData: EmbeddedWorkerData = { dataDir, image };
  const worker = new Worker(workerUrl('embeddedWorker'), { workerData });
  let ready: EmbeddedReady;
  try {
    [ready] = await once(worker, 'message');
  } catch (cause) {
    lock?.release();
    throw new Error(`The embedded database could not be opened in ${dataDir ?? 'memory'}`, { cause });
  }
  let closing = false;
  const died = new Promise<Error>((resolve) => {
    worker.once('error', resolve);
    worker.once('exit', (code) => {
      if (!closing) resolve(new Error(`The embedded database's thread ended with code ${code}`));
    });
  });
  return {
    fromImage: ready.fromImage,
    died,
    connect() {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage(port2, [port2]);
      return new PortStream(port1);
    },
    async close() {
      closing = true;
      const exited = once(worker, 'exit');
      worker.postMessage('close');
      await exited;
      lock?.release();
    },
  };
}

/** A message port as the socket that `pg` expects: `connect`, `setNoDelay` and the like are a socket's. */
class PortStream extends Duplex {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    super();
    this.#port = port;
    port.on('message', (chunk: Uint8Array) => this.push(chunk));
    port.on('close', () => this.destroy());
  }

  connect(): this {
    queueMicrotask(() => this.emit('connect'));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    this.#port.ref();
    return this;
  }
  unref(): this {
    this.#port.unref();
    return this;
  }

  // `pg` writes whole protocol messages and the worker answers chunk by chunk, so nothing needs to be framed here.
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#port.postMessage(chunk);
    done();
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    const whole = new Uint8Array(chunks.reduce((length, { chunk }) => length + chunk.length, 0));
    let at = 0;
    for (const { chunk } of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#port.postMessage(whole, [whole.buffer]); // Handed over, which spares a copy.
    done();
  }
  override _read(): void {
    // The port pushes; a `pg` client always reads.
  }
  override _final(done: () => void): void {
    this.#port.close();
    done();
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port.close();
    done(error);
  }
}
