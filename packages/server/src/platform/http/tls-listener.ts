import type { Server as HttpServer } from 'node:http';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import type { CertificateSource } from '../tls/certificate-source.ts';
import { acceptToldPeers, realEnd, tellPeer } from './told-peers.ts';

/** Until a connection of HTTP/2 asks for something. */
const firstStreamMs = 10_000;
const idleMs = 75_000;
const flushMs = 1000;
/** What a client may send on all streams of a connection before any of it is taken. */
const connectionWindow = 1024 * 1024;
/** The first byte of a TLS handshake; no method of HTTP begins with it. */
const handshakeRecord = 0x16;
/** The longest record there is, with its head. */
const longestRecord = 5 + 16 * 1024;
const proofProtocol = 'acme-tls/1';

/** Whether the first record is here in full: protocols decide about the certificate, and stand at its end. */
const isWhole = (bytes: Buffer): boolean =>
  bytes[0] !== handshakeRecord ||
  bytes.length >= longestRecord ||
  (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3));

export interface TlsListenerOptions {
  certificates: CertificateSource;
  /** For the first record, and again for the handshake. */
  handshake_ms: number;
  /** Get their connections from here: HTTP/1.1 and HTTP/2 over TLS, and what came without TLS. */
  http: HttpServer;
  streams: Http2Server;
  plain: HttpServer;
  /** Whose connections begin with a header of the PROXY protocol; null = nobody's. */
  told_peers: Parameters<typeof acceptToldPeers>[1] | null;
  /** Counts the connections of a listener. */
  count: (server: TcpServer) => void;
  /** What goes on over a counted connection. */
  adopt: (socket: Socket, under: Socket) => void;
}

/** Certificates and protocols as the handshake asks for them. */
const createHandshakes = ({ certificates, handshake_ms }: TlsListenerOptions): TlsServer =>
  createTlsServer({
    handshakeTimeout: handshake_ms,
    SNICallback: (name, done) => {
      const context = certificates.contextFor(name.toLowerCase()) ?? certificates.fallback();
      if (context === null) done(new Error('there is no certificate'));
      else done(null, context);
    },
    ALPNCallback: ({ protocols }) => ['h2', 'http/1.1'].find((one) => protocols.includes(one)),
  });

/** Proves names to an authority (RFC 8737): by the handshake alone, with certificates that nobody else is shown. */
const createProofs = ({ certificates, handshake_ms }: TlsListenerOptions): TlsServer =>
  createTlsServer({
    handshakeTimeout: handshake_ms,
    ALPNProtocols: [proofProtocol],
    SNICallback: (name, done) => {
      const context = certificates.challengeContext(name.toLowerCase());
      if (context === null) done(new Error('no order waits for this name'));
      else done(null, context);
    },
  });

/** One port for TLS and for those who do not know of it yet: the first byte of a connection tells. */
export class TlsListener {
  readonly #options: TlsListenerOptions;
  readonly #tls: TlsServer;
  readonly #proofs: TlsServer;
  readonly #tcp: TcpServer;
  /** Connections in a handshake, by their two ends: the TLS server does not say on what it builds. */
  readonly #shaking = new Map<string, Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #open = new Set<Socket>();
  #stopping = false;
  #noSessions: (() => void) | null = null;

  constructor(options: TlsListenerOptions) {
    this.#options = options;
    this.#tls = createHandshakes(options);
    this.#tls.on('secureConnection', (socket) => this.#secured(socket));
    this.#proofs = createProofs(options);
    this.#proofs.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()).end());
    // A client that hung up, or spoke another protocol; nobody's fault here.
    for (const server of [this.#tls, this.#proofs]) server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#tcp = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 256 * 1024 });
    options.count(this.#tcp);
    this.#tcp.on('connection', (socket) => this.#accept(socket));
    if (options.told_peers !== null) acceptToldPeers(this.#tcp, options.told_peers);
    // Starts the clocks over heads and idle connections, which a server does only when it listens itself.
    options.http.emit('listening');
    options.plain.emit('listening');
  }

  listen(host: string, port: number, reusePort = false): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen({ host, port, backlog: 511, reusePort }, () => {
        this.#tcp.off('error', reject);
        resolve(this.#tcp.address() as AddressInfo);
      });
    });
  }

  /** Takes nothing new; clients of HTTP/2 are told to go elsewhere, and what they asked for goes on. */
  stop(): void {
    this.#stopping = true;
    this.#tcp.close();
    this.#options.plain.close();
    for (const socket of this.#shaking.values()) socket.destroy();
    for (const session of this.#sessions) session.close();
  }

  /** Ends what is left. What a stream of HTTP/2 was ended with may still be on its way, and gets a moment for it. */
  async cut(): Promise<void> {
    if (this.#sessions.size > 0)
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#noSessions = resolve;
        }),
        delay(flushMs, undefined, { ref: false }),
      ]);
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#open) socket.destroy();
    this.#options.plain.closeAllConnections();
  }

  #accept(socket: Socket): void {
    const end = () => socket.destroy();
    const late = setTimeout(end, this.#options.handshake_ms).unref();
    socket.on('error', end);
    this.#open.add(socket);
    socket.once('close', () => {
      clearTimeout(late);
      this.#open.delete(socket);
    });
    socket.once('end', end);
    let first: Buffer = Buffer.alloc(0);
    const hear = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (!isWhole(first)) return;
      clearTimeout(late);
      socket.off('data', hear).off('end', end);
      socket.pause();
      socket.unshift(first);
      if (first[0] === handshakeRecord) this.#shake(socket, first);
      else {
        this.#options.plain.emit('connection', socket);
        process.nextTick(() => socket.resume());
      }
    };
    socket.on('data', hear);
  }

  #shake(socket: Socket, hello: Buffer): void {
    if (hello.includes(proofProtocol)) {
      this.#proofs.emit('connection', socket);
      return;
    }
    const ends = realEnd(socket);
    this.#shaking.set(ends, socket);
    socket.once('close', () => this.#shaking.delete(ends));
    this.#showFallback(this.#options.certificates.fallback());
    this.#tls.emit('connection', socket);
  }

  /**
   * Clients that name nobody. Node takes the context for them from a field, which it fills from PEM texts alone; these
   * stay with the source.
   */
  #showFallback(context: SecureContext | null): void {
    if (context !== null) Object.assign(this.#tls, { _sharedCreds: context });
  }

  #secured(socket: TLSSocket): void {
    const ends = realEnd(socket);
    const under = this.#shaking.get(ends);
    this.#shaking.delete(ends);
    socket.disableRenegotiation();
    if (under === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    tellPeer(socket, under);
    this.#options.adopt(socket, under);
    if (socket.alpnProtocol === 'h2') {
      // Who sends no more hears nothing more: HTTP/2 has no half of a connection.
      socket.once('end', () => socket.destroy());
      // Told of within the next line but one.
      this.#options.streams.once('session', (session) => this.#session(session, under));
      this.#options.streams.emit('connection', socket);
    } else this.#options.http.emit('connection', socket);
  }

  #session(session: ServerHttp2Session, under: Socket): void {
    this.#sessions.add(session);
    this.#options.adopt(session.socket, under);
    const silent = setTimeout(() => session.destroy(), firstStreamMs).unref();
    let streams = 0;
    const rest = (): void => {
      if (!session.destroyed) session.setTimeout(streams === 0 ? idleMs : 0);
    };
    session.on('timeout', () => session.close());
    session.setLocalWindowSize(connectionWindow);
    session.on('stream', (stream) => {
      clearTimeout(silent);
      streams += 1;
      if (streams === 1) rest();
      stream.once('close', () => {
        streams -= 1;
        if (streams === 0) rest();
      });
    });
    session.once('close', () => {
      clearTimeout(silent);
      this.#sessions.delete(session);
      if (this.#sessions.size === 0) this.#noSessions?.();
    });
    session.on('error', () => session.destroy());
  }
}
