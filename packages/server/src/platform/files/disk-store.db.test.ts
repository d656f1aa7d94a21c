import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { AppError } from '../errors/app-error.ts';
import { deleteUnreferencedBlobs, releaseBlob, retainBlob } from './blob-references.ts';
import { createDiskStore } from './disk-store.ts';
import { fileStoreSuite } from './file-store.testsuite.ts';
import { type FileStore, translateFileError } from './file-store.ts';

let test: TestDatabase;
let folder: string;
let store: FileStore;

beforeAll(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'atrium-files-'));
  store = await createDiskStore(folder);
});
afterAll(async () => {
  await test.drop();
  await rm(folder, { recursive: true });
});

fileStoreSuite(
  'on disk',
  () => store,
  async () => (await readdir(join(folder, 'tmp'))).length,
);

const putText = (text: string) => store.put(Readable.from([Buffer.from(text)]), { max_bytes: 1000 });
const age = async (sha256: string): Promise<void> => {
  const old = new Date(test.clock.now().getTime() - 10 * 60 * 60 * 1000);
  await utimes(join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256), old, old);
};

describe('the disk store', () => {
  it('calls a full disk storage_full', () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    expect(translateFileError(full)).toMatchObject({ code: 'storage_full' });
    expect(translateFileError(new AppError('too_large'))).toMatchObject({ code: 'too_large' });
  });

  it('repairs a file that was cut short', async () => {
    const { sha256 } = await putText('whole');
    await writeFile(join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256), 'wh');
    await putText('whole');
    expect((await store.stat(sha256))?.size).toBe(5);
  });

  it('clears old leftovers of killed processes when it opens, and spares fresh ones', async () => {
    await writeFile(join(folder, 'tmp', 'put-old'), 'x');
    await utimes(join(folder, 'tmp', 'put-old'), new Date(0), new Date(0));
    await writeFile(join(folder, 'tmp', 'put-new'), 'x');
    await createDiskStore(folder);
    expect(await readdir(join(folder, 'tmp'))).toEqual(['put-new']);
    await rm(join(folder, 'tmp', 'put-new'));
  });
});

describe('references', () => {
  it('keep bytes while any is left and for an hour after, and not if they come back', async () => {
    const { sha256, size } = await putText('shared');
    const write = (act: 'retain' | 'release') =>
      test.database.transaction(makeCall(), (tx) =>
        act === 'retain'
          ? retainBlob(tx, { sha256, size }, test.clock.now())
          : releaseBlob(tx, sha256, test.clock.now()),
      );
    const sweep = () => deleteUnreferencedBlobs(test.database.read, store, test.clock);
    await write('retain');
    await write('retain');
    await write('release');
    await age(sha256);
    test.clock.advance(2 * 60 * 60 * 1000);
    expect(await sweep()).toBe(0);
    await write('release');
    expect(await sweep()).toBe(0);
    test.clock.advance(2 * 60 * 60 * 1000);
    await utimes(join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256), test.clock.now(), test.clock.now());
    expect(await sweep()).toBe(0);
    await age(sha256);
    test.clock.advance(2 * 60 * 60 * 1000);
    expect(await sweep()).toBe(1);
    expect(await store.get(sha256)).toBeNull();
  });
});
