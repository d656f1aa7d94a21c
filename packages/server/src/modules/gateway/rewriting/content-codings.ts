import { pipeline, Transform } from 'node:stream';
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
  createInflateRaw,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';

const chunk = { chunkSize: 64 * 1024 };

export interface Coding {
  decode: (first: Buffer) => Transform;
  encode: () => Transform;
}

/**
 * Each way in and back again. Whatever goes in comes out at once, so a page that arrives in pieces leaves in pieces. Low
 * levels: the app compressed once, and a visitor waits for the second time.
 */
export const codings: Record<string, Coding> = {
  gzip: {
    decode: () => createGunzip(chunk),
    encode: () => createGzip({ level: 4, flush: constants.Z_SYNC_FLUSH }),
  },
  deflate: {
    // zlib by the standard and raw from some servers: the first byte tells.
    decode: (first) => ((first[0]! & 0x0f) === 8 ? createInflate(chunk) : createInflateRaw(chunk)),
    encode: () => createDeflate({ level: 4, flush: constants.Z_SYNC_FLUSH }),
  },
  br: {
    decode: () => createBrotliDecompress(chunk),
    encode: () =>
      createBrotliCompress({
        flush: constants.BROTLI_OPERATION_FLUSH,
        params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 19 },
      }),
  },
  zstd: {
    decode: () => createZstdDecompress({ ...chunk, params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
    encode: () =>
      createZstdCompress({
        flush: constants.ZSTD_e_flush,
        params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: 19 },
      }),
  },
};
codings['x-gzip'] = codings['gzip']!;

/** The coding of an answer: '' for none, null for one that cannot be looked into. */
export const codingOf = (header: string | undefined): string | null => {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length === 0) return '';
  return names.length === 1 && Object.hasOwn(codings, names[0]!) ? names[0]! : null;
};

/** What we ask an app for: of what the client takes, the codings that we can open. */
export const limitAcceptEncoding = (value: string): string =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => {
      const name = part.split(';')[0]!.trim().toLowerCase();
      return name === 'identity' || Object.hasOwn(codings, name);
    })
    .join(', ') || 'identity';

/** Decoder, change and encoder as one stream, made with the first byte: what is empty in a coding has not even its frame. */
class CodedChange extends Transform {
  readonly #coding: Coding;
  readonly #change: Transform;
  #in: Transform | null = null;
  #out: Transform | null = null;

  constructor(coding: Coding, change: Transform) {
    super();
    this.#coding = coding;
    this.#change = change;
  }

  override _transform(part: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (part.length === 0) {
      done();
      return;
    }
    this.#in ??= this.#begin(part);
    // Answers only when the part went all the way or is held back behind us: that is the back-pressure.
    this.#in.write(part, done);
  }

  override _flush(done: () => void): void {
    if (this.#in === null || this.#out === null) {
      done();
      return;
    }
    this.#out.once('end', done);
    this.#in.end();
  }

  override _read(size: number): void {
    this.#out?.resume();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const part of [this.#in, this.#change, this.#out]) part?.destroy();
    done(error);
  }

  #begin(first: Buffer): Transform {
    const decoder = this.#coding.decode(first);
    const encoder = this.#coding.encode();
    pipeline(decoder, this.#change, encoder, (error) => {
      if (error) this.destroy(error);
    });
    encoder.on('data', (part: Buffer) => {
      if (!this.push(part)) encoder.pause();
    });
    this.#out = encoder;
    return decoder;
  }
}

/** A stream through `change`, opened before and closed after it. Each part waits for the next one. */
export const throughCoding = (coding: string, change: Transform): Transform => {
  const known = codings[coding];
  return known === undefined ? change : new CodedChange(known, change);
};
