/** The files of an export: which there are, and under which keys the store has them. Pure. */
import type { Export, ExportPart } from '../generated/prisma/client.ts';
import { formatOf } from './exportFormats/index.ts';

/** An export whose files are complete; `bytes` is the training file's size, `sha256` 64 hexadecimal digits. */
export type ReadyExport = Export & { state: 'READY'; bytes: bigint; sha256: string };

/** One of an export's files. */
export interface ExportFile {
  /** The store's: equal files of a tenant are one. */
  key: string;
  bytes: number;
  sha256: string;
  contentType: string;
  /** Without the dot. */
  extension: string;
}

/** The files of an export; none while it is being written. */
export function filesOf(row: Export): ExportFile[] {
  return isReady(row) ? [trainingFile(row), validationFile(row)].filter((file) => file !== null) : [];
}

export function trainingFile(ready: ReadyExport): ExportFile {
  return fileOf(ready, ready.bytes, ready.sha256);
}

/** null without a split. */
export function validationFile(ready: ReadyExport): ExportFile | null {
  const { validationBytes: bytes, validationSha256: sha256 } = ready;
  return bytes === null || sha256 === null ? null : fileOf(ready, bytes, sha256);
}

function fileOf(ready: ReadyExport, bytes: bigint, sha256: string): ExportFile {
  const { extension, contentType } = formatOf(ready.format);
  return { key: fileKey(ready, sha256), bytes: Number(bytes), sha256, contentType, extension };
}

function fileKey({ tenantId, format }: Pick<Export, 'tenantId' | 'format'>, sha256: string): string {
  return `${tenantId}/${sha256}.${formatOf(format).extension}`;
}

/** The keys of the files while they are written. Throws when one that is repeated would not be the same. */
export function keyOf(wanted: Export): (part: ExportPart, sha256: string) => string {
  return (part, sha256) => {
    const expected = part === 'TRAINING' ? wanted.sha256 : wanted.validationSha256;
    if (isReady(wanted) && sha256 !== expected) {
      throw new Error(`Export ${wanted.id} cannot be repeated: its SHA-256 would be ${sha256}`);
    }
    return fileKey(wanted, sha256);
  };
}

export function isReady<Row extends Export>(row: Row): row is Row & ReadyExport {
  return row.state === 'READY' && row.bytes !== null && row.sha256 !== null;
}
