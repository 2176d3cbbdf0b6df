/** Which files an import reads, and in which format. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { CliError } from './failure.ts';

export const CALL_FORMATS = ['jsonl', 'csv', 'vtt'] as const;
export type CallFormat = (typeof CALL_FORMATS)[number];

/** Something to import: a file, or a text that stands for one. */
export interface CallSource {
  /** What to call it, relative to where the person is. */
  name: string;
  path: string;
  format: CallFormat;
  bytes: number;
  /** Instead of what is at `path`. */
  content?: Buffer;
}

/** A path that cannot be imported, and why. */
export interface UnusablePath {
  name: string;
  reason: string;
}

const FORMAT_OF = new Map<string, CallFormat>([
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.csv', 'csv'],
  ['.vtt', 'vtt'],
]);

/** The format of a file by its name; null when the name does not tell. */
export function formatOf(name: string): CallFormat | null {
  return FORMAT_OF.get(extname(name).toLowerCase()) ?? null;
}

/**
 * The files that the paths name, in the order given; a directory stands for the files in it that can be imported, by
 * name. Throws CliError (wrong usage) when a file's format is not known.
 */
export async function findSources(
  paths: readonly string[],
  format?: CallFormat,
): Promise<{ sources: CallSource[]; unusable: UnusablePath[] }> {
  const sources: CallSource[] = [];
  const unusable: UnusablePath[] = [];
  for (const path of paths) {
    try {
      const info = await stat(path);
      if (info.isDirectory()) {
        const found = await filesIn(path, format);
        if (found.length === 0)
          unusable.push({ name: path, reason: 'holds no .jsonl, .ndjson, .csv or .vtt file' });
        sources.push(...found);
      } else if (info.isFile()) {
        sources.push({ name: path, path, format: format ?? requireFormat(path), bytes: info.size });
      } else {
        unusable.push({ name: path, reason: 'is neither a file nor a directory' });
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
      unusable.push({ name: path, reason: reasonOf(error) });
    }
  }
  return { sources, unusable };
}

async function filesIn(directory: string, format: CallFormat | undefined): Promise<CallSource[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const sources: CallSource[] = [];
  for (const name of entries.map((entry) => entry.name).toSorted()) {
    const known = formatOf(name);
    const path = join(directory, name);
    if (known === null || (format !== undefined && known !== format)) continue;
    const info = await stat(path);
    if (info.isFile()) sources.push({ name: path, path, format: known, bytes: info.size });
  }
  return sources;
}

function requireFormat(path: string): CallFormat {
  const format = formatOf(path);
  if (format !== null) return format;
  throw new CliError(
    `The name of ${path} does not tell its format. Name it with --format ${CALL_FORMATS.join(', --format ')}.`,
    2,
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'does not exist';
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
