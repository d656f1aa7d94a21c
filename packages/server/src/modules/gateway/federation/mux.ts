import { Duplex } from 'node:stream';

/* Many connections over one: each frame is a kind, the number of its stream and what it carries. */

const [open, data, end, reset, credit] = [1, 2, 3, 4, 5] as const;
const headBytes = 5;
/** What one side may send before the other has said that it took it. */
export const windowBytes = 256 * 1024;
/** Streams take turns: no frame of one is longer. */
const largestFrame = 32 * 1024;
const mostStreams = 256;

export class LinkClosed extends Error {
  readonly code = 'ECONNRESET';
  constructor(why: string) {
    super(why);
    this.name = 'LinkClosed';
  }
}

/** One connection through the link. It takes the calls that code for sockets makes. */
export class LinkStream extends Duplex {
  readonly #mux: Mux;
  readonly id: number;
  readonly remoteAddress: string;
  bytesRead = 0;
  bytesWritten = 0;
  #window = windowBytes;
  #taken = 0;
  #unsent: { bytes: Buffer; done: (error?: Error | null) => void } | null = null;
  #ended = false;
  #gone = false;

  constructor(mux: Mux, id: number, remoteAddress: string) {
    super({ allowHalfOpen: true, highWaterMark: 64 * 1024 });
    this.#mux = mux;
    this.id = id;
    this.remoteAddress = remoteAddress;
  }

  /* What is asked of a socket and means nothing here. */
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#unsent = { bytes, done };
    this.#send();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#mux.frame(end, this.id);
    done();
    this.#closeWhenOver();
  }

  override _read(): void {
    this.#grant();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#gone && !(this.#ended && this.writableFinished)) this.#mux.frame(reset, this.id);
    this.#mux.forget(this.id);
    this.#unsent?.done(error ?? new LinkClosed('the stream was destroyed'));
    this.#unsent = null;
    done(error);
  }

  /** False when the other side sent more than it may. */
  came(bytes: Buffer): boolean {
    this.#taken += bytes.length;
    if (this.#taken > windowBytes || this.#ended) return false;
    this.bytesRead += bytes.length;
    // Otherwise `_read` is called once what lies here is taken.
    if (this.push(bytes)) this.#grant();
    return true;
  }

  cameEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(null);
    this.#closeWhenOver();
  }

  cameReset(why: string): void {
    this.#gone = true;
    // The other side had said all before it let go: as with a socket that is closed, the rest is still to be read.
    if (this.#ended && !this.readableEnded) this.once('end', () => this.destroy());
    else this.destroy(new LinkClosed(why));
  }

  cameCredit(bytes: number): boolean {
    this.#window += bytes;
    if (this.#window > windowBytes) return false;
    this.#send();
    return true;
  }

  /** Tells the other side what was taken, in few frames. */
  #grant(): void {
    if (this.#taken < windowBytes / 4 || this.#ended) return;
    const count = Buffer.allocUnsafe(4);
    count.writeUInt32BE(this.#taken);
    this.#taken = 0;
    this.#mux.frame(credit, this.id, count);
  }

  #send(): void {
    while (this.#unsent !== null && this.#window > 0) {
      const { bytes, done } = this.#unsent;
      const part = bytes.subarray(0, Math.min(largestFrame, this.#window));
      this.#window -= part.length;
      this.bytesWritten += part.length;
      this.#unsent = part.length === bytes.length ? null : { bytes: bytes.subarray(part.length), done };
      this.#mux.frame(data, this.id, part);
      if (this.#unsent === null) done();
    }
  }

  #closeWhenOver(): void {
    // Its number is free once both sides have said that they send no more.
    if (this.#ended && this.writableEnded) this.#mux.forget(this.id);
  }
}

export interface MuxParts {
  /** Numbers of streams that the caller opens are odd. */
  caller: boolean;
  send(frame: Buffer): void;
  /** The other side opened a stream; false refuses it. */
  opened(stream: LinkStream): boolean;
  remote_address: string;
}

/** The streams of one link. */
export class Mux {
  readonly #parts: MuxParts;
  readonly #streams = new Map<number, LinkStream>();
  #next: number;
  #highest = 0;
  #closed = false;

  constructor(parts: MuxParts) {
    this.#parts = parts;
    this.#next = parts.caller ? 1 : 2;
  }

  get size(): number {
    return this.#streams.size;
  }

  open(): LinkStream {
    if (this.#closed) throw new LinkClosed('the link is closed');
    if (this.#streams.size >= mostStreams) throw new LinkClosed('too many requests pass through the link');
    const stream = this.#add(this.#next);
    this.#next += 2;
    this.frame(open, stream.id);
    return stream;
  }

  /** False when the frame breaks the rules; the link is then no good any more. */
  take(frame: Buffer): boolean {
    if (frame.length < headBytes) return false;
    const [kind, id, body] = [frame[0], frame.readUInt32BE(1), frame.subarray(headBytes)];
    if (kind === open) return this.#opened(id, body);
    const stream = this.#streams.get(id);
    // Of a stream that this side has ended meanwhile.
    if (stream === undefined) return kind === data || kind === end || kind === reset || kind === credit;
    switch (kind) {
      case data:
        return body.length <= largestFrame && stream.came(body);
      case end:
        stream.cameEnd();
        return true;
      case reset:
        stream.cameReset('the other side ended it');
        return true;
      case credit:
        return body.length === 4 && stream.cameCredit(body.readUInt32BE(0));
      default:
        return false;
    }
  }

  close(why: string): void {
    this.#closed = true;
    for (const stream of [...this.#streams.values()]) stream.cameReset(why);
    this.#streams.clear();
  }

  frame(kind: number, id: number, body: Buffer = Buffer.alloc(0)): void {
    if (this.#closed) return;
    const head = Buffer.allocUnsafe(headBytes);
    head[0] = kind;
    head.writeUInt32BE(id, 1);
    this.#parts.send(body.length === 0 ? head : Buffer.concat([head, body]));
  }

  forget(id: number): void {
    this.#streams.delete(id);
  }

  #opened(id: number, body: Buffer): boolean {
    const theirs = id % 2 === (this.#parts.caller ? 0 : 1);
    if (body.length > 0 || !theirs || id <= this.#highest) return false;
    this.#highest = id;
    if (this.#closed || this.#streams.size >= mostStreams) {
      this.frame(reset, id);
      return true;
    }
    const stream = this.#add(id);
    if (!this.#parts.opened(stream)) stream.destroy();
    return true;
  }

  #add(id: number): LinkStream {
    const stream = new LinkStream(this, id, this.#parts.remote_address);
    // Without a listener an end of the link would end the process.
    stream.on('error', () => {});
    this.#streams.set(id, stream);
    return stream;
  }
}
