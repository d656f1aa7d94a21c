import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isEncrypted } from '../../../platform/backup/archive-reader.ts';
import { draftMark } from '../../../platform/backup/archive-writer.ts';
import type { Finished } from './backups-store.ts';

/** What an archive is called; nothing else in the directory is looked at. */
const archiveName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,150}\.tar(?:\.zst|\.gz)?(?:\.enc)?$/;

/** Stands beside the archive, so that another server knows what it is without reading all of it. */
const cardForm = z.strictObject({
  size: z.int(),
  sha256: z.string(),
  table_count: z.int(),
  row_count: z.int(),
  file_count: z.int(),
  lost_files: z.int(),
  version: z.string(),
  key_ids: z.array(z.string()).max(100),
});
const mostFound = 1000;
const largestCard = 65_536;

export interface FoundFile {
  file_name: string;
  size: number;
  encrypted: boolean;
  made_at: Date;
  card: Finished | null;
}

/** The files of backups on the disk of this server. */
export class BackupDirectory {
  readonly #path: () => string;

  constructor(path: () => string) {
    this.#path = path;
  }

  pathOf(fileName: string): string {
    // Names in rows come from here or from a restored database: neither may lead elsewhere.
    if (!archiveName.test(fileName)) throw new Error(`${fileName} is no name of a backup`);
    return join(this.#path(), fileName);
  }

  async prepare(): Promise<void> {
    await mkdir(this.#path(), { recursive: true, mode: 0o700 });
  }

  /** Size of a file that is there. */
  async size(fileName: string): Promise<number | null> {
    if (!archiveName.test(fileName)) return null;
    return await stat(this.pathOf(fileName)).then(
      (found) => (found.isFile() ? found.size : null),
      () => null,
    );
  }

  async hash(fileName: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(this.pathOf(fileName))) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  async writeCard(fileName: string, card: Finished): Promise<void> {
    const path = `${this.pathOf(fileName)}.json`;
    await writeFile(`${path}.new`, `${JSON.stringify(card)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(fileName: string): Promise<void> {
    await rm(this.pathOf(fileName), { force: true });
    await rm(`${this.pathOf(fileName)}.json`, { force: true });
  }

  /** Halves that a process left behind. */
  async removeDrafts(fileName: string): Promise<void> {
    const names = await readdir(this.#path()).catch(() => []);
    for (const name of names)
      if (name.startsWith(`${fileName}${draftMark}`)) await rm(join(this.#path(), name), { force: true });
  }

  async list(): Promise<FoundFile[]> {
    const names = await readdir(this.#path()).catch(() => [] as string[]);
    const found: FoundFile[] = [];
    for (const file_name of names.filter((name) => archiveName.test(name)).slice(0, mostFound)) {
      const facts = await stat(this.pathOf(file_name)).catch(() => null);
      if (facts === null || !facts.isFile()) continue;
      const encrypted = await isEncrypted(this.pathOf(file_name)).catch(() => file_name.endsWith('.enc'));
      const card = await this.cardOf(file_name);
      found.push({ file_name, size: facts.size, encrypted, made_at: facts.mtime, card });
    }
    return found;
  }

  /** Null without one, and when the file has another size than it says. */
  async cardOf(fileName: string): Promise<Finished | null> {
    try {
      const path = `${this.pathOf(fileName)}.json`;
      if ((await stat(path)).size > largestCard) return null;
      const card = cardForm.parse(JSON.parse(await readFile(path, 'utf8')));
      return (await this.size(fileName)) === card.size ? card : null;
    } catch {
      return null;
    }
  }
}
