import { Buffer } from 'node:buffer';

const block = 512;
const zeros = Buffer.alloc(block);
/** What eleven octal digits hold; POSIX.1-1988 ustar. */
const largest = 8 ** 11 - 1;

/** What is wrong with an archive, in words for the operator. */
export class ArchiveProblem extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ArchiveProblem';
  }
}

const checksumOf = (header: Buffer): number => {
  let sum = 0;
  // The eight bytes of the checksum itself count as spaces.
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum;
};

const checksumField = (header: Buffer): string => `${checksumOf(header).toString(8).padStart(6, '0')}\0 `;

/** Header of one regular file in ustar form, readable by every tar program. */
export const tarHeader = (name: string, size: number, modified: Date, mode = 0o600): Buffer => {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long for a member name`);
  if (size > largest) throw new RangeError(`${name} is larger than a member can be`);
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number) =>
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'ascii');
  header.write(name, 0, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(modified.getTime() / 1000), 136, 12);
  header.write('0', 156, 'ascii');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(checksumField(header), 148, 'latin1');
  return header;
};

/** Zeros that fill the last block of a member. */
export const tarPadding = (size: number): Buffer => zeros.subarray(0, (block - (size % block)) % block);

/** The two empty blocks that end an archive. */
export const tarEnd = Buffer.alloc(2 * block);

/** Hands out exactly the bytes asked for, from chunks of any size. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async #fill(): Promise<boolean> {
    while (this.#buffer.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#buffer = next.value;
    }
    return true;
  }

  /** At least one byte and at most `most`, or null at the end. */
  async some(most: number): Promise<Buffer | null> {
    if (!(await this.#fill())) return null;
    const taken = this.#buffer.subarray(0, most);
    this.#buffer = this.#buffer.subarray(taken.length);
    return taken;
  }

  /** Null when nothing is left; throws when the archive ends inside. */
  async exactly(size: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      if (part === null) {
        if (parts.length === 0) return null;
        throw new ArchiveProblem('The file ends in the middle: it is cut off.');
      }
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

export interface TarMember {
  name: string;
  size: number;
  /** To be read to its end before the next member is asked for; what is left is skipped. */
  content: AsyncGenerator<Buffer>;
}

const memberOf = (header: Buffer): { name: string; size: number } => {
  const text = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '');
  if (header.toString('latin1', 148, 156) !== checksumField(header) || text(257, 263) !== 'ustar') {
    throw new ArchiveProblem('The file is damaged: a header inside it is wrong.');
  }
  const size = Number.parseInt(text(124, 136), 8);
  if (text(156, 157) !== '0' || text(345, 500) !== '' || !Number.isSafeInteger(size))
    throw new ArchiveProblem('The file holds something that a backup of Atrium never has.');
  return { name: text(0, 100), size };
};

/** Members in order. Throws an ArchiveProblem at whatever this module's writer would not have written. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const reader = new ByteReader(source);
  try {
    for (;;) {
      const header = await reader.exactly(block);
      if (header === null) throw new ArchiveProblem('The file ends in the middle: it is cut off.');
      if (header.equals(zeros)) {
        await readEnd(reader);
        return;
      }
      const { name, size } = memberOf(header);
      const content = readContent(reader, size);
      yield { name, size, content };
      for await (const _rest of content);
      const padding = tarPadding(size).length;
      const filler = padding === 0 ? null : await reader.exactly(padding);
      if (filler?.some((byte) => byte !== 0)) throw new ArchiveProblem('The file is damaged between two members.');
    }
  } finally {
    await reader.close();
  }
}

/** The second empty block, and nothing after it. */
async function readEnd(reader: ByteReader): Promise<void> {
  const second = await reader.exactly(block);
  if (second === null || !second.equals(zeros)) throw new ArchiveProblem('The file ends in the middle: it is cut off.');
  if ((await reader.some(1)) !== null) throw new ArchiveProblem('The file goes on after its end.');
}

async function* readContent(reader: ByteReader, size: number): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; ) {
    const part = await reader.some(left);
    if (part === null) throw new ArchiveProblem('The file ends in the middle: it is cut off.');
    left -= part.length;
    yield part;
  }
}
