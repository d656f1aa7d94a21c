import type { Duplex } from 'node:stream';
import type { Proven, Purpose } from './handshake.ts';
import { type LinkStream, Mux } from './mux.ts';
import type { PeerSocket } from './peer-socket.ts';
import { type LinkMessage, linkMessage, readMessage } from './wire.ts';

const probeMs = 5000;
const timeoutMs = 30_000;
/** Of a minute, from one peer: catalogues come now and then. */
const mostMessages = 240;

export interface LinkParts {
  /** This side opened the connection. */
  caller: boolean;
  message(link: PeerLink, message: LinkMessage): Promise<void>;
  stream(link: PeerLink, stream: LinkStream): void;
  closed(link: PeerLink, why: string): void;
  /** What the peer said breaks the rules. */
  broke(link: PeerLink, reason: string): void;
  onError(error: unknown, what: string): void;
}

/** A connection with a peer that has proved who it is. */
export class PeerLink {
  readonly peer_id: string;
  readonly public_key: string;
  readonly purpose: Purpose;
  readonly caller: boolean;
  readonly remote_address: string;
  /** Clock and visibility of each of our apps, as they were told over this link. */
  readonly told = new Map<string, string>();
  /** When it was last used for a request. */
  used_at = performance.now();
  readonly #peer: PeerSocket;
  readonly #parts: LinkParts;
  readonly #mux: Mux;
  readonly #timer: NodeJS.Timeout;
  #heard = performance.now();
  #messages = { since: performance.now(), count: 0 };
  #work: Promise<void> = Promise.resolve();
  #over = false;

  constructor(peer: PeerSocket, who: Proven, parts: LinkParts) {
    this.peer_id = who.id;
    this.public_key = who.public_key;
    this.purpose = who.purpose;
    this.caller = parts.caller;
    this.remote_address = peer.remote_address;
    this.#peer = peer;
    this.#parts = parts;
    this.#mux = new Mux({
      caller: parts.caller,
      remote_address: peer.remote_address,
      send: (frame) => peer.socket.send(frame, { binary: true }),
      opened: (stream) => {
        this.used_at = performance.now();
        parts.stream(this, stream);
        return true;
      },
    });
    const { socket } = peer;
    const alive = (): void => {
      this.#heard = performance.now();
    };
    socket.on('ping', alive);
    socket.on('pong', alive);
    socket.once('close', () => this.#ended('the connection ended'));
    this.#timer = setInterval(() => this.#probe(), probeMs).unref();
  }

  /** From now on messages are heard. */
  begin(): void {
    this.#peer.take((data, binary) => {
      this.#heard = performance.now();
      if (!binary) this.#text(data.toString('utf8'));
      else if (!this.#mux.take(data)) this.#break('bad_frame');
    });
  }

  get open(): boolean {
    return !this.#over;
  }

  get streams(): number {
    return this.#mux.size;
  }

  send(message: LinkMessage): void {
    if (!this.#over) this.#peer.socket.send(JSON.stringify(message));
  }

  connect(): Duplex {
    this.used_at = performance.now();
    return this.#mux.open();
  }

  close(reason: 'removed' | 'stopping'): void {
    this.send({ type: 'bye', reason });
    this.#peer.socket.close(1000);
    this.#ended(reason);
  }

  #text(text: string): void {
    const now = performance.now();
    if (now - this.#messages.since > 60_000) this.#messages = { since: now, count: 0 };
    this.#messages.count += 1;
    const message = this.#messages.count > mostMessages ? null : readMessage(linkMessage, text);
    if (message === null) {
      this.#break(this.#messages.count > mostMessages ? 'too_many_messages' : 'malformed');
      return;
    }
    // One after another, as they were said.
    this.#work = this.#work
      .then(() => (this.#over ? undefined : this.#parts.message(this, message)))
      .catch((error: unknown) => this.#parts.onError(error, 'a message of a peer could not be worked on'));
  }

  #probe(): void {
    if (performance.now() - this.#heard > timeoutMs) {
      this.#peer.socket.terminate();
      this.#ended('nothing was heard for 30 seconds');
    } else this.#peer.socket.ping();
  }

  #break(reason: string): void {
    this.#parts.broke(this, reason);
    this.#peer.socket.terminate();
    this.#ended(reason);
  }

  #ended(why: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#mux.close(why);
    this.#parts.closed(this, why);
  }
}
