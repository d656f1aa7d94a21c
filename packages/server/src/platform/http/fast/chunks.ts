import { hasOnlyFieldBytes, readFields } from './fields.ts';

/** Chunks that are not exactly what HTTP says they are. */
export class BadChunks extends Error {
  readonly code = 'ATRIUM_BAD_CHUNKS';
}

const word = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
/** A length that numbers hold, with extensions that nobody reads. */
const sizeLine = new RegExp(
  `^([0-9A-Fa-f]{1,12})(?:;${word}(?:=(?:${word}|"[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]*"))?)*$`,
);
/** Fields that would say something about what was read already. */
const notBehind = new Set([
  ...[
    'content-length',
    'transfer-encoding',
    'connection',
    'proxy-connection',
    'keep-alive',
    'upgrade',
    'trailer',
    'host',
  ],
]);
const longestLine = 4096;
const longestTrailers = 16 * 1024;
const crlf = Buffer.from('\r\n');

/** Takes the framing from a body in chunks, however it is cut into pieces. */
export class ChunkReader {
  /** Of the fields behind the last chunk. */
  readonly trailers: string[] = [];
  #stage: 'size' | 'data' | 'end of data' | 'trailers' = 'size';
  #left = 0;
  /** The beginning of a line whose end is not here. */
  #held: Buffer | null = null;
  #trailerBytes = 0;

  /**
   * Gives each piece of the body to `take`, which answers false when it wants no more. Tells where the body ended; -1
   * when there is more to come. Throws BadChunks.
   */
  read(given: Buffer, take: (part: Buffer) => boolean): number {
    let bytes = given;
    /** What was held belongs to no place in `given`. */
    let shift = 0;
    if (this.#held !== null) {
      shift = this.#held.length;
      bytes = Buffer.concat([this.#held, given]);
      this.#held = null;
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#stage === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        const part = bytes.subarray(at, end);
        at = end;
        if (this.#left === 0) this.#stage = 'end of data';
        if (!take(part)) return -1;
        continue;
      }
      const end = bytes.indexOf(crlf, at);
      if (end === -1) {
        this.#hold(bytes.subarray(at));
        return -1;
      }
      const line = bytes.toString('latin1', at, end);
      at = end + 2;
      if (this.#line(line)) return at - shift;
    }
    return -1;
  }

  /** True when it was the last one. */
  #line(line: string): boolean {
    if (!hasOnlyFieldBytes(line)) throw new BadChunks('a line has bytes that no line has');
    if (this.#stage === 'end of data') {
      if (line !== '') throw new BadChunks('a chunk is longer than it says');
      this.#stage = 'size';
    } else if (this.#stage === 'size') {
      const size = line.length > longestLine ? undefined : sizeLine.exec(line)?.[1];
      if (size === undefined) throw new BadChunks('a chunk has no length');
      this.#left = Number.parseInt(size, 16);
      this.#stage = this.#left === 0 ? 'trailers' : 'data';
    } else {
      if (line === '') return true;
      this.#trailerBytes += line.length;
      const names: string[] = [];
      const isField = readFields(`${line}\r\n`, 0, this.trailers, names) === 1 && !notBehind.has(names[0]!);
      if (!isField || this.#trailerBytes > longestTrailers) throw new BadChunks('a trailer is no field');
    }
    return false;
  }

  #hold(rest: Buffer): void {
    const most = this.#stage === 'end of data' ? 1 : this.#stage === 'size' ? longestLine : longestTrailers;
    if (rest.length > most) throw new BadChunks('a line does not end');
    // What can never become a right line is refused as soon as it is here.
    if (this.#stage === 'end of data' && rest[0] !== 13) throw new BadChunks('a chunk is longer than it says');
    this.#held = Buffer.from(rest);
  }
}
