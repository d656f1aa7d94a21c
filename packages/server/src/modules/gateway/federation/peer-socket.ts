import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import { guardedTargetLookup, literalRefusal, type TargetGuard } from '../../../platform/net/target-guard.ts';
import { pinOf } from '../../../platform/tls/certificate-pair.ts';
import { type Exchange, HandshakeRefused } from './handshake.ts';
import { federationPath, largestGreeting, largestMessage } from './wire.ts';

const handshakeMs = 10_000;
/** Of what the other side said and nobody took yet: a catalogue that comes right behind the handshake. */
const mostHeld = 2 * largestMessage;

type Taker = (data: Buffer, binary: boolean) => void;

/** A WebSocket whose messages are kept until somebody takes them. */
export class PeerSocket {
  readonly socket: WebSocket;
  readonly #address: () => string;
  #waiting: { data: Buffer; binary: boolean }[] = [];
  #held = 0;
  #taker: Taker | null = null;

  /** The address is known once the connection stands. */
  constructor(socket: WebSocket, address: () => string) {
    this.socket = socket;
    this.#address = address;
    socket.on('error', () => {});
    socket.on('message', (data, binary) => {
      // One message is one buffer: that is how both sides open their sockets.
      const bytes = data as Buffer;
      if (this.#taker !== null) this.#taker(bytes, binary);
      else if (this.#waiting.length < 64 && this.#held + bytes.length <= mostHeld) {
        this.#held += bytes.length;
        this.#waiting.push({ data: bytes, binary });
      } else socket.terminate();
    });
  }

  get remote_address(): string {
    return this.#address();
  }

  take(taker: Taker | null): void {
    this.#taker = taker;
    while (this.#taker !== null && this.#waiting.length > 0) {
      const { data, binary } = this.#waiting.shift()!;
      this.#held -= data.length;
      this.#taker(data, binary);
    }
  }

  /** Speaks as long as nobody knows who the other side is: few, small texts, in a short time. */
  async greeting<T>(act: (exchange: Exchange) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), handshakeMs);
    const ended = (): void => over.abort();
    this.socket.once('close', ended);
    try {
      return await act({ send: (text) => this.socket.send(text), next: () => this.#next(over.signal) });
    } finally {
      clearTimeout(timer);
      this.socket.off('close', ended);
      this.#taker = null;
    }
  }

  #next(signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new HandshakeRefused('timeout'));
      if (signal.aborted) return fail();
      signal.addEventListener('abort', fail, { once: true });
      this.take((data, binary) => {
        this.#taker = null;
        signal.removeEventListener('abort', fail);
        if (binary || data.length > largestGreeting) reject(new HandshakeRefused('malformed'));
        else resolve(data.toString('utf8'));
      });
    });
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isThisMachine = (host: string): boolean => {
  const bare = host.replace(/^\[|\]$/g, '');
  const kind = isIP(bare);
  return kind === 0 ? bare === 'localhost' : loopback.check(bare, kind === 6 ? 'ipv6' : 'ipv4');
};

export interface Dialled {
  peer: PeerSocket;
  /** Null without TLS. */
  pin: string | null;
  /** An authority that this machine trusts signed the certificate for that name. */
  authorized: boolean;
}

export interface DialParts {
  guard: TargetGuard;
  resolve: Resolve;
  allow_plain: boolean;
  /** Its own operator named the address, so it may be a private one. */
  named: boolean;
}

/** Opens the connection. Nothing about this server has been said when it resolves. */
export const dialPeer = (address: string, parts: DialParts): Promise<Dialled> => {
  const url = new URL(address);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const encrypted = url.protocol === 'https:';
  if (!encrypted && !parts.allow_plain && !isThisMachine(url.hostname))
    return Promise.reject(new Error('the address is not https, and federation.allow_plain is off'));
  const refused = literalRefusal(parts.guard, url.hostname, port, parts.named);
  if (refused !== null) return Promise.reject(refused);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${encrypted ? 'wss' : 'ws'}://${url.host}${federationPath}`, {
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
      maxPayload: largestMessage,
      followRedirects: false,
      lookup: guardedTargetLookup(parts.guard, parts.resolve, port, parts.named),
      // The certificate is judged by its key, or by the authority, once it is known which of the two counts.
      rejectUnauthorized: false,
    });
    let shown: Omit<Dialled, 'peer'> = { pin: null, authorized: false };
    let remote = '';
    socket.once('upgrade', ({ socket: under }: IncomingMessage) => {
      remote = (under.remoteAddress ?? '').replace(/^::ffff:/, '');
      if (!(under instanceof TLSSocket)) return;
      const certificate = under.getPeerX509Certificate();
      if (certificate === undefined) return;
      shown = {
        pin: pinOf(certificate),
        authorized: under.authorized,
      };
    });
    const peer = new PeerSocket(socket, () => remote);
    socket.once('open', () => {
      if (encrypted && shown.pin === null) {
        socket.terminate();
        reject(new Error('the peer showed no certificate'));
      } else resolve({ peer, ...shown });
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection ended')));
  });
};
