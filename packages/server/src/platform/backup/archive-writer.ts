import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, type Transform, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { type BackupManifest, manifestHashName, manifestName, type StoredMember } from './manifest.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

/** By the ending of the name, a last `.enc` apart: `.tar` plain, `.gz` or `.tgz` gzip, everything else zstd. */
const compressorFor = (path: string) => {
  const name = path.replace(/\.enc$/, '');
  if (name.endsWith('.tar')) return null;
  return /\.(gz|tgz)$/.test(name)
    ? createGzip()
    : createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
};

/** Stands in the names of files that are not whole yet. */
export const draftMark = '.part-';

/** Writes one backup file. It gets its name when all of it is on disk, and only then. */
export class ArchiveWriter {
  readonly #path: string;
  readonly #draft: string;
  readonly #head: Writable;
  readonly #written: Promise<void>;
  readonly #now: Date;
  readonly #watch: (bytes: number) => void;
  #bytes = 0;

  private constructor(
    path: string,
    draft: string,
    head: Writable,
    written: Promise<void>,
    now: Date,
    watch: (bytes: number) => void,
  ) {
    this.#path = path;
    this.#draft = draft;
    this.#head = head;
    this.#written = written;
    this.#now = now;
    this.#watch = watch;
  }

  /** `seal` encrypts what is compressed; `watch` hears how many bytes went in, and ends the writing by throwing. */
  static async create(
    path: string,
    now: Date,
    { seal = null, watch = () => {} }: { seal?: Transform | null; watch?: (bytes: number) => void } = {},
  ): Promise<ArchiveWriter> {
    const draft = `${path}${draftMark}${process.pid}`;
    const handle = await open(draft, 'wx', 0o600);
    const file = createWriteStream(draft, { fd: handle.fd, autoClose: false });
    const compressor = compressorFor(path);
    const steps = [compressor, seal].filter((step) => step !== null);
    const [first, second] = steps;
    const through =
      first === undefined ? finished(file) : pipeline([first, ...(second === undefined ? [] : [second]), file]);
    const written = through.then(() => handle.sync()).finally(() => handle.close());
    // Looked at in finish(); until then a full disk must not count as an unhandled rejection.
    written.catch(() => {});
    return new ArchiveWriter(path, draft, first ?? file, written, now, watch);
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#bytes += bytes.length;
    this.#watch(this.#bytes);
    if (bytes.length === 0 || this.#head.write(bytes)) return;
    await Promise.race([
      new Promise<void>((drained) => this.#head.once('drain', drained)),
      // A file that can no longer be written never drains.
      this.#written.then(() => Promise.reject(new Error('The backup file was closed while it was written.'))),
    ]);
  }

  async add(name: string, content: Buffer): Promise<StoredMember> {
    return this.addStream(name, content.length, Readable.from([content], { objectMode: false }));
  }

  /** The stream must yield exactly `size` bytes. */
  async addStream(name: string, size: number, content: AsyncIterable<Buffer>): Promise<StoredMember> {
    await this.#write(tarHeader(name, size, this.#now));
    const hash = createHash('sha256');
    let seen = 0;
    for await (const chunk of content) {
      seen += chunk.length;
      if (seen > size) break;
      hash.update(chunk);
      await this.#write(chunk);
    }
    if (seen !== size) throw new Error(`${name} changed its size while it was read.`);
    await this.#write(tarPadding(size));
    return { name, size, sha256: hash.digest('hex') };
  }

  /** Adds the manifest, ends the archive and gives it its name. */
  async finish(manifest: BackupManifest): Promise<void> {
    const text = Buffer.from(`${JSON.stringify(manifest)}\n`);
    const { sha256 } = await this.add(manifestName, text);
    await this.add(manifestHashName, Buffer.from(`${sha256}  ${manifestName}\n`));
    await this.#write(tarEnd);
    this.#head.end();
    await this.#written;
    await rename(this.#draft, this.#path);
    if (process.platform === 'win32') return;
    const folder = await open(dirname(this.#path), 'r');
    await folder.sync().finally(() => folder.close());
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    this.#head.destroy();
    await this.#written.catch(() => {});
    await rm(this.#draft, { force: true });
  }
}
