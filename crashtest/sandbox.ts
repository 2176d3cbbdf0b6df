/**
 * A sandbox in a process of its own, so that it outlives the servers that are killed. `--data-dir` says where it keeps
 * its files, `--port` and `--speed` are the sandbox's own. It is forked, speaks the messages of messages.ts with its
 * parent, and ends when the parent lets go of it or dies.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { createFaults } from '../src/sandbox/faults.ts';
import { startSandbox } from '../src/sandbox/server.ts';
import { toSandbox, type FromSandbox, type ToSandbox } from './messages.ts';

const args = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    port: { type: 'string', default: '0' },
    speed: { type: 'string', default: '1' },
  },
});
const options = z
  .object({
    'data-dir': z.string().min(1),
    port: z.coerce.number().int().min(0).max(65_535),
    speed: z
      .string()
      .transform(Number)
      .refine((speed) => speed > 0, 'Expected a number above 0, or Infinity'),
  })
  .parse(args.values);

if (process.send === undefined) throw new Error('The sandbox is to be forked by its harness.');
let close = async (): Promise<void> => process.exit();
process.once('disconnect', () => void close());

const faults = createFaults();
const sandbox = await startSandbox({
  dataDir: options['data-dir'],
  port: options.port,
  speed: options.speed,
  faults,
}).catch((error: unknown) => {
  console.error(`The sandbox cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
close = () => sandbox.close();

faults.onHeld(say);
process.on('message', (message) => say(answerTo(toSandbox.parse(message))));
say({ url: sandbox.url });

function answerTo(message: ToSandbox): FromSandbox {
  if ('faults' in message) {
    faults.set(message.faults);
    return { faultsSet: true };
  }
  if ('releaseHeld' in message) return { released: faults.releaseHeld() };
  return { ledger: sandbox.ledger.read() };
}

function say(message: FromSandbox): void {
  // A parent that has gone is told nothing; the 'disconnect' ends this process.
  if (process.connected) process.send?.(message, () => undefined);
}
