import { createServer as createPlainServer } from 'node:http';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/* The wire of gRPC: messages in frames of a flag and a length, the outcome in trailers. */

export const frame = (message: string, flag = 0): Buffer => {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

/** What of the bytes are whole frames, and what is left. */
export const framesOf = (bytes: Buffer): { frames: { flag: number; text: string }[]; rest: Buffer } => {
  const frames: { flag: number; text: string }[] = [];
  let at = 0;
  while (bytes.length >= at + 5 && bytes.length >= at + 5 + bytes.readUInt32BE(at + 1)) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    frames.push({ flag: bytes[at]!, text: bytes.toString('utf8', at + 5, end) });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
};

const serve = (stream: ServerHttp2Stream, method: string): void => {
  if (method !== '/greeter.Greeter/Talk') {
    // An outcome without messages stands in the head.
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'no such method' },
      { endStream: true },
    );
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'done' }));
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    const read = framesOf(Buffer.concat([rest, chunk]));
    rest = read.rest;
    for (const { text } of read.frames) stream.write(frame(`hello ${text}`));
  });
  stream.on('end', () => stream.end());
};

export interface GrpcServer {
  /** HTTP/2 without TLS. */
  port: number;
  /** The same service for browsers: gRPC-web over HTTP/1.1. */
  web_port: number;
  stop(): void;
}

/** A service with one method that answers each message while the call is open. */
export const startGrpc = async (): Promise<GrpcServer> => {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    serve(stream, String(headers[':path']));
  });
  const web = createPlainServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    response.writeHead(200, { 'content-type': 'application/grpc-web+proto' });
    for (const { text } of framesOf(Buffer.concat(parts)).frames) response.write(frame(`hello ${text}`));
    response.end(frame('grpc-status: 0\r\ngrpc-message: done\r\n', 0x80));
  });
  await Promise.all(
    [server, web].map((one) => new Promise<void>((done) => void one.listen(0, '127.0.0.1', () => done()))),
  );
  return {
    port: (server.address() as AddressInfo).port,
    web_port: (web.address() as AddressInfo).port,
    stop: () => {
      for (const session of sessions) session.destroy();
      server.close();
      web.closeAllConnections();
      web.close();
    },
  };
};
