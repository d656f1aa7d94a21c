import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { FileStore } from './file-store.ts';

export const bytesOf = (size: number, fill: number): Buffer => Buffer.alloc(size, fill);
export const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What every file store must do. `temporaryFiles` counts what is left of writes. */
export const fileStoreSuite = (name: string, store: () => FileStore, temporaryFiles: () => Promise<number>): void => {
  const put = (bytes: Buffer, max_bytes = 10_000_000) => store().put(Readable.from([bytes]), { max_bytes });

  describe(`files ${name}`, () => {
    it('come back as they were put, under their hash', async () => {
      const bytes = bytesOf(300_000, 1);
      const result = await put(bytes);
      expect(result).toMatchObject({ sha256: hashOf(bytes), size: 300_000 });
      expect(result.head).toEqual(bytes.subarray(0, 4100));
      const found = await store().get(result.sha256);
      expect(found?.size).toBe(300_000);
      expect((await buffer(found!.stream)).equals(bytes)).toBe(true);
      expect(await store().stat(result.sha256)).toMatchObject({ size: 300_000 });
      expect(await temporaryFiles()).toBe(0);
    });

    it('may be empty, come in many pieces, and be put twice', async () => {
      expect(await put(Buffer.alloc(0))).toMatchObject({ size: 0, sha256: hashOf(Buffer.alloc(0)) });
      const pieces = Array.from({ length: 50 }, (_, n) => bytesOf(100, n));
      const first = await store().put(Readable.from(pieces), { max_bytes: 10_000 });
      const second = await put(Buffer.concat(pieces));
      expect(second).toEqual(first);
    });

    it('of more than max_bytes are refused and leave nothing', async () => {
      const bytes = bytesOf(1001, 2);
      await expect(put(bytes, 1000)).rejects.toMatchObject({ code: 'too_large' });
      expect(await store().get(hashOf(bytes))).toBeNull();
      expect(await temporaryFiles()).toBe(0);
      expect((await put(bytesOf(1000, 3), 1000)).size).toBe(1000);
    });

    it('whose stream breaks leave nothing', async () => {
      const stream = Readable.from(
        (async function* () {
          yield bytesOf(10, 4);
          throw new Error('client went away');
        })(),
      );
      await expect(store().put(stream, { max_bytes: 1000 })).rejects.toThrow('client went away');
      expect(await temporaryFiles()).toBe(0);
    });

    it('are gone after delete, and unknown ones are null whatever they are called', async () => {
      const { sha256 } = await put(bytesOf(5, 5));
      await store().delete(sha256);
      await store().delete(sha256);
      for (const unknown of [sha256, '../../etc/passwd', '']) {
        expect(await store().get(unknown)).toBeNull();
        expect(await store().stat(unknown)).toBeNull();
      }
    });

    it('are listed for a backup, each once', async () => {
      const wanted = await Promise.all([6, 7, 8].map((fill) => put(bytesOf(20, fill))));
      const listed: string[] = [];
      for await (const file of store().list()) {
        listed.push(file.sha256);
        expect(file.size).toBe((await store().stat(file.sha256))!.size);
      }
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed).toEqual(expect.arrayContaining(wanted.map((file) => file.sha256)));
    });
  });
};
