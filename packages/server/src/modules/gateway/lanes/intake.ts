/** An answer of 64 KiB fits in with its head. */
const size = 80 * 1024;

/**
 * The memory that one connection reads into. It is used again and again as long as what was read has left by then; new
 * memory for each reading costs more than all else that is done with an answer.
 */
export class Intake {
  #memory: Buffer | null = null;
  #take: ((bytes: Buffer) => boolean) | null = null;

  /** From now on `take` gets what is read, and tells whether it needs it no more. */
  begin(take: (bytes: Buffer) => boolean): void {
    this.#take = take;
  }

  /** For the option `onread` of a socket. */
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
