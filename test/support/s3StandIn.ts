/** A server in the place of a bucket's, that answers as a test says: for what the S3 server of the tests cannot do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createS3Store } from '../../src/services/exportStore/s3.ts';
import type { Patience } from '../../src/services/exportStore/patience.ts';
import type { ExportStore } from '../../src/services/exportStore/port.ts';

export interface S3StandIn {
  host: string;
  store(spoolDirectory: string, patience?: Patience): ExportStore;
  close(): void;
}

export async function startS3StandIn(
  answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void,
): Promise<S3StandIn> {
  const server = createServer((request, response) =>
    answer(request, response, new URL(request.url ?? '/', 'http://stand-in')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The stand-in has no port');
  const host = `127.0.0.1:${address.port}`;
  return {
    host,
    store: (spoolDirectory, patience) =>
      createS3Store({
        bucket: 'exports',
        region: 'us-east-1',
        endpoint: `http://${host}`,
        pathStyle: true,
        credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
        prefix: 'mine/',
        spoolDirectory,
        patience,
      }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What S3 says when it refuses; of a HEAD only the status arrives. */
export function refuseAsS3(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`);
}

/** A page of a list (ListObjectsV2) of the keys, at most 1,000 of them, as S3 makes it. */
export function listAsS3(response: ServerResponse, url: URL, keys: readonly string[]): void {
  const after = Buffer.from(url.searchParams.get('continuation-token') ?? '', 'base64').toString();
  const prefix = url.searchParams.get('prefix') ?? '';
  const left = keys.toSorted().filter((key) => key.startsWith(prefix) && key > after);
  const page = left.slice(0, Math.min(1000, Number(url.searchParams.get('max-keys') ?? 1000)));
  const isTruncated = page.length < left.length;
  const token = isTruncated ? Buffer.from(page.at(-1) ?? '').toString('base64') : undefined;
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>
     ${token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`}
     ${page.map((key) => `<Contents><Key>${key}</Key><LastModified>2026-11-01T10:00:00.000Z</LastModified></Contents>`).join('')}
     </ListBucketResult>`,
  );
}
