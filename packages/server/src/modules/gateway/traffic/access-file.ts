import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AccessRecord } from './access-book.ts';

export interface AccessFileOptions {
  path: string;
  /** Files in all, the one that is written to included. */
  files?: number;
  max_bytes?: number;
  /** Told once until it works again. */
  on_error: (error: unknown) => void;
  flush_ms?: number;
}

/** Lines that wait for a disk that does not keep up; what comes then is lost and counted. */
const mostWaiting = 50_000;

const textOf = ({ owner, principal, at, ...line }: AccessRecord): string => {
  const whose = { org_id: owner?.org_id, app: owner?.app, route_id: owner?.route_id, principal: principal?.id };
  return `${JSON.stringify({ at: new Date(at).toISOString(), ...line, ...whose })}\n`;
};

/** The access log on disk: one JSON object a line, old files numbered, the oldest dropped. */
export class AccessFile {
  readonly #options: Required<AccessFileOptions>;
  #waiting: AccessRecord[] = [];
  #size: number | null = null;
  #work: Promise<void> = Promise.resolve();
  #failed = false;
  lost = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: AccessFileOptions) {
    this.#options = { files: 7, max_bytes: 50 * 1024 * 1024, flush_ms: 1000, ...options };
    this.#timer = setInterval(() => void this.flush(), this.#options.flush_ms).unref();
  }

  write(line: AccessRecord): void {
    if (this.#waiting.length >= mostWaiting) this.lost += 1;
    else this.#waiting.push(line);
  }

  flush(): Promise<void> {
    this.#work = this.#work.then(() => this.#write());
    return this.#work;
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.flush();
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.map(textOf).join('');
    this.#waiting = [];
    const { path, max_bytes, on_error } = this.#options;
    try {
      if (this.#size === null) {
        await mkdir(dirname(path), { recursive: true });
        this.#size = await stat(path).then(
          ({ size }) => size,
          () => 0,
        );
      }
      if (this.#size > 0 && this.#size + text.length > max_bytes) await this.#rotate();
      await appendFile(path, text, { mode: 0o600 });
      this.#size += Buffer.byteLength(text);
      this.#failed = false;
    } catch (error) {
      this.#size = null;
      if (!this.#failed) on_error(error);
      this.#failed = true;
    }
  }

  async #rotate(): Promise<void> {
    const { path, files } = this.#options;
    const numbered = (n: number): string => (n === 0 ? path : `${path}.${n}`);
    await rm(numbered(files - 1), { force: true });
    for (let n = files - 2; n >= 0; n--) {
      await rename(numbered(n), numbered(n + 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    this.#size = 0;
  }
}
