/**
 * `npm run fuzz`: sends a server requests and frames made from a seed. The exit code is 1 when an answer was one of 5xx, or
 * showed what it must not; with --json the last line is one object.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { fuzz } from './fuzz.ts';
import { startFuzzedServer } from './server.ts';

interface Options {
  requests: number;
  frames: number;
  seed: number;
  databaseUrl?: string;
  json: boolean;
}

const { requests, frames, seed, databaseUrl, json } = new Command('fuzz')
  .description(
    'Sends a server of its own what nobody should send: no 5xx, no crash, nothing of the inside told.',
  )
  .option('--requests <n>', 'how many HTTP requests', whole, 20_000)
  .option('--frames <n>', 'how many frames over WebSockets', whole, 5_000)
  .option('--seed <n>', 'what they are made from; another each time unless given', whole, randomInt(2 ** 31))
  .option('--database-url <url>', 'an empty PostgreSQL database; embedded without it')
  .option('--json', 'print one object as the last line', false)
  .parse()
  .opts<Options>();

process.stderr.write(`Seed ${seed}\n`);
const began = performance.now();
const server = await startFuzzedServer(databaseUrl);
const result = await fuzz(server, {
  requests,
  frames,
  seed,
  tell: (words) => process.stderr.write(`${words}\n`),
});

for (const { what, sent, answered } of result.faults.slice(0, 20)) {
  process.stdout.write(`\n${what}\n> ${shortened(sent)}\n< ${shortened(answered)}\n`);
}
const { faults, ...figures } = result;
const seconds = Math.round((performance.now() - began) / 1000);
const summary = { ...figures, faults: faults.length, seconds };
process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `\n${JSON.stringify(summary, null, 2)}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
await server.close();

function shortened(text: string): string {
  return text.length > 3_000 ? `${text.slice(0, 3_000)}… (${text.length} characters)` : text;
}

function whole(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
