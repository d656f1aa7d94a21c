import { readFile, stat } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';
import { type CountryResponse, Reader } from 'mmdb-lib';

/** How often it is looked whether there is a newer database. */
const lookEveryMs = 60_000;

/** Tells the country of an address from a local database in the format MMDB. */
export class Countries {
  readonly #path: () => string | null;
  readonly #onError: (error: unknown, what: string) => void;
  #reader: Reader<CountryResponse> | null = null;
  /** What is loaded: path, time and size of the file. */
  #loaded = '';
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  constructor(path: () => string | null, onError: (error: unknown, what: string) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  async start(): Promise<void> {
    await this.refresh();
    this.#timer = setInterval(() => void this.refresh(), lookEveryMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Two letters in capitals; null for an address that the database does not place. */
  of(address: string): string | null {
    if (this.#reader === null || !ipaddr.isValid(address)) return null;
    try {
      const found = this.#reader.get(ipaddr.process(address).toString());
      return (found?.country ?? found?.registered_country)?.iso_code?.toUpperCase() ?? null;
    } catch (error) {
      this.#onError(error, 'reading the database of countries');
      return null;
    }
  }

  /** Reads the database again when it is another one. A broken one leaves that in use which was. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#read());
    return this.#turn;
  }

  async #read(): Promise<void> {
    const path = this.#path();
    if (path === null) {
      this.#reader = null;
      this.#loaded = '';
      return;
    }
    let seen = path;
    try {
      const { mtimeMs, size } = await stat(path);
      seen = `${path} ${mtimeMs} ${size}`;
      if (seen === this.#loaded) return;
      const reader = new Reader<CountryResponse>(await readFile(path));
      // Broken ones are often only found when they are used.
      reader.get('192.0.2.1');
      this.#reader = reader;
    } catch (error) {
      if (seen !== this.#loaded) this.#onError(error, `the database of countries ${path} cannot be used`);
    }
    this.#loaded = seen;
  }
}
