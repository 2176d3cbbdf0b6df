/** The server as it is started by `npm start`, with the sandbox and a directory of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/main.ts';

export interface FuzzedServer {
  url: string;
  dataDir: string;
  /** The lines of the log that tell of errors. */
  errors: () => string[];
  close: () => Promise<void>;
}

const ERROR = 50;

export async function startFuzzedServer(databaseUrl?: string): Promise<FuzzedServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tunesmith-fuzz-'));
  const errors: string[] = [];
  const log = pino(
    { level: 'error', base: null },
    { write: (line: string) => void (levelOf(line) >= ERROR && errors.push(line)) },
  );
  const config = readConfig({
    DATA_DIR: dataDir,
    PORT: '0',
    SANDBOX_SPEED: '1000',
    OPENAI_WEBHOOK_SECRET: `whsec_${Buffer.from('a secret for fuzzing alone').toString('base64')}`,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  });
  const server = await startServer(config, log);
  return {
    url: server.url,
    dataDir,
    errors: () => errors,
    async close() {
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function levelOf(line: string): number {
  return Number(/"level":(\d+)/.exec(line)?.[1] ?? 0);
}
