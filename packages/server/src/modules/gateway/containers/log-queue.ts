import type { LogLine } from '@atrium/protocol';

/** What a reader of a log is told, in order. */
export type LogPiece =
  | { kind: 'lines'; lines: LogLine[]; skipped: number }
  | { kind: 'paused'; reason: 'stopped' | 'unreachable' }
  | { kind: 'end'; reason: 'end' | 'gone' };

const mostLines = 2000;
const mostBytes = 4 * 1024 * 1024;
const batchLines = 200;
const batchBytes = 256 * 1024;

/**
 * Between an engine that writes as it likes and a reader who takes as fast as they can. What does not fit pushes the
 * oldest lines out, and the reader is told how many; nobody else waits for them.
 */
export class LogQueue {
  #lines: LogLine[] = [];
  #bytes = 0;
  #skipped = 0;
  #last: LogPiece | null = null;
  #paused: Extract<LogPiece, { kind: 'paused' }> | null = null;
  #failed: { error: unknown } | null = null;
  #wake = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  /** With `patient` it waits until there is room: for what has an end. */
  async push(line: LogLine, patient: boolean): Promise<void> {
    while (patient && this.#full(line)) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
    this.#lines.push(line);
    this.#bytes += line.text.length;
    // Halves at a time: the front of a long array is dear.
    if (this.#lines.length > mostLines || this.#bytes > mostBytes) this.#drop(Math.ceil(this.#lines.length / 2));
    this.#wake.resolve();
  }

  pause(reason: 'stopped' | 'unreachable'): void {
    this.#paused = { kind: 'paused', reason };
    this.#wake.resolve();
  }

  end(reason: 'end' | 'gone'): void {
    this.#last = { kind: 'end', reason };
    this.#wake.resolve();
  }

  fail(error: unknown): void {
    this.#failed = { error };
    this.#wake.resolve();
  }

  /** The next piece; null when the signal ended the wait. */
  async next(signal: AbortSignal): Promise<LogPiece | null> {
    for (;;) {
      if (signal.aborted) return null;
      if (this.#lines.length > 0 || this.#skipped > 0) return this.#batch();
      if (this.#paused !== null) {
        const piece = this.#paused;
        this.#paused = null;
        return piece;
      }
      if (this.#failed !== null) throw this.#failed.error;
      if (this.#last !== null) return this.#last;
      this.#wake = Promise.withResolvers();
      const wake = (): void => this.#wake.resolve();
      signal.addEventListener('abort', wake, { once: true });
      await this.#wake.promise;
      signal.removeEventListener('abort', wake);
    }
  }

  #batch(): LogPiece {
    let bytes = 0;
    let count = 0;
    for (; count < this.#lines.length && count < batchLines && bytes < batchBytes; count += 1)
      bytes += this.#lines[count]!.text.length;
    const lines = this.#lines.splice(0, count);
    this.#bytes -= bytes;
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#room.resolve();
    return { kind: 'lines', lines, skipped };
  }

  #full({ text }: LogLine): boolean {
    return this.#lines.length >= mostLines || (this.#lines.length > 0 && this.#bytes + text.length > mostBytes);
  }

  #drop(count: number): void {
    for (const { text } of this.#lines.splice(0, count)) this.#bytes -= text.length;
    this.#skipped += count;
  }
}
