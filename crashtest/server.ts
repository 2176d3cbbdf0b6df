/**
 * The server in a process of its own, to be killed. It is forked with its configuration in the environment and the
 * options below as its only argument; it ends when its parent lets go of it or dies.
 */
import { writeSync } from 'node:fs';
import { readConfig } from '../src/config.ts';
import { createServerLogger } from '../src/log.ts';
import { startServer } from '../src/main.ts';
import { providersOf } from '../src/providers.ts';
import { createOpenAiProvider } from '../src/services/providers/openai.ts';
import { serverOptions, toServer, type CrashOrder } from './serverProcess.ts';

const options = serverOptions.parse(JSON.parse(process.argv[2] ?? ''));
let order: CrashOrder | null = null;

process.once('disconnect', () => process.exit());
process.on('message', (message) => {
  order = toServer.parse(message).crash;
  process.send?.({ ordered: true });
});

const provider = createOpenAiProvider({
  name: 'sandbox',
  description: 'The sandbox of the crash test.',
  apiKey: 'sandbox',
  baseURL: options.sandboxUrl,
});
const config = readConfig();
const server = await startServer(config, createServerLogger(config), {
  providers: {
    ...providersOf(provider),
    pollPattern: '* * * * * *',
    close: async () => undefined,
  },
  leaseSeconds: options.leaseSeconds,
  reconcileWait: options.reconcileSeconds * 1000,
  missingFor: options.reconcileSeconds * 1000,
  sweepPattern: '*/2 * * * * *',
  reach(point) {
    if (order?.at !== point) return;
    const { signal } = order;
    order = null;
    // Written at once: what is sent like other messages would not get out of a process that ends here.
    writeSync(1, `${point}\n`);
    process.kill(process.pid, signal);
  },
});
process.send?.({ url: server.url });
