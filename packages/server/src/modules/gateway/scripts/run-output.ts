import { StringDecoder } from 'node:string_decoder';
import { Masker } from './masker.ts';
import type { OutputRow } from './scripts-rows.ts';

const flushMs = 150;
/** Of one part, in characters. */
const partSize = 16_000;

/** Text that a table can take. */
const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

export interface OutputOptions {
  secrets: readonly string[];
  max_bytes: number;
  now: () => Date;
  write: (parts: readonly OutputRow[], total: { bytes: number; cut: boolean }) => Promise<void>;
}

/** Collects what a script writes, masks it, and hands it on in parts. Never holds more than may be kept of one run. */
export class RunOutput {
  readonly #options: OutputOptions;
  readonly #streams: Record<'stdout' | 'stderr', { decoder: StringDecoder; masker: Masker }>;
  #waiting: { stream: OutputRow['stream']; text: string }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #seq = 0;
  bytes = 0;
  cut = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    const stream = () => ({ decoder: new StringDecoder('utf8'), masker: new Masker(options.secrets) });
    this.#streams = { stdout: stream(), stderr: stream() };
  }

  push(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.cut) return;
    const room = this.#options.max_bytes - this.bytes;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.bytes += kept.length;
    const { decoder, masker } = this.#streams[stream];
    this.#add(stream, masker.push(storable(decoder.write(kept))));
    if (kept.length === chunk.length) return;
    this.#endStreams();
    this.cut = true;
    this.note(`Output is cut here: no more than ${this.#options.max_bytes} bytes of a run are kept.`);
  }

  note(text: string): void {
    this.#add('note', text);
  }

  /** Everything is written when it resolves. */
  async end(): Promise<void> {
    if (!this.cut) this.#endStreams();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flush();
    await this.#writing;
  }

  #endStreams(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const { decoder, masker } = this.#streams[name];
      this.#add(name, masker.push(storable(decoder.end())) + masker.end());
    }
  }

  #add(stream: OutputRow['stream'], text: string): void {
    if (text === '') return;
    const last = this.#waiting.at(-1);
    if (last?.stream === stream && stream !== 'note') last.text += text;
    else this.#waiting.push({ stream, text });
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, flushMs);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const at = this.#options.now();
    const parts = waiting.flatMap(({ stream, text }) =>
      pieces(text).map((piece): OutputRow => {
        this.#seq += 1;
        return { seq: this.#seq, stream, text: piece, at };
      }),
    );
    const total = { bytes: this.bytes, cut: this.cut };
    this.#writing = this.#writing.then(() => this.#options.write(parts, total));
    // Told to whoever ends the output.
    this.#writing.catch(() => {});
  }
}

const pieces = (text: string): string[] => {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + partSize);
    // Not between the halves of a character.
    if (end < text.length && text.charCodeAt(end - 1) >= 0xd800 && text.charCodeAt(end - 1) <= 0xdbff) end -= 1;
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
};
