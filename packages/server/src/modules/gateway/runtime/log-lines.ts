import { longestLine, type RuntimeLine } from './runtime.ts';

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/;

/** A time of any precision as texts that sort as times do. */
export const nanoTime = (text: string): string | null => {
  const found = stamp.exec(text);
  if (found === null) return null;
  const [, whole, fraction = '', zone] = found as unknown as [string, string, string | undefined, string];
  const utc = zone === 'Z' ? whole : new Date(`${whole}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
};

/** Lines of one stream, of which each begins with its time. */
class LineReader {
  readonly #stream: 'stdout' | 'stderr';
  #rest: Buffer = Buffer.alloc(0);
  /** The rest of a line that is longer than anybody reads. */
  #dropping = false;

  constructor(stream: 'stdout' | 'stderr') {
    this.#stream = stream;
  }

  *take(chunk: Buffer): Generator<RuntimeLine> {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#add(chunk.subarray(from, end));
      yield this.#line();
      from = end + 1;
    }
    this.#add(chunk.subarray(from));
  }

  *end(): Generator<RuntimeLine> {
    if (this.#rest.length > 0) yield this.#line();
  }

  #add(piece: Buffer): void {
    if (this.#dropping || piece.length === 0) return;
    const room = longestLine + 64 - this.#rest.length;
    this.#dropping = piece.length > room;
    this.#rest = Buffer.concat([this.#rest, piece.subarray(0, room)]);
  }

  #line(): RuntimeLine {
    const text = this.#rest.toString('utf8').replace(/\r$/, '');
    this.#rest = Buffer.alloc(0);
    this.#dropping = false;
    const at = nanoTime(text);
    const written = at === null ? text : text.replace(stamp, '');
    return { at, stream: this.#stream, text: written.slice(0, longestLine) };
  }
}

/** Lines of a log that is one plain stream. */
export async function* plainLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<RuntimeLine> {
  const reader = new LineReader('stdout');
  for await (const chunk of body) yield* reader.take(Buffer.from(chunk));
  yield* reader.end();
}

const headLength = 8;

/** Lines of a log in which an engine packed both streams: a head of 8 bytes with stream and length before each piece. */
export async function* multiplexedLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<RuntimeLine> {
  const readers = { stdout: new LineReader('stdout'), stderr: new LineReader('stderr') };
  const head = Buffer.alloc(headLength);
  let headFilled = 0;
  let left = 0;
  let reader = readers.stdout;
  for await (const chunk of body) {
    let rest: Buffer = Buffer.from(chunk);
    while (rest.length > 0) {
      if (left === 0) {
        const taken = rest.copy(head, headFilled, 0, headLength - headFilled);
        headFilled += taken;
        rest = rest.subarray(taken);
        if (headFilled < headLength) continue;
        headFilled = 0;
        left = head.readUInt32BE(4);
        reader = head[0] === 2 ? readers.stderr : readers.stdout;
        continue;
      }
      const piece = rest.subarray(0, left);
      left -= piece.length;
      rest = rest.subarray(piece.length);
      yield* reader.take(piece);
    }
  }
  yield* readers.stdout.end();
  yield* readers.stderr.end();
}
