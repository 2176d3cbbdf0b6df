// Makes the database client. Prisma's command line looks for its native schema engine, which it would download and which
// `generate` does not use: it is told of a program that is always there.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync('prisma generate', {
  shell: true,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  },
});
process.exit(status ?? 1);
