import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { testAuthority } from './tls-certificates.ts';

export interface StreamAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  trailers: IncomingHttpHeaders;
  /** Heads that came before the answer's own. */
  early: number[];
}

/** Every name is this machine's. */
export const toLoopback = (_host: string, _options: object, done: (error: null, found: object[]) => void): void =>
  done(null, [{ address: '127.0.0.1', family: 4 }]);

/** A client of HTTP/2 that trusts the test authority. */
export const openStreams = async (
  port: number,
  options: ConnectionOptions & { settings?: Parameters<ClientHttp2Session['settings']>[0] } = {},
): Promise<ClientHttp2Session> => {
  const session = connect(`https://localhost:${port}`, {
    ca: testAuthority,
    lookup: toLoopback,
    ...options,
  } as never);
  await new Promise<void>((ready, failed) => session.once('connect', () => ready()).once('error', failed));
  session.on('error', () => undefined);
  return session;
};

/** The head of an answer, as soon as it is there. */
export const headOf = (stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> =>
  new Promise((answered, failed) => {
    stream.once('response', answered);
    stream.once('error', failed);
    stream.once('close', () => failed(new Error(`the stream closed with ${stream.rstCode}`)));
  });

/** The whole answer to what a stream asked. Rejects when it is cut off. */
export const answerTo = async (stream: ClientHttp2Stream): Promise<StreamAnswer> => {
  const early: number[] = [];
  let trailers: IncomingHttpHeaders = {};
  stream.on('headers', (headers) => early.push(Number(headers[':status'])));
  stream.on('trailers', (given) => {
    trailers = given;
  });
  const headers = await headOf(stream);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  if (stream.rstCode !== 0) throw new Error(`the stream was reset with ${stream.rstCode}`);
  return { status: Number(headers[':status']), headers, text, trailers, early };
};

/** Asks, and reads the whole answer. */
export const ask = (
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<StreamAnswer> => {
  const stream = session.request({ ':path': path, ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerTo(stream);
};

/** A handshake, by the rules of the test authority unless told otherwise. */
export const shakeHands = (port: number, options: ConnectionOptions = {}): Promise<TLSSocket> =>
  new Promise((done, failed) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: testAuthority, ...options });
    socket.once('secureConnect', () => done(socket));
    socket.once('error', failed);
  });
