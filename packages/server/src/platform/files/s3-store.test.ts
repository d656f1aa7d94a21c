import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startS3 } from '../../../test/support/s3-server.ts';
import { fileStoreSuite } from './file-store.testsuite.ts';
import type { FileStore } from './file-store.ts';
import { createS3Store } from './s3-store.ts';

let folder: string;
let server: Awaited<ReturnType<typeof startS3>>;
let store: FileStore;
const options = () => ({
  endpoint: server.endpoint,
  bucket: 'files',
  region: 'eu-test',
  access_key_id: 'test-key',
  secret_access_key: 'test-secret',
  prefix: 'atrium/',
  temporary: folder,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrium-s3-'));
  server = await startS3();
  store = await createS3Store(options());
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

fileStoreSuite(
  'in S3',
  () => store,
  async () => (await readdir(folder)).length,
);

it('says storage_full when the object store is', async () => {
  server.state.full = true;
  await expect(store.put(Readable.from([Buffer.from('full')]), { max_bytes: 10 })).rejects.toMatchObject({
    code: 'storage_full',
  });
  server.state.full = false;
  expect(await readdir(folder)).toEqual([]);
});

it('does not take a refusal for an absent file', async () => {
  const wrong = await createS3Store({ ...options(), access_key_id: 'other' });
  await expect(wrong.get('0'.repeat(64))).rejects.toThrow('403');
});
