import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigValues } from '../platform/config/config.ts';
import { createDiskStore } from '../platform/files/disk-store.ts';
import type { FileStore } from '../platform/files/file-store.ts';
import { createS3Store } from '../platform/files/s3-store.ts';

/** Where an import lies until it was looked at. What a killed process left there belongs to nobody. */
export const openImportFolder = async (dataDir: string): Promise<string> => {
  const folder = join(dataDir, 'imports');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
};

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
