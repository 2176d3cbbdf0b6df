/** An S3 server on this machine, and stores in its bucket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from '@20minutes/s3rver';
import { createS3Store, type S3StoreOptions } from '../../src/services/exportStore/s3.ts';

export interface S3Server {
  /** What it takes to reach the bucket; its files are kept apart by prefixes. */
  options: Omit<S3StoreOptions, 'prefix' | 'spoolDirectory'>;
  /** A store of its own in the bucket. */
  store(
    prefix: string,
    spoolDirectory: string,
    change?: Partial<S3StoreOptions>,
  ): ReturnType<typeof createS3Store>;
  close(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'tunesmith-s3-'));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    // It gets the signature of lists wrong: the SDK signs the path with the slash that ends it. Access keys are checked.
    allowMismatchedSignatures: true,
    configureBuckets: [{ name: 'exports' }],
  });
  const { port } = await server.run();
  const options = {
    bucket: 'exports',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    pathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  };
  return {
    options,
    store: (prefix, spoolDirectory, change) =>
      createS3Store({ ...options, prefix, spoolDirectory, ...change }),
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
