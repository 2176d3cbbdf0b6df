/** Exporting to a file and over HTTP, against psql's \copy of the same text. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { race, median, sizesAt, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { copyTo } from './psql.ts';
import { makeExamples, settle } from './seed.ts';
import { ExportDataset } from './serverDocuments.ts';
import { clientOf } from './client.ts';
import type { Product } from './processes.ts';
import { withWorld, type Tenant, type World } from './world.ts';

/** What the figures are called by, whatever the scale. */
const SIZES = { '': 100_000, Fourfold: 400_000 };
const GOALS = { speed: 0.9, memoryMb: 150, firstByteMs: 50 };

export const exporting: Benchmark = {
  name: 'export',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, (world) => measure(world, options)),
};

interface Subject {
  world: World;
  /** A provider elsewhere, as in production: the sandbox would be a thread of the server's own. */
  provider: Record<string, string>;
  tenant: Tenant;
  server: Product;
  datasetId: string;
  /** What was exported last. */
  url: string;
  bytes: number;
}

interface Sizes {
  megabytes: number;
  /** In seconds. */
  file: number;
  download: number;
  both: number;
  limit: number;
  firstByteMs: number;
  filePeakMb: number;
  downloadPeakMb: number;
}

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure[]> {
  const tenant = await world.addTenant('Bench');
  const provider = await world.startProvider();
  const figures: Figure[] = [];
  for (const { name, size: examples } of sizesAt(scale, SIZES, 1000)) {
    tell(`export: ${examples} examples, to a file, over HTTP and the limit in turns`);
    const made = { tenantId: tenant.id, seed, count: examples, name: `${examples} examples`, answer: 4 };
    const datasetId = await makeExamples(world.sql, made);
    await settle(world.sql);
    const server = await world.startProduct('server', provider);
    const subject = { world, provider, tenant, server, datasetId, url: '', bytes: 0 };
    figures.push(...figuresOf(name, await measureSize(subject, rounds)));
    await subject.server.close();
    await world.sql.query('TRUNCATE finetuning_datasets CASCADE');
  }
  return figures;
}

async function measureSize(subject: Subject, rounds: number): Promise<Sizes> {
  const { world } = subject;
  const firstBytes: number[] = [];
  const file = join(world.directory, 'limit.jsonl');
  const took = await race<null>(
    [
      {
        name: 'both',
        before: () => forget(subject),
        run: async () => {
          await exportIt(subject);
          return (await download(subject)).sha256;
        },
      },
      { name: 'file', before: () => forget(subject), run: () => exportIt(subject) },
      {
        name: 'download',
        run: async () => {
          const { sha256, firstByteMs } = await download(subject);
          firstBytes.push(firstByteMs);
          return sha256;
        },
      },
      {
        name: 'limit',
        run: () => copyTo(world.databaseUrl, linesOf(subject), file),
        result: () => sha256Of(file),
      },
    ],
    () => null,
    rounds,
  );
  const of = (name: string) => took.get(name) ?? NaN;
  // In a new process, that has done nothing before: first what takes less.
  await subject.server.close();
  subject.server = await world.startProduct('server', subject.provider);
  await download(subject);
  const downloadPeakMb = subject.server.peakMb();
  await forget(subject);
  await exportIt(subject);
  return {
    megabytes: subject.bytes / 1e6,
    file: of('file'),
    download: of('download'),
    both: of('both'),
    limit: of('limit'),
    firstByteMs: median(firstBytes),
    filePeakMb: subject.server.peakMb(),
    downloadPeakMb,
  };
}

function figuresOf(name: string, size: Sizes): Figure[] {
  const { speed, memoryMb, firstByteMs } = GOALS;
  const megabytesPerSecond = (seconds: number) => size.megabytes / seconds;
  const common = { unit: 'MB/s', limit: megabytesPerSecond(size.limit), peer: null };
  return [
    {
      ...common,
      name: `export${name}`,
      ours: megabytesPerSecond(size.file),
      goal: `${speed} of \\copy, ${memoryMb} MB`,
      reached: size.file * speed <= size.limit && size.filePeakMb <= memoryMb,
      peakMemoryMb: size.filePeakMb,
      also: { megabytes: size.megabytes },
    },
    {
      ...common,
      name: `exportHttp${name}`,
      ours: megabytesPerSecond(size.download),
      goal: `${speed} of \\copy, ${memoryMb} MB, first byte within ${firstByteMs} ms`,
      reached:
        size.download * speed <= size.limit &&
        size.downloadPeakMb <= memoryMb &&
        size.firstByteMs <= firstByteMs,
      peakMemoryMb: size.downloadPeakMb,
      also: {
        firstByteMs: size.firstByteMs,
        withExportMbPerSecond: megabytesPerSecond(size.both),
      },
    },
  ];
}

/** The text of each line as JSON.stringify writes it. That each is a question and an answer is known beforehand. */
const linesOf = ({ datasetId }: Subject): string =>
  `SELECT '{"messages":[{"role":"user","content":' || to_json(messages -> 0 ->> 'content')::text
      || '},{"role":"assistant","content":' || to_json(messages -> 1 ->> 'content')::text || '}]}'
    FROM finetuning_examples WHERE dataset_id = '${datasetId}' AND validated ORDER BY position`;

/** Exports as if for the first time. Gives the file's SHA-256. */
async function exportIt(subject: Subject): Promise<string> {
  const input = { datasetId: encodeGlobalID('Dataset', subject.datasetId) };
  const client = clientOf(subject.server.url, subject.tenant);
  const { exportDataset } = await client.ask(ExportDataset, { input });
  if (!('sha256' in exportDataset)) throw new Error(`Exporting was refused: ${exportDataset.message}`);
  subject.url = exportDataset.downloadUrl;
  subject.bytes = exportDataset.bytes;
  return exportDataset.sha256;
}

/** What was exported before would only be found. */
async function forget({ world }: Subject): Promise<void> {
  await world.sql.query('TRUNCATE finetuning_exports CASCADE');
  await rm(join(world.directory, 'server', 'exports'), { recursive: true, force: true });
}

async function download({ server, url }: Subject): Promise<{ sha256: string; firstByteMs: number }> {
  const hash = createHash('sha256');
  const began = performance.now();
  let firstByteMs = NaN;
  const { pathname, search } = new URL(url); // Every process listens on a port of its own.
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    get(`${server.url}${pathname}${search}`, (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`The download was answered with ${answer.statusCode}`));
    }).on('error', reject);
  });
  for await (const chunk of response) {
    if (Number.isNaN(firstByteMs)) firstByteMs = performance.now() - began;
    hash.update(chunk);
  }
  return { sha256: hash.digest('hex'), firstByteMs };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
