import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileAnswer, StreamAnswer } from '../operations/binding.ts';
import { filePolicy } from './security-headers.ts';

const compress = promisify(gzip);
const worthCompressing = 1024;

/** True when the client takes gzip; `gzip;q=0` is a refusal. */
const acceptsGzip = (header: string | string[] | undefined): boolean =>
  typeof header === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(header);

/** Sends text that is already serialised; compresses it when it is long enough to gain. Short text waits for nothing. */
export const sendText = (
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  contentType: string,
): FastifyReply | Promise<FastifyReply> => {
  reply.header('content-type', contentType);
  if (text.length < worthCompressing) return reply.send(text);
  reply.header('vary', 'Accept-Encoding');
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(text);
  return sendCompressed(reply, text);
};

const sendCompressed = async (reply: FastifyReply, text: string): Promise<FastifyReply> => {
  const bytes = await compress(text, { level: 3 });
  return reply.header('content-encoding', 'gzip').send(bytes);
};

/** RFC 6266 with the RFC 8187 form, so that any name is safe inside the header. */
const contentDisposition = (kind: 'inline' | 'attachment', name: string): string => {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_').slice(0, 200);
  const encoded = encodeURIComponent(name.toWellFormed().slice(0, 200)).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
};

/** Types that a browser shows without running anything in them. SVG and HTML are not among them. */
const inlineSafe =
  /^(?:image\/(?:png|jpeg|gif|webp|avif)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain|application\/pdf)(?:;|$)/;

export const sendFile = (request: FastifyRequest, reply: FastifyReply, file: FileAnswer): unknown => {
  const inline = file.inline && inlineSafe.test(file.content_type);
  reply.headers({
    'content-type': file.content_type,
    'content-disposition': contentDisposition(inline ? 'inline' : 'attachment', file.file_name),
    'content-security-policy': filePolicy,
    'cache-control': 'private, no-cache',
  });
  if (file.etag !== undefined) {
    const tag = `"${file.etag.replaceAll(/[^\x21\x23-\x7e]/g, '')}"`;
    reply.header('etag', tag);
    if (etagMatches(request.headers['if-none-match'], tag)) {
      file.stream.destroy();
      return reply.code(304).send();
    }
  }
  if (file.length !== null) reply.header('content-length', file.length);
  return reply.send(file.stream);
};

export const etagMatches = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((t) => t.trim().replace(/^W\//, '') === tag));

type StreamEvent = StreamAnswer['events'] extends AsyncIterable<infer E> ? E : never;

/** A line break inside a field would start a new field: data is split, the others lose theirs. */
const formatEvent = (event: StreamEvent): string => {
  if ('comment' in event) {
    const retry = event.retry_ms === undefined ? '' : `retry: ${event.retry_ms}\n`;
    return `: ${event.comment.replaceAll(/[\r\n]+/g, ' ')}\n${retry}\n`;
  }
  const lines: string[] = [];
  if (event.event !== undefined) lines.push(`event: ${event.event.replaceAll(/[\r\n]+/g, ' ')}`);
  if (event.id !== undefined) lines.push(`id: ${event.id.replaceAll(/[\r\n\0]+/g, ' ')}`);
  for (const line of event.data.split(/\r\n|\r|\n/)) lines.push(`data: ${line}`);
  return `${lines.join('\n')}\n\n`;
};

/** Server-sent events until the source ends or the signal aborts, with a comment when nothing else was sent for a while. */
export const sendStream = (
  reply: FastifyReply,
  answer: StreamAnswer,
  signal: AbortSignal,
  keepAliveMs: number,
): unknown => {
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  let wanted = Promise.withResolvers<void>();
  const stream = new Readable({ read: () => wanted.resolve() });
  const keepAlive = setInterval(() => stream.push(': keep-alive\n\n'), keepAliveMs);
  const iterator = answer.events[Symbol.asyncIterator]();
  const end = (): void => {
    clearInterval(keepAlive);
    signal.removeEventListener('abort', end);
    wanted.resolve();
    void iterator.return?.();
    if (!stream.destroyed) stream.push(null);
  };
  signal.addEventListener('abort', end, { once: true });
  stream.on('close', end);
  stream.push(': open\n\n');
  const drained = async (): Promise<void> => {
    if (answer.paced !== true || stream.readableLength <= stream.readableHighWaterMark) return;
    wanted = Promise.withResolvers();
    await wanted.promise;
  };
  void pump(iterator, stream, signal, drained).then(end, (error: Error) => {
    clearInterval(keepAlive);
    if (!signal.aborted) stream.destroy(error);
  });
  return reply.send(stream);
};

/** More than this waiting for a client that does not read ends its stream; it comes back with Last-Event-ID. */
const longestBacklog = 1024 * 1024;

const pump = async (
  iterator: AsyncIterator<Parameters<typeof formatEvent>[0]>,
  stream: Readable,
  signal: AbortSignal,
  drained: () => Promise<void>,
): Promise<void> => {
  while (!signal.aborted && !stream.destroyed) {
    const next = await iterator.next();
    if (next.done === true || signal.aborted || stream.destroyed) return;
    stream.push(formatEvent(next.value));
    await drained();
    if (stream.readableLength > longestBacklog) return;
  }
};
