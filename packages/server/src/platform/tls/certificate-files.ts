import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { ConfigProblem, TlsConfig } from '../config/config.ts';
import { watchDirectory } from '../config/directory-watch.ts';
import { type CertificatePair, covers, PairProblem, readPair } from './certificate-pair.ts';
import type { CertificateSource } from './certificate-source.ts';

/** Renewal writes two files, one after the other. */
const quietMs = 300;

type Files = Pick<TlsConfig, 'certFile' | 'keyFile'>;

const settingOf = { certificate: 'ATRIUM_TLS_CERT_FILE', key: 'ATRIUM_TLS_KEY_FILE' } as const;

const read = (of: 'certificate' | 'key', path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PairProblem(of, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
};

/** The pair in the files that the settings name. Throws PairProblem. */
export const readFiles = ({ certFile, keyFile }: Files, now: Date): CertificatePair =>
  readPair(read('certificate', certFile ?? ''), read('key', keyFile ?? ''), now);

const pathOf = ({ certFile, keyFile }: Files, of: 'certificate' | 'key'): string =>
  (of === 'certificate' ? certFile : keyFile) ?? '';

/** What is wrong with the files that the settings name; none when another mode is set. */
export const fileProblems = ({ mode, ...files }: TlsConfig, now: Date): ConfigProblem[] => {
  if (mode !== 'files') return [];
  try {
    readFiles(files, now);
    return [];
  } catch (error) {
    if (!(error instanceof PairProblem)) throw error;
    const key = settingOf[error.of];
    const path = pathOf(files, error.of);
    return [{ key, problem: `names ${path}, which ${error.message}`, example: `${key}=/etc/atrium/${error.of}.pem` }];
  }
};

export interface FileCertificatesOptions {
  /** The files as they are set now. */
  files: () => Files;
  now: () => Date;
  /** A pair is served from now on. */
  onLoaded: (pair: CertificatePair) => void;
  /** The files changed and cannot be served; what was served before still is. */
  onRefused: (problem: string) => void;
}

/** One certificate from files, read again when they change. */
export class FileCertificates implements CertificateSource {
  readonly #options: FileCertificatesOptions;
  #pair: CertificatePair;
  #refused: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #watches = new Map<string, () => void>();

  constructor(options: FileCertificatesOptions) {
    this.#options = options;
    this.#pair = readFiles(options.files(), options.now());
  }

  start(): void {
    this.#follow();
    // What changed between the first reading and the watch.
    this.reload();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const stop of this.#watches.values()) stop();
    this.#watches.clear();
  }

  contextFor(name: string): SecureContext | null {
    return covers(this.#pair.names, name) ? this.#pair.context : null;
  }

  fallback(): SecureContext {
    return this.#pair.context;
  }

  challengeContext(): null {
    return null;
  }

  challengeAnswer(): null {
    return null;
  }

  pins(): readonly string[] {
    return this.#pair.pins;
  }

  /** Reads the files that are set now. */
  reload(): void {
    const files = this.#options.files();
    this.#follow();
    try {
      const pair = readFiles(files, this.#options.now());
      this.#refused = null;
      if (pair.digest === this.#pair.digest) return;
      this.#pair = pair;
      this.#options.onLoaded(pair);
    } catch (error) {
      if (!(error instanceof PairProblem)) throw error;
      this.#refuse(`${pathOf(files, error.of)} ${error.message}`);
    }
  }

  #follow(): void {
    const { certFile, keyFile } = this.#options.files();
    const wanted = new Set([dirname(certFile ?? ''), dirname(keyFile ?? '')]);
    for (const [directory, stop] of this.#watches) {
      if (wanted.has(directory)) continue;
      stop();
      this.#watches.delete(directory);
    }
    for (const directory of wanted) {
      if (this.#watches.has(directory)) continue;
      // Any name counts: renewers put a new directory behind a link, and the files' own names never change.
      const stop = watchDirectory(
        directory,
        () => this.#later(),
        (error) => this.#refuse(`${directory} cannot be watched: ${(error as Error).message}`),
      );
      this.#watches.set(directory, stop);
    }
  }

  /** Other files may change all the time; the same thing is said once. */
  #refuse(problem: string): void {
    if (problem === this.#refused) return;
    this.#refused = problem;
    this.#options.onRefused(problem);
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.reload();
    }, quietMs).unref();
  }
}
