import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { ReadableOptions } from 'node:stream';

const { HTTP2_HEADER_AUTHORITY, NGHTTP2_CANCEL } = constants;

const authorityOf = (headers: IncomingHttpHeaders): string | undefined =>
  headers[HTTP2_HEADER_AUTHORITY] as string | undefined;

/**
 * The lines of a request as HTTP/1.1 would have them: no pseudo header, the authority as Host, the crumbs of a cookie
 * as one line (RFC 9113, 8.2.3). A Host that differs from the authority stays beside it and is refused as a second one.
 */
const plainLines = (raw: readonly string[], authority: string | undefined): string[] => {
  const lines: string[] = authority === undefined ? [] : ['host', authority];
  let cookie = -1;
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    if (name.startsWith(':') || (name === 'host' && value === authority)) continue;
    if (name === 'cookie' && cookie !== -1) lines[cookie] += `; ${value}`;
    else {
      if (name === 'cookie') cookie = lines.length + 1;
      lines.push(name, value);
    }
  }
  return lines;
};

const plainHeaders = (given: IncomingHttpHeaders, stream: ServerHttp2Stream): IncomingHttpHeaders => {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(given)) if (!name.startsWith(':')) headers[name] = value;
  const authority = authorityOf(given);
  if (authority !== undefined) headers.host = authority;
  // A body of unknown length, in the word that everything here knows it by.
  if (!stream.endAfterHeaders && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
  return headers;
};

/** A request of HTTP/2 in the shape of one of HTTP/1.1, so that every rule and every route serves both. */
export class StreamRequest extends Http2ServerRequest {
  override readonly headers: IncomingHttpHeaders;
  override readonly rawHeaders: string[];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, options: ReadableOptions, raw: string[]) {
    super(stream, headers, options, raw);
    this.headers = plainHeaders(headers, stream);
    this.rawHeaders = plainLines(raw, authorityOf(headers));
  }

  /** The connection, which all requests that come over it have in common. */
  get connectionSocket(): Socket {
    return this.stream.session?.socket ?? this.socket;
  }

  /** Its body did not come in time. */
  lateBody(): void {
    const { stream } = this;
    if (!stream.headersSent && !stream.destroyed) stream.respond({ ':status': 408 }, { endStream: true });
    stream.close(NGHTTP2_CANCEL);
  }
}

/** Of one connection of HTTP/1.1; Node would drop them too, with a warning. */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

const withoutConnection = (headers: OutgoingHttpHeaders | readonly string[]): OutgoingHttpHeaders | string[] => {
  if (!Array.isArray(headers))
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.has(name.toLowerCase())));
  const left: string[] = [];
  for (let at = 0; at < headers.length; at += 2)
    if (!ofConnection.has(headers[at].toLowerCase())) left.push(headers[at], headers[at + 1]);
  return left;
};

/** How long a client may take nothing of what waits for it. */
const patienceMs = 120_000;

const bodiless = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** Its answer, likewise. */
export class StreamResponse extends Http2ServerResponse {
  /** HTTP/2 keeps its connection; who sets this is not heard. */
  shouldKeepAlive = true;

  constructor(stream: ServerHttp2Stream) {
    super(stream);
    stream.on('timeout', () => this.#late());
    this.takeWithin(patienceMs);
    // The rest of a body that nobody reads any more: the client is told to stop, and nothing waits for it.
    stream.once('finish', () => {
      if (!stream.readableEnded) setImmediate(() => stream.destroy());
    });
  }

  /** Without the reason, which HTTP/2 does not have. */
  override writeHead(status: number, ...rest: unknown[]): this {
    const [first, second] = rest;
    const headers = (typeof first === 'string' ? second : (first ?? second)) as OutgoingHttpHeaders | undefined;
    return headers === undefined
      ? super.writeHead(status)
      : super.writeHead(status, withoutConnection(headers) as never);
  }

  override setHeader(name: string, value: number | string | readonly string[]): void {
    if (!ofConnection.has(name.toLowerCase())) super.setHeader(name, value);
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    return this.#hasNoBody || (super.write as (...all: unknown[]) => boolean).call(this, chunk, ...rest);
  }

  override end(...all: unknown[]): this {
    const given = this.#hasNoBody ? all.filter((one) => typeof one === 'function') : all;
    return (super.end as (...rest: unknown[]) => this).apply(this, given);
  }

  override addTrailers(trailers: OutgoingHttpHeaders | readonly (readonly [string, string])[]): void {
    super.addTrailers(Array.isArray(trailers) ? Object.fromEntries(trailers) : (trailers as OutgoingHttpHeaders));
  }

  /** Ends it so that the client sees that something lacks. */
  override destroy(error?: Error): this {
    super.destroy(error ?? new Error('the answer was cut off'));
    return this;
  }

  /** Ends it when something waits for the client and it takes nothing for so long; 0 waits for ever. */
  takeWithin(ms: number): void {
    this.stream.setTimeout(ms);
  }

  #late(): void {
    const { stream } = this;
    if (stream.writableLength > 0 || (stream.writableEnded && !stream.writableFinished)) this.destroy();
  }

  get #hasNoBody(): boolean {
    return this.req.method === 'HEAD' || bodiless(this.statusCode);
  }
}

/** A stream whose client left counts as ended and flushed; the answer was not. */
Object.defineProperty(StreamResponse.prototype, 'writableFinished', {
  get(this: StreamResponse) {
    const { stream } = this;
    return this.writableEnded && stream.writableFinished && !stream.aborted;
  },
});
