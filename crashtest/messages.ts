/** What a sandbox in a process of its own and its parent say to each other, and the parent's side of it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { faultPlan, type FaultPlan, type Held } from '../src/sandbox/faults.ts';
import { ledgerReading, type LedgerReading } from '../src/sandbox/ledger.ts';

/** To the sandbox. Each is answered by one message, in order. */
export const toSandbox = z.union([
  /** Replaces the plan; answered by `faultsSet`. */
  z.strictObject({ faults: faultPlan }),
  /** Answered by `released`. */
  z.strictObject({ releaseHeld: z.literal(true) }),
  /** Answered by `ledger`. */
  z.strictObject({ askLedger: z.literal(true) }),
]);

const held = z.strictObject({ held: z.enum(['create', 'upload']), runId: z.string().exactOptional() });
const answer = z.union([
  /** It listens: the first message of all. */
  z.strictObject({ url: z.url() }),
  z.strictObject({ faultsSet: z.literal(true) }),
  z.strictObject({ released: z.number() }),
  z.strictObject({ ledger: ledgerReading }),
]);

/** From the sandbox: answers, and between them what is held, when it is. */
const fromSandbox = z.union([held, answer]);

export type ToSandbox = z.infer<typeof toSandbox>;
export type FromSandbox = z.infer<typeof fromSandbox>;

export interface SandboxProcessOptions {
  /** Where it keeps its files; made when it is not there. */
  dataDir: string;
  /** Any free port when left out. */
  port?: number;
  /** As the sandbox's own: 1 when left out, Infinity for no waits. */
  speed?: number;
  /** The program: sandbox.ts beside this file when left out; a bundle of it, in JavaScript, runs as well. */
  entry?: URL;
}

/** A sandbox in a process of its own. What is waited for rejects when the process ends. */
export interface SandboxProcess {
  /** The base URL for a client, such as http://127.0.0.1:1234/v1; its key is 'sandbox'. */
  url: string;
  /** Resolves when the plan is in force. It replaces the one before. */
  setFaults(plan: FaultPlan): Promise<void>;
  /**
   * The next request that is held and was not told of yet; waits for one. What is released, or held no more
   * because its client left, is told of only as long as `releaseHeld` was not called since.
   */
  held(): Promise<Held>;
  /** Lets what is held go on; resolves with how many requests that were. */
  releaseHeld(): Promise<number>;
  ledger(): Promise<LedgerReading>;
  /** Ends the process; its data directory stays. */
  close(): Promise<void>;
}

/** How long a sandbox may take to end by itself, in milliseconds. */
const CLOSE_MS = 5_000;

/** Starts a sandbox in a process of its own. Rejects when it ends before it listens; why is on the standard error. */
export async function openSandboxProcess(options: SandboxProcessOptions): Promise<SandboxProcess> {
  const entry = fileURLToPath(options.entry ?? new URL('sandbox.ts', import.meta.url));
  const args = [
    ['--data-dir', path.resolve(options.dataDir)],
    ['--port', String(options.port ?? 0)],
    ['--speed', String(options.speed ?? 1)],
  ].flat();
  const child = fork(entry, args, {
    // From its own folder tsx is found wherever the parent stands.
    cwd: path.dirname(entry),
    execArgv: entry.endsWith('.ts') ? ['--import', 'tsx'] : [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const answers = mailbox<z.infer<typeof answer>>();
  const holds = mailbox<Held>();
  function end(error: Error): void {
    answers.end(error);
    holds.end(error);
  }
  child.on('error', end);
  child.on('exit', (code, signal) => end(new Error(`The sandbox's process ended (${signal ?? code}).`)));
  child.on('message', (message) => {
    const said = fromSandbox.safeParse(message);
    if (!said.success) end(new Error('The sandbox said what is no message.', { cause: said.error }));
    else if ('held' in said.data) holds.put(said.data);
    else answers.put(said.data);
  });

  async function ask(message: ToSandbox) {
    // Parsed here too, so that what is wrong rejects here and does not end the sandbox.
    const checked = toSandbox.parse(message);
    if (child.connected) child.send(checked, (error) => error !== null && end(error));
    return await answers.take();
  }

  async function close(): Promise<void> {
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
    await exited;
    clearTimeout(late);
  }

  const first = await answers.take();
  if (!('url' in first)) throw unexpected(first);
  return {
    url: first.url,
    close,
    held: () => holds.take(),
    async setFaults(plan) {
      const said = await ask({ faults: plan });
      if (!('faultsSet' in said)) throw unexpected(said);
    },
    async releaseHeld() {
      const said = await ask({ releaseHeld: true });
      if (!('released' in said)) throw unexpected(said);
      // Messages come in order: what was told of before the answer is held no more.
      holds.clear();
      return said.released;
    },
    async ledger() {
      const said = await ask({ askLedger: true });
      if (!('ledger' in said)) throw unexpected(said);
      return said.ledger;
    },
  };
}

function unexpected(said: FromSandbox): Error {
  return new Error(`The sandbox answered something else: ${JSON.stringify(said)}`);
}

/** What came and who waits for it, both in order. */
function mailbox<T>() {
  const come: T[] = [];
  const waiting: { resolve: (value: T) => void; reject: (error: Error) => void }[] = [];
  let ended: Error | undefined;
  return {
    put(value: T): void {
      const waiter = waiting.shift();
      if (waiter === undefined) come.push(value);
      else waiter.resolve(value);
    },
    take: () =>
      new Promise<T>((resolve, reject) => {
        const [value] = come.splice(0, 1);
        if (value !== undefined) resolve(value);
        else if (ended === undefined) waiting.push({ resolve, reject });
        else reject(ended);
      }),
    clear(): void {
      come.length = 0;
    },
    end(error: Error): void {
      ended ??= error;
      for (const { reject } of waiting.splice(0)) reject(ended);
    },
  };
}
