/** Importing 100,000 calls over HTTP, as NDJSON and as CSV, against psql's \copy of the same rows; and a gigabyte of them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { race, type Benchmark, type BenchOptions, type Figure } from './frame.ts';
import { copyFromCsv, copyTo, copyToCsv } from './psql.ts';
import { makeCalls } from './seed.ts';
import { withWorld, type Tenant, type World } from './world.ts';

const CALLS = 100_000;
/** Of the time that \copy takes. */
const GOAL = 3;
/** Of the memory for a tenth. */
const FLAT = 1.25;

export const imports: Benchmark = {
  name: 'import',
  group: 'server',
  needsServer: true,
  run: (options) => withWorld(options, (world) => measure(world, options)),
};

const FORMATS = [
  { name: 'import', type: 'application/x-ndjson', extension: 'ndjson' },
  { name: 'importCsv', type: 'text/csv', extension: 'csv' },
] as const;

type Format = (typeof FORMATS)[number];

interface Files {
  calls: number;
  ndjson: string;
  csv: string;
  /** What \copy reads. */
  rows: string;
}

async function measure(world: World, { scale, seed, rounds, tell }: BenchOptions): Promise<Figure[]> {
  const tenant = await world.addTenant('Bench');
  const calls = Math.round(CALLS * scale);
  tell(`import: writing files of ${calls * 10} and ${calls} calls`);
  await makeCalls(world.sql, { tenantId: tenant.id, seed, count: calls * 10 });
  const large = await writeFiles(world, calls * 10, false);
  const usual = await writeFiles(world, calls);

  tell('import: NDJSON, CSV and the limit in turns');
  const server = await world.startProduct('server');
  const took = await raceAll({ world, tenant, url: server.url }, usual, rounds);
  await server.close();
  const figures: Figure[] = [];
  for (const format of FORMATS) {
    tell(`${format.name}: in a new process, and ten times as many`);
    const [peakMemoryMb, peakAtTenTimesMb] = await peaksOf(world, tenant, format, [usual, large]);
    const { size } = await stat(large[format.extension]);
    const ours = took.get(format.name) ?? NaN;
    const limit = took.get('limit') ?? NaN;
    figures.push({
      name: format.name,
      unit: 's',
      ours,
      limit,
      peer: null,
      peakMemoryMb,
      work: calls,
      goal: `${GOAL} times \\copy, flat memory`,
      reached: ours <= GOAL * limit && peakAtTenTimesMb <= FLAT * peakMemoryMb,
      also: {
        callsPerSecond: calls / ours,
        peakAtTenTimesMb,
        tenTimesMb: size / 1e6,
      },
    });
  }
  return figures;
}

const COLUMNS = `call_sid, phone_number, direction, call_status, created_at, duration_seconds, transcript_confidence, topic, turns`;

/** The first calls there are, in the three shapes. */
async function writeFiles({ databaseUrl, directory }: World, calls: number, forLimit = true): Promise<Files> {
  const file = (extension: string) => join(directory, `${calls}.${extension}`);
  const files: Files = { calls, ndjson: file('ndjson'), csv: file('csv'), rows: file('rows') };
  const from = `FROM call_transcriptions ORDER BY call_sid LIMIT ${calls}`;
  const shown = `call_sid, phone_number, lower(direction::text) AS direction, call_status,
    to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at, duration_seconds,
    transcript_confidence, topic, turns`;
  await copyTo(
    databaseUrl,
    `SELECT row_to_json(call)::text FROM (SELECT ${shown} ${from}) AS call`,
    files.ndjson,
  );
  await copyToCsv(databaseUrl, `SELECT ${shown} ${from}`, files.csv, true);
  if (forLimit) await copyToCsv(databaseUrl, `SELECT tenant_id, ${COLUMNS} ${from}`, files.rows, false);
  return files;
}

/** Whom files are sent to. */
interface Target {
  world: World;
  tenant: Tenant;
  url: string;
}

function raceAll(target: Target, files: Files, rounds: number): Promise<Map<string, number>> {
  const { world } = target;
  const shared = { before: () => empty(world), result: () => contentOf(world) };
  return race<null>(
    [
      ...FORMATS.map((format) => ({
        ...shared,
        name: format.name,
        run: () => upload(target, format, files),
      })),
      {
        ...shared,
        name: 'limit',
        run: () => copyFromCsv(world.databaseUrl, `call_transcriptions (tenant_id, ${COLUMNS})`, files.rows),
      },
    ],
    () => null,
    rounds,
  );
}

/** The most memory that a new server process has had after one file, and after another. */
async function peaksOf(
  world: World,
  tenant: Tenant,
  format: Format,
  [usual, large]: [Files, Files],
): Promise<[number, number]> {
  const server = await world.startProduct(format.name);
  const after = async (files: Files) => {
    await empty(world);
    await upload({ world, tenant, url: server.url }, format, files);
    return server.peakMb();
  };
  const peaks: [number, number] = [await after(usual), await after(large)];
  await server.close();
  return peaks;
}

async function empty({ sql }: World): Promise<void> {
  await sql.query('TRUNCATE call_transcriptions CASCADE');
}

const reportSchema = z.object({ stored: z.number() });

async function upload({ url, tenant }: Target, format: Format, files: Files): Promise<void> {
  const sending = request(`${url}/import/call-transcriptions`, {
    method: 'POST',
    headers: { ...tenant.headers, 'content-type': format.type },
  });
  const answered = new Promise<unknown>((resolve, reject) => {
    sending.on('error', reject);
    sending.on('response', (response) => resolve(json(response)));
  });
  await pipeline(createReadStream(files[format.extension]), sending);
  const { stored } = reportSchema.parse(await answered);
  if (stored !== files.calls) throw new Error(`${stored} of ${files.calls} calls were stored`);
}

/** All that was stored. */
async function contentOf({ sql }: World): Promise<unknown> {
  const { rows } = await sql.query(
    `SELECT count(*)::int, md5(string_agg(concat_ws('|', ${COLUMNS}, caller_number), E'\\n' ORDER BY call_sid))
    FROM call_transcriptions`,
  );
  return rows;
}
