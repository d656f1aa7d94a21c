/** For the option `onread` of a socket. */
export interface Reading {
  readonly onread: {
    buffer: Uint8Array | (() => Uint8Array);
    callback: (length: number, memory: Uint8Array) => boolean;
  };
}

const shared = Buffer.allocUnsafeSlow(64 * 1024);
/** What is not longer is written as text, which the system call copies from the heap: no memory outside of it is used. */
const mostText = 16 * 1024;

/**
 * Reads what comes through a tunnel into memory that all of them share, and gives on copies. Memory of its own for each
 * would cost most where nothing is said; new memory for each reading, which is what sockets do by themselves, costs more
 * than all else that is done with a message.
 */
export class TunnelIntake implements Reading {
  #take: ((bytes: Buffer) => void) | null = null;
  #write: ((text: string) => void) | null = null;

  /** From now on `take` gets what is read, and may keep it; what is short as text of one byte a letter, if `write` does. */
  begin(take: (bytes: Buffer) => void, write: ((text: string) => void) | null = null): void {
    this.#take = take;
    this.#write = write;
  }

  /** For connections that are read in another way. */
  readonly take = (bytes: Buffer): void => this.#take?.(bytes);

  readonly onread = {
    buffer: shared,
    callback: (length: number): boolean => {
      if (this.#write !== null && length <= mostText) this.#write(shared.toString('latin1', 0, length));
      else this.#take?.(Buffer.from(shared.subarray(0, length)));
      return true;
    },
  };
}

/** An answer of 64 KiB fits in with its head. */
const size = 80 * 1024;

/**
 * The memory that one connection reads into. It is used again and again as long as what was read has left by then; new
 * memory for each reading costs more than all else that is done with an answer.
 */
export class Intake implements Reading {
  #memory: Buffer | null = null;
  #take: ((bytes: Buffer) => boolean) | null = null;

  /** From now on `take` gets what is read, and tells whether it needs it no more. */
  begin(take: (bytes: Buffer) => boolean): void {
    this.#take = take;
  }

  readonly onread = {
    buffer: (): Buffer => {
      this.#memory ??= Buffer.allocUnsafeSlow(size);
      return this.#memory;
    },
    callback: (length: number, memory: Uint8Array): boolean => {
      const bytes = Buffer.from(memory.buffer, memory.byteOffset, length);
      if (this.#take?.(bytes) !== true) this.#memory = null;
      return true;
    },
  };
}
