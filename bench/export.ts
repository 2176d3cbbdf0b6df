/** Exporting to a file and over HTTP, against psql's \copy of the same text. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { race, median, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { copyTo } from './psql.ts';
import { makeExamples } from './serverData.ts';
import { ExportDataset } from './serverDocuments.ts';
import { withWorld, type World, type WorldTenant } from './world.ts';

/** The first is a tenth of the last, so that it is seen how the cost grows. */
const EXAMPLES = [40_000, 100_000, 400_000];
const GOALS = { speed: 0.9, memoryMb: 150, firstByteMs: 50 };

export const exporting: Benchmark = {
  name: 'export',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, 1, (world) => measure(world, options)),
};

interface Subject {
  world: World;
  tenant: WorldTenant;
  datasetId: string;
  examples: number;
  /** What was exported last. */
  url: string;
  bytes: number;
}

interface Sizes {
  /** What it is called, whatever the scale. */
  name: string;
  examples: number;
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

async function measure(world: World, options: BenchOptions): Promise<Figure[]> {
  const [tenant] = world.tenants;
  if (!tenant) throw new Error('There is no tenant');
  const sizes: Sizes[] = [];
  for (const full of EXAMPLES) {
    const examples = Math.round(full * options.scale);
    options.tell(`export: ${examples} examples, to a file, over HTTP and the limit in turns`);
    const data = { tenantId: tenant.id, seed: options.seed, count: examples, name: `${examples} examples` };
    const datasetId = await makeExamples(world.sql, data);
    const subject = { world, tenant, datasetId, examples, url: '', bytes: 0 };
    const measured = await measureSize(subject, full === EXAMPLES[0] ? 1 : options.rounds);
    sizes.push({ ...measured, name: `${full / 1000}k` });
    await world.sql.query('TRUNCATE finetuning_datasets CASCADE');
  }
  const [tenth, ...shown] = sizes;
  if (!tenth) throw new Error('There is no size');
  return shown.flatMap((size) => figuresOf(size, tenth));
}

async function measureSize(subject: Subject, rounds: number): Promise<Omit<Sizes, 'name'>> {
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
  await world.restart();
  await download(subject);
  const downloadPeakMb = await world.peakMb();
  await forget(subject);
  await world.restart();
  await exportIt(subject);
  return {
    examples: subject.examples,
    megabytes: subject.bytes / 1e6,
    file: of('file'),
    download: of('download'),
    both: of('both'),
    limit: of('limit'),
    firstByteMs: median(firstBytes),
    filePeakMb: await world.peakMb(),
    downloadPeakMb,
  };
}

function figuresOf(size: Sizes, tenth: Sizes): Figure[] {
  const { speed, memoryMb, firstByteMs } = GOALS;
  const megabytesPerSecond = (seconds: number) => size.megabytes / seconds;
  const common = { unit: 'MB/s', limit: megabytesPerSecond(size.limit), peer: null };
  const growth = (what: 'file' | 'download' | 'limit') =>
    (size[what] * tenth.examples) / (tenth[what] * size.examples);
  return [
    {
      ...common,
      name: `exportFile${size.name}`,
      ours: megabytesPerSecond(size.file),
      goal: `${speed} of \\copy, ${memoryMb} MB`,
      reached: size.file * speed <= size.limit && size.filePeakMb <= memoryMb,
      peakMemoryMb: size.filePeakMb,
      also: { megabytes: size.megabytes, costGrowth: growth('file'), limitGrowth: growth('limit') },
    },
    {
      ...common,
      name: `exportHttp${size.name}`,
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
        costGrowth: growth('download'),
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
  const { exportDataset } = await subject.tenant.client.ask(ExportDataset, { input });
  if (!('sha256' in exportDataset)) throw new Error(`Exporting was refused: ${exportDataset.message}`);
  subject.url = exportDataset.downloadUrl;
  subject.bytes = exportDataset.bytes;
  return exportDataset.sha256;
}

/** What was exported before would only be found. */
async function forget({ world }: Subject): Promise<void> {
  await world.sql.query('TRUNCATE finetuning_exports CASCADE');
  await rm(world.exportDir, { recursive: true, force: true });
}

async function download({ url }: Subject): Promise<{ sha256: string; firstByteMs: number }> {
  const hash = createHash('sha256');
  const began = performance.now();
  let firstByteMs = NaN;
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    get(url, (answer) => {
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
