/** Opens the store that the configuration names for the files of exports. */
import { join } from 'node:path';
import type { Config } from './config.ts';
import { createDirectoryStore } from './services/exportStore/directory.ts';
import type { ExportStore } from './services/exportStore/port.ts';

export async function openExportStore(config: Config): Promise<ExportStore> {
  if (config.S3_BUCKET === undefined)
    return createDirectoryStore(config.EXPORT_DIR ?? join(config.DATA_DIR, 'exports'));
  // It would print what it thinks of the version of Node, as text between the log's lines.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  // Loading the SDK takes its time: only who needs it waits.
  const { createS3Store } = await import('./services/exportStore/s3.ts');
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  return createS3Store({
    bucket: config.S3_BUCKET,
    region: config.S3_REGION,
    endpoint: config.S3_ENDPOINT,
    pathStyle: config.S3_PATH_STYLE,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey },
    prefix: config.S3_PREFIX,
    spoolDirectory: join(config.DATA_DIR, 'spool'),
  });
}
