import { compose, Duplex, type Transform } from 'node:stream';
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

type Parts = AsyncIterable<Buffer>;

/** `deflate` is zlib by the standard and raw from some servers: the first byte tells. */
const inflate = async function* (source: Parts): AsyncGenerator<Buffer> {
  const parts = source[Symbol.asyncIterator]();
  const first = await parts.next();
  if (first.done === true) return;
  const all = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => parts };
  };
  const decoder = (first.value[0]! & 0x0f) === 8 ? createInflate(chunk) : createInflateRaw(chunk);
  yield* compose(all, decoder) as Parts;
};

/**
 * Each way in and back again. Whatever goes in comes out at once, so a page that arrives in pieces leaves in pieces. Low
 * levels: the app compressed once, and a visitor waits for the second time.
 */
const codings: Record<string, { decode: () => Duplex; encode: () => Duplex }> = {
  gzip: {
    decode: () => createGunzip(chunk),
    encode: () => createGzip({ level: 4, flush: constants.Z_SYNC_FLUSH }),
  },
  deflate: {
    decode: () => Duplex.from(inflate),
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

/** A stream through `change`, opened before and closed after it. Each part waits for the next one. */
export const throughCoding = (coding: string, change: Transform): Duplex => {
  const known = codings[coding];
  return known === undefined ? change : compose(known.decode(), change, known.encode());
};
