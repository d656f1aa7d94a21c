import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { envelopeMagic, openEnvelope, PassphraseProblem, sealStream } from './envelope.ts';
import { ArchiveProblem } from './tar.ts';

const chunk = 64 * 1024;
const words = 'nine brown foxes in a row';
const sealed = async (plain: Buffer): Promise<Buffer> => {
  const stream = await sealStream(words, 14);
  stream.end(plain);
  return await buffer(stream);
};
const opened = async (bytes: Buffer, passphrase: string | null = words): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of openEnvelope(Readable.from([bytes.subarray(envelopeMagic.length)]), passphrase))
    parts.push(part);
  return Buffer.concat(parts);
};
const pattern = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, n) => (n * 31) % 251));

describe('an encrypted archive', () => {
  it('gives back what went in, at every edge of a chunk', async () => {
    for (const size of [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk]) {
      const plain = pattern(size);
      const bytes = await sealed(plain);
      expect(bytes.subarray(0, 8).equals(envelopeMagic)).toBe(true);
      expect((await opened(bytes)).equals(plain), `${size} bytes`).toBe(true);
    }
  });

  it('tells another passphrase and none from damage', async () => {
    const bytes = await sealed(pattern(10));
    await expect(opened(bytes, 'another one')).rejects.toThrow(PassphraseProblem);
    await expect(opened(bytes, null)).rejects.toThrow(PassphraseProblem);
  });

  it('refuses chunks that are changed, missing, swapped, repeated or added', async () => {
    const bytes = await sealed(pattern(3 * chunk));
    const head = envelopeMagic.length + 4 + bytes.readUInt32BE(envelopeMagic.length);
    const step = chunk + 16;
    const [start, ...chunks] = [
      bytes.subarray(0, head),
      ...[0, 1, 2].map((n) => bytes.subarray(head + n * step, head + (n + 1) * step)),
    ] as [Buffer, Buffer, Buffer, Buffer];
    const flipped = Buffer.from(bytes);
    flipped[head + 100]! ^= 1;
    const otherSalt = Buffer.from(bytes);
    otherSalt[head - 3] = otherSalt[head - 3]! ^ 1;
    const wrong: Record<string, Buffer> = {
      flipped,
      'changed head': otherSalt,
      'without its last chunk': Buffer.concat([start, chunks[0], chunks[1]]),
      'cut inside': bytes.subarray(0, bytes.length - 20),
      'cut inside its head': bytes.subarray(0, head - 10),
      swapped: Buffer.concat([start, chunks[1], chunks[0], chunks[2]]),
      repeated: Buffer.concat([start, chunks[0], chunks[0], chunks[1], chunks[2]]),
      'with more behind it': Buffer.concat([bytes, Buffer.from('more')]),
    };
    for (const [what, damaged] of Object.entries(wrong))
      await expect(opened(damaged), what).rejects.toThrow(ArchiveProblem);
  });

  it('asks for no more memory than it was made with, whatever its head says', async () => {
    const head = Buffer.from(
      JSON.stringify({ version: 1, kdf: 'scrypt', cost: 30, block: 8, parallel: 1, salt: '', prefix: '', check: '' }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    await expect(opened(Buffer.concat([envelopeMagic, length, head]))).rejects.toThrow('head');
  });
});
