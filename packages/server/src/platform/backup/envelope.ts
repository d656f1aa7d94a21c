import {
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { Transform } from 'node:stream';
import { z } from 'zod';
import { ArchiveProblem } from './tar.ts';

/*
 * An encrypted backup: the magic bytes, the length of a header, the header as JSON, then chunks of AES-256-GCM. Each
 * chunk counts itself in its nonce and says whether it is the last one (the STREAM construction), so chunks can be
 * neither dropped, repeated, swapped nor cut off at the end; the hash of the header is authenticated with each.
 */

export const envelopeMagic = Buffer.from('ATRIUMB1', 'latin1');
const chunkBytes = 64 * 1024;
const tagBytes = 16;
const largestHeader = 4096;
const keyBytes = 32;
const checkBytes = 16;
const prefixBytes = 7;

const headerForm = z.strictObject({
  version: z.literal(1),
  kdf: z.literal('scrypt'),
  // What a file asks for in memory and time is bounded: 128 * r * 2^cost bytes.
  cost: z.int().min(14).max(18),
  block: z.literal(8),
  parallel: z.literal(1),
  salt: z.base64(),
  prefix: z.base64(),
  /** Tells a wrong passphrase from a damaged file. */
  check: z.base64(),
});
type Header = z.infer<typeof headerForm>;

/** The passphrase is missing or another one. */
export class PassphraseProblem extends ArchiveProblem {}

const derive = async (
  passphrase: string,
  { cost, block, parallel, salt }: Pick<Header, 'cost' | 'block' | 'parallel' | 'salt'>,
): Promise<{ key: Buffer; check: Buffer }> => {
  const options: ScryptOptions = { N: 2 ** cost, r: block, p: parallel, maxmem: 129 * block * 2 ** cost };
  const bytes = await new Promise<Buffer>((done, fail) =>
    scrypt(passphrase.normalize('NFC'), Buffer.from(salt, 'base64'), keyBytes + checkBytes, options, (error, key) =>
      error === null ? done(key) : fail(error),
    ),
  );
  return { key: bytes.subarray(0, keyBytes), check: bytes.subarray(keyBytes) };
};

const nonceOf = (prefix: Buffer, counter: number, last: boolean): Buffer => {
  const nonce = Buffer.alloc(12);
  prefix.copy(nonce);
  nonce.writeUInt32BE(counter, prefixBytes);
  nonce[11] = last ? 1 : 0;
  return nonce;
};

const hashOf = (header: Buffer): Buffer => createHash('sha256').update(header).digest();

/** Encrypts what is written into it. A lower cost is for tests alone. */
export const sealStream = async (passphrase: string, cost = 17): Promise<Transform> => {
  const salt = randomBytes(16).toString('base64');
  const prefix = randomBytes(prefixBytes);
  const kdf = { cost, block: 8, parallel: 1, salt } as const;
  const { key, check } = await derive(passphrase, kdf);
  const header = Buffer.from(
    JSON.stringify({
      ...{ version: 1, kdf: 'scrypt', ...kdf },
      ...{ prefix: prefix.toString('base64'), check: check.toString('base64') },
    } satisfies Header),
  );
  const bound = hashOf(header);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  let pending: Buffer[] = [length, header];
  let counter = 0;
  let held = 0;
  let plain: Buffer[] = [];
  const seal = (chunk: Buffer, last: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(prefix, counter, last));
    counter += 1;
    cipher.setAAD(bound);
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  };
  const head = (stream: Transform): void => {
    if (pending.length === 0) return;
    stream.push(Buffer.concat([envelopeMagic, ...pending]));
    pending = [];
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      head(this);
      plain.push(chunk);
      held += chunk.length;
      // The last chunk is known at the end alone, so one is always held back.
      if (held > chunkBytes) {
        const all = Buffer.concat(plain);
        let at = 0;
        for (; all.length - at > chunkBytes; at += chunkBytes)
          this.push(seal(all.subarray(at, at + chunkBytes), false));
        plain = [all.subarray(at)];
        held = all.length - at;
      }
      done();
    },
    flush(done) {
      head(this);
      this.push(seal(Buffer.concat(plain), true));
      done();
    },
  });
};

const cutOff = (): ArchiveProblem => new ArchiveProblem('The file ends in the middle: it is cut off.');

const readHeader = async (text: Buffer, passphrase: string | null) => {
  let header: Header;
  try {
    header = headerForm.parse(JSON.parse(text.toString('utf8')));
  } catch {
    throw new ArchiveProblem('The head of the encrypted file is damaged, or a newer Atrium made it.');
  }
  if (passphrase === null) throw new PassphraseProblem('The backup is encrypted: its passphrase is needed.');
  const { key, check } = await derive(passphrase, header);
  const expected = Buffer.from(header.check, 'base64');
  if (expected.length !== checkBytes || !timingSafeEqual(expected, check))
    throw new PassphraseProblem('The passphrase is not the one of this backup.');
  const prefix = Buffer.from(header.prefix, 'base64');
  if (prefix.length !== prefixBytes) throw new ArchiveProblem('The head of the encrypted file is damaged.');
  return { key, prefix, bound: hashOf(text) };
};

/** Yields bytes once they are proven; `source` begins behind the magic bytes. */
export async function* openEnvelope(source: AsyncIterable<Buffer>, passphrase: string | null): AsyncGenerator<Buffer> {
  let buffer: Buffer = Buffer.alloc(0);
  const chunks = source[Symbol.asyncIterator]();
  let ended = false;
  const fill = async (wanted: number): Promise<void> => {
    const parts = [buffer];
    let size = buffer.length;
    while (size < wanted && !ended) {
      const next = await chunks.next();
      if (next.done) ended = true;
      else {
        parts.push(next.value);
        size += next.value.length;
      }
    }
    if (parts.length > 1) buffer = Buffer.concat(parts);
  };
  try {
    await fill(4);
    if (buffer.length < 4) throw cutOff();
    const length = buffer.readUInt32BE(0);
    if (length > largestHeader) throw new ArchiveProblem('The head of the encrypted file is damaged.');
    await fill(4 + length);
    if (buffer.length < 4 + length) throw cutOff();
    const { key, prefix, bound } = await readHeader(buffer.subarray(4, 4 + length), passphrase);
    buffer = buffer.subarray(4 + length);
    for (let counter = 0; ; counter++) {
      await fill(chunkBytes + tagBytes + 1);
      const last = buffer.length <= chunkBytes + tagBytes;
      const sealed = buffer.subarray(0, chunkBytes + tagBytes);
      if (sealed.length < tagBytes) throw cutOff();
      const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(prefix, counter, last), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(bound);
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      let plain: Buffer;
      try {
        plain = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
      } catch {
        throw new ArchiveProblem('The encrypted file is damaged or cut off.');
      }
      if (plain.length > 0) yield plain;
      if (last) return;
      buffer = buffer.subarray(sealed.length);
    }
  } finally {
    await chunks.return?.();
  }
}
