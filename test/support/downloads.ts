/** What the tests of downloads share: a real HTTP server around the handler, with one export to download. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { createDownloadHandler } from '../../src/http/downloads.ts';
import { createDownloadLinks } from '../../src/services/downloadLinks.ts';
import { NotFoundError } from '../../src/services/errors.ts';
import type { ExportService } from '../../src/services/export.ts';
import type { ExportFile, ReadyExport } from '../../src/services/exportFiles.ts';
import { createDirectoryStore } from '../../src/services/exportStore/directory.ts';
import type { ExportStore } from '../../src/services/exportStore/port.ts';

export const tenantId = '019ab000-0000-7000-8000-000000000001';
export const exportId = '019ab000-0000-7000-8000-000000000002';
export const content = Array.from({ length: 50 }, (_, index) => `{"messages":[${index},"ä"]}\n`).join('');
export const bytes = Buffer.from(content);
export const sha256 = createHash('sha256').update(bytes).digest('hex');
export const validationContent = '{"messages":["validation"]}\n';
const ready: ReadyExport = {
  id: exportId,
  tenantId,
  datasetId: '019ab000-0000-7000-8000-000000000003',
  format: 'OPENAI_CHAT_JSONL',
  state: 'READY',
  systemPrompt: null,
  selectionHash: new Uint8Array(32),
  exampleCount: 50,
  bytes: BigInt(bytes.length),
  sha256,
  tokens: null,
  longExamples: [],
  validationShare: null,
  splitSeed: null,
  splitGroup: null,
  validationExampleCount: 0,
  validationBytes: null,
  validationSha256: null,
  validationTokens: null,
  personalDataPolicy: 'ALLOW',
  personalDataReport: null,
  taintedAt: null,
  filesDeletedAt: null,
  createdAt: new Date(),
};

/** What a test may change; every test starts from the same. */
interface World {
  now: Date;
  datasetName: string;
  piecesOf: ExportService['piecesOf'];
  hasFile: ExportService['hasFile'];
  /** What was noted as downloaded. */
  noted: unknown[];
  /** What the handler rejected with. */
  failures: unknown[];
}

export const world: World = {
  now: new Date(),
  datasetName: '',
  piecesOf: () => Readable.from([]),
  hasFile: async () => false,
  noted: [],
  failures: [],
};
let base = '';
const none: ExportFile = { key: '', bytes: 0, sha256: '', contentType: '', extension: '' };
/** null: the export was not split. */
export const files: { training: ExportFile; validation: ExportFile | null } = {
  training: none,
  validation: null,
};

export const links = createDownloadLinks({
  keys: [{ kid: 'test', secret: randomBytes(32) }],
  clock: { now: () => world.now },
  baseUrl: () => base,
});
const handler = createDownloadHandler({
  links,
  exports: {
    trainingFile: () => files.training,
    validationFile: () => files.validation,
    requireReady: async (viewer, id) => {
      if (viewer.tenantId !== tenantId || id !== exportId) throw new NotFoundError('export', id);
      return { ...ready, dataset: { name: world.datasetName } };
    },
    piecesOf: (...args) => world.piecesOf(...args),
    hasFile: (...args) => world.hasFile(...args),
    noteDownload: async ({ address }, { id }, part) => void world.noted.push({ address, id, part }),
  },
});

/** Serves one export, from a store on disk, to the test file that calls this at its top. */
export function setUpDownloads(): void {
  let directory = '';
  let openStored: ExportService['piecesOf'];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', base);
    const [, , tenant = '', id = '', file] = url.pathname.split('/').map(decodeURIComponent);
    const part = file === undefined ? 'TRAINING' : 'VALIDATION';
    handler(request, response, { tenantId: tenant, exportId: id, part }, url.searchParams).catch(
      (error: unknown) => {
        world.failures.push(error);
        if (!response.headersSent) response.writeHead(500).end();
      },
    );
  });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tunesmith-downloads-'));
    const store = createDirectoryStore(directory);
    files.training = await stored(store, content);
    files.validation = await stored(store, validationContent);
    openStored = ({ key }, range) => store.pieces(key, range);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port');
    base = `http://127.0.0.1:${address.port}`;
  });
  beforeEach(() => {
    Object.assign(world, {
      now: new Date(),
      datasetName: 'Calls',
      piecesOf: openStored,
      hasFile: async () => true,
      noted: [],
      failures: [],
    } satisfies World);
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });
}

async function stored(store: ExportStore, written: string): Promise<ExportFile> {
  const writer = await store.create();
  await writer.write(written);
  const file = await writer.finish((hash) => `${tenantId}/${hash}.jsonl`);
  return { ...file, contentType: 'application/jsonl; charset=utf-8', extension: 'jsonl' };
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** Sends the headers as they are: fetch adds some of its own and hides others. */
export async function ask(
  link: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const sent = httpRequest(link, { method, headers, agent: false }).end();
  const answered = new Promise<Answer>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
  });
  return answered;
}

export const link = (part: 'TRAINING' | 'VALIDATION' = 'TRAINING') => links.sign(tenantId, exportId, part);
export const json = ({ body }: Answer): unknown => JSON.parse(body.toString());
export const refusal = (code: string) => ({ error: { code, message: expect.any(String) } });
