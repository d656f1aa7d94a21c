import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type {} from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import type { Call } from '../operations/call.ts';

type RawBody = NonNullable<Call['raw']>;

const tooLarge = (limit: number): AppError =>
  new AppError('too_large', `The body exceeds ${limit} bytes.`, { extensions: { max: limit } });

/** Passes bytes on and fails when there are more than allowed, so that no handler stores a silently cut file. */
class ByteLimit extends Transform {
  #left: number;
  readonly #limit: number;
  constructor(limit: number) {
    super();
    this.#limit = limit;
    this.#left = limit;
  }
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#left -= chunk.length;
    if (this.#left < 0) done(tooLarge(this.#limit));
    else done(null, chunk);
  }
}

const limited = (source: Readable, limit: number): Readable => {
  const limit_ = new ByteLimit(limit);
  // The callback keeps a failure from becoming an uncaught error; the reader of the stream gets it anyway.
  pipeline(source, limit_, () => {});
  return limit_;
};

const plainHeaders = (request: FastifyRequest): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name === 'authorization' || name === 'cookie' || value === undefined) continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
};

const announcedLength = (request: FastifyRequest): number | null => {
  const header = request.headers['content-length'];
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : null;
};

/** Body of a `raw` operation. */
export const rawBody = (request: FastifyRequest, limit: number): RawBody => {
  const length = announcedLength(request);
  if (length !== null && length > limit) throw tooLarge(limit);
  return {
    stream: limited(request.raw, limit),
    content_type: request.headers['content-type'] ?? 'application/octet-stream',
    length,
    file_name: null,
    headers: plainHeaders(request),
  };
};

/** The one file of a `multipart` operation: the part named `file`, before which no other file may come. */
export const multipartBody = async (request: FastifyRequest, limit: number): Promise<RawBody> => {
  const length = announcedLength(request);
  // Boundaries and part headers are not the file's bytes: allow them some room.
  if (length !== null && length > limit + 16_384) throw tooLarge(limit);
  const part = await request.file({
    limits: { fileSize: limit + 1, files: 1, fields: 20, parts: 21, fieldSize: 16_384 },
    throwFileSizeLimit: false,
  });
  if (part === undefined)
    throw new AppError('validation_failed', 'file: missing', {
      errors: [{ path: 'file', message: 'Send one part named file.' }],
    });
  if (part.fieldname !== 'file') {
    part.file.resume();
    throw new AppError('validation_failed', 'file: missing', {
      errors: [{ path: part.fieldname, message: 'The part must be named file.' }],
    });
  }
  return {
    stream: limited(part.file, limit),
    content_type: part.mimetype,
    length: null,
    file_name: part.filename === undefined || part.filename === '' ? null : part.filename,
    headers: {},
  };
};
