import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { newId } from '../../../platform/ids/ids.ts';

/** Of a body, before the rest goes to disk. */
const inMemory = 1024 * 1024;
const readSize = 64 * 1024;

/** The disk that all spools share. */
export class SpoolRoom {
  readonly #directory: string | null;
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #used = 0;

  /** Without a directory everything stays within memory. What an earlier process left is removed. */
  constructor(directory: string | null, most: number) {
    this.#directory = directory;
    this.#most = most;
    if (directory === null) return;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  }

  get used(): number {
    return this.#used;
  }

  /** Of one body. */
  get each(): number {
    return this.#directory === null ? 0 : Math.floor(this.#most / 4);
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    if (bytes > 0) for (const again of [...this.#waiting]) again();
  }

  /** Called whenever there is more room. */
  wait(again: () => void): () => void {
    this.#waiting.add(again);
    return () => this.#waiting.delete(again);
  }

  /** A file without a name: whatever ends the process ends it too. */
  async file(): Promise<FileHandle> {
    const path = join(this.#directory ?? '', newId());
    const handle = await open(path, 'wx+', 0o600);
    await unlink(path);
    return handle;
  }
}

/**
 * A body between two sides of different speed: the first MiB in memory, the rest in a file, and no more than there is room
 * for; then the faster side waits. Bytes leave in the order in which they came, as soon as somebody takes them.
 */
export class Spool extends Duplex {
  bytes = 0;
  readonly #room: SpoolRoom;
  #memory: Buffer[] = [];
  #held = 0;
  #file: FileHandle | null = null;
  /** Where the file is read and written next. */
  #from = 0;
  #to = 0;
  /** How much of it is there to be read. */
  #written = 0;
  #reading = false;
  #wanted = false;
  #ended = false;
  #stuck: (() => void) | null = null;
  #unwait: (() => void) | null = null;
  #isFull = false;

  constructor(room: SpoolRoom) {
    super({ writableHighWaterMark: 256 * 1024, readableHighWaterMark: readSize, allowHalfOpen: true });
    this.#room = room;
  }

  /** All of it was handed on; that is what somebody asks who reads it as the body of a request. */
  get complete(): boolean {
    return this.readableEnded;
  }

  /** No more fits in until something is taken out. */
  get isFull(): boolean {
    return this.#isFull;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bytes += chunk.length;
    this.#put(chunk, done);
  }

  override _final(done: () => void): void {
    this.#ended = true;
    this.#hand();
    done();
  }

  override _read(): void {
    this.#wanted = true;
    this.#hand();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#unwait?.();
    this.#memory = [];
    const file = this.#file;
    this.#file = null;
    this.#room.give(this.#to);
    this.#to = 0;
    this.#stuck = null;
    // A read or write that is under way fails, and nobody hears of it.
    if (file === null) done(error);
    else
      file.close().then(
        () => done(error),
        () => done(error),
      );
  }

  #put(chunk: Buffer, done: (error?: Error | null) => void): void {
    const toFile = this.#file !== null && this.#to > this.#from;
    if (!toFile && (this.#held === 0 || this.#held + chunk.length <= inMemory)) {
      this.#memory.push(chunk);
      this.#held += chunk.length;
      done();
      this.#hand();
      return;
    }
    const whole = this.#to + chunk.length;
    if (whole <= this.#room.each && this.#room.take(chunk.length)) {
      this.#append(chunk).then(
        () => {
          done();
          this.#hand();
        },
        (error: Error) => {
          if (!this.destroyed) done(error);
        },
      );
      return;
    }
    this.#wait(chunk, done);
  }

  /** Until something was taken out of it, or of another one. */
  #wait(chunk: Buffer, done: (error?: Error | null) => void): void {
    const again = (): void => {
      if (this.#stuck !== again) return;
      this.#stuck = null;
      this.#unwait?.();
      this.#unwait = null;
      this.#isFull = false;
      this.#put(chunk, done);
    };
    this.#stuck = again;
    this.#unwait = this.#room.wait(again);
    if (this.#isFull) return;
    this.#isFull = true;
    this.emit('full');
    this.#hand();
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#file ??= await this.#room.file();
    const file = this.#file;
    const at = this.#to;
    this.#to += chunk.length;
    for (let sent = 0; sent < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, sent, chunk.length - sent, at + sent);
      sent += bytesWritten;
    }
    this.#written = this.#to;
  }

  #hand(): void {
    if (!this.#wanted || this.#reading || this.destroyed) return;
    const chunk = this.#memory.shift();
    if (chunk !== undefined) {
      this.#held -= chunk.length;
      this.#give(chunk);
      return;
    }
    if (this.#file !== null && this.#written > this.#from) {
      this.#reading = true;
      this.#fromFile(this.#file).catch((error: Error) => this.destroy(error));
      return;
    }
    if (this.#ended && this.#to === this.#from) {
      this.#wanted = false;
      this.push(null);
    }
  }

  async #fromFile(file: FileHandle): Promise<void> {
    const length = Math.min(readSize, this.#written - this.#from);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, this.#from);
    this.#reading = false;
    if (this.destroyed) return;
    if (bytesRead === 0) throw new Error('a buffered body is shorter than it was');
    this.#from += bytesRead;
    // What is empty begins anew, so that a file does not grow with what went through it.
    if (this.#from === this.#to && this.#written === this.#to) {
      this.#room.give(this.#to);
      this.#from = 0;
      this.#to = 0;
      this.#written = 0;
    }
    this.#give(buffer.subarray(0, bytesRead));
  }

  #give(chunk: Buffer): void {
    this.#wanted = this.push(chunk);
    this.#stuck?.();
    if (this.#wanted) this.#hand();
  }
}
