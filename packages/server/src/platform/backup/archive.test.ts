import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyArchive } from './archive-reader.ts';
import { ArchiveWriter } from './archive-writer.ts';
import type { BackupManifest } from './manifest.ts';
import { ArchiveProblem, readTar, tarHeader } from './tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-test-archive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const manifestWith = (parts: Partial<BackupManifest>): BackupManifest => ({
  format: 'atrium-backup',
  format_version: 1,
  atrium_version: '0.0.0',
  created_at: '2026-03-01T12:00:00.000Z',
  postgres_version: '18.4',
  migrations: [],
  jobs_schema: 1,
  tables: [],
  sequences: [],
  foreign_tables: [],
  files: [],
  missing_files: [],
  damaged_files: [],
  key_ids: [],
  master_key: null,
  ...parts,
});

const write = async (name: string, table = Buffer.from('1\ta\n2\tb\n')): Promise<string> => {
  const path = join(folder, name);
  const archive = await ArchiveWriter.create(path, new Date('2026-03-01T12:00:00Z'));
  const part = await archive.add('database/0000-core_events/000001.copy', table);
  const key = await archive.add('master.key', Buffer.from('key\n'));
  await archive.finish(
    manifestWith({
      tables: [{ schema: 'public', name: 'core_events', columns: ['id', 'x'], rows: 2, parts: [part] }],
      master_key: key,
    }),
  );
  return path;
};

describe('a backup file', () => {
  let plain: string;
  beforeAll(async () => {
    plain = await write('plain.tar');
  });

  it.each(['a.tar', 'a.tar.gz', 'a.tar.zst'])('is whole as %s', async (name) => {
    const manifest = await verifyArchive(await write(name));
    expect(manifest.tables[0]?.name).toBe('core_events');
  });

  it('is refused with any one bit flipped', { tags: ['long'] }, async () => {
    const whole = readFileSync(plain);
    const damaged = join(folder, 'damaged.tar');
    for (let place = 0; place < whole.length; place += 11) {
      const copy = Buffer.from(whole);
      copy[place]! ^= 1 << (place % 8);
      writeFileSync(damaged, copy);
      await expect(verifyArchive(damaged), `byte ${place}`).rejects.toThrow();
    }
  });

  it.each(['cut.tar', 'cut.tar.gz', 'cut.tar.zst'])(
    'is refused when %s is cut off, or was whole already',
    { tags: ['long'] },
    async (name) => {
      const path = await write(name);
      const whole = readFileSync(path);
      const manifest = await verifyArchive(path);
      const cut = join(folder, `less-${name}`);
      for (let length = 4; length < whole.length; length += Math.ceil(whole.length / 60)) {
        writeFileSync(cut, whole.subarray(0, length));
        const verdict = await verifyArchive(cut).catch((error: unknown) => error);
        // A decoder may be able to do without the last bytes, which say nothing but that it is over.
        if (length < whole.length - 20) expect(verdict, `${length} bytes`).toBeInstanceOf(ArchiveProblem);
        else if (!(verdict instanceof ArchiveProblem)) expect(verdict).toEqual(manifest);
      }
    },
  );

  it('leaves nothing behind when it is abandoned', async () => {
    const path = join(folder, 'gone.tar.zst');
    const archive = await ArchiveWriter.create(path, new Date());
    await archive.add('database/x', Buffer.alloc(100_000));
    await archive.abandon();
    const again = await ArchiveWriter.create(path, new Date());
    await again.abandon();
    expect(() => readFileSync(path)).toThrow('ENOENT');
  });

  it('gives members larger than a chunk back byte for byte', async () => {
    const content = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 251));
    const name = 'files/x';
    const bytes = Buffer.concat([tarHeader(name, content.length, new Date(0)), content, Buffer.alloc(144 + 1024)]);
    async function* inPieces() {
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
    }
    for await (const member of readTar(inPieces())) {
      const parts: Buffer[] = [];
      for await (const part of member.content) parts.push(part);
      expect(Buffer.concat(parts).equals(content)).toBe(true);
    }
  });
});
