import { join } from 'node:path';
import type { ConfigValues } from '../platform/config/config.ts';
import { createDiskStore } from '../platform/files/disk-store.ts';
import type { FileStore } from '../platform/files/file-store.ts';
import { createS3Store } from '../platform/files/s3-store.ts';

/** The storage for files that the configuration names. */
export const openFiles = (values: ConfigValues): Promise<FileStore> => {
  const { files, server } = values.config;
  if (files.storage === 'disk') return createDiskStore(join(server.dataDir, 'files'));
  return createS3Store({
    endpoint: files.endpoint,
    bucket: files.bucket,
    region: files.region,
    access_key_id: files.accessKeyId,
    secret_access_key: values.secrets.s3SecretAccessKey?.reveal() ?? '',
    temporary: join(server.dataDir, 'files'),
  });
};
