/** A program beside this file in a process of its own, that is told what to do and answers. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Forked {
  say(message: object): void;
  /** The next message. Rejects when the process ends. */
  next(): Promise<unknown>;
  /** Lets go of it, at which it ends. */
  close(): Promise<void>;
}

export function forked(file: string): Forked {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const gone = exited.then(() => {
    throw new Error(`${file} ended`);
  });
  gone.catch(() => undefined);
  return {
    say: (message) => void child.send(message),
    async next() {
      const [said]: unknown[] = await Promise.race([once(child, 'message'), gone]);
      return said;
    },
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
