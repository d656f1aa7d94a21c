import { createSecureContext, type SecureContext } from 'node:tls';
import { KeptConnection } from '../../../platform/db/kept-connection.ts';
import { readPair } from '../../../platform/tls/certificate-pair.ts';
import type { CertificateSource } from '../../../platform/tls/certificate-source.ts';
import { makeChallengePair } from './certificate-making.ts';
import { type CertificateParts, places } from './certificate-parts.ts';
import type { CertificateRow, ChallengeRow } from './certificate-rows.ts';
import { certificatesStore } from './certificates-store.ts';

interface Kept {
  id: string;
  names: readonly string[];
  context: SecureContext;
  pins: readonly string[];
  expires: Date;
  managed: boolean;
  own_authority: boolean;
  /** What it was made from: a row that says the same is not opened again. */
  sealed: string;
}

export interface KeptCertificatesOptions {
  onServed?: () => void;
  onMissed?: () => void;
}

const retryMs = 1000;

/** Certificates of the database in the memory of this process, the same in all of them a moment after a change. */
export class KeptCertificates implements CertificateSource {
  readonly #parts: CertificateParts;
  readonly #options: KeptCertificatesOptions;
  readonly #listener: KeptConnection;
  #kept: readonly Kept[] = [];
  /** Those that others signed before the one that the server keeps for itself, which clients trust only if told to. */
  #tiers: readonly ReadonlyMap<string, Kept>[] = [];
  #answers = new Map<string, string>();
  #challenges = new Map<string, { answer: string; context: SecureContext }>();
  #reading: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #retry: NodeJS.Timeout | null = null;

  constructor(parts: CertificateParts, options: KeptCertificatesOptions = {}) {
    this.#parts = parts;
    this.#options = options;
    this.#listener = new KeptConnection({
      url: parts.database_url,
      name: 'atrium-certificates',
      prepare: async (client) => {
        client.on('notification', () => void this.reload());
        await client.query('listen atrium_certificates');
        await this.reload();
      },
      onError: (error) => parts.onError(error, 'listening for changes of certificates'),
    });
  }

  start(): Promise<void> {
    return this.#listener.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#listener.stop();
    await this.#reading;
  }

  contextFor(name: string): SecureContext | null {
    const kept = this.#keptFor(name);
    if (kept === null) this.#options.onMissed?.();
    else this.#options.onServed?.();
    return kept?.context ?? null;
  }

  fallback(): SecureContext | null {
    return this.#publicOne()?.context ?? null;
  }

  challengeContext(name: string): SecureContext | null {
    return this.#challenges.get(name)?.context ?? null;
  }

  challengeAnswer(token: string): string | null {
    return this.#answers.get(token) ?? null;
  }

  pins(): readonly string[] {
    return this.#publicOne()?.pins ?? [];
  }

  /** Of each that is served: a name of it, and when it ends. */
  ends(): { name: string; expires: Date }[] {
    return this.#kept.map(({ names, expires }) => ({ name: names[0]!, expires }));
  }

  /** Whether a name would get a certificate that names it. */
  covers(name: string): boolean {
    return this.#keptFor(name) !== null;
  }

  /** Resolves when a reading that began after the call is in use. */
  reload(): Promise<void> {
    if (this.#reading !== null) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  #keptFor(name: string): Kept | null {
    const dot = name.indexOf('.');
    for (const tier of this.#tiers) {
      const kept = tier.get(name) ?? (dot < 0 ? undefined : tier.get(`*${name.slice(dot)}`));
      if (kept !== undefined) return kept;
    }
    return null;
  }

  /** The one for the public name; else the one that the server keeps for itself. */
  #publicOne(): Kept | null {
    const url = this.#parts.public_url();
    const host = url === '' ? '' : new URL(url).hostname.replace(/^\[|\]$/g, '');
    return this.#keptFor(host) ?? this.#kept.find(({ managed }) => managed) ?? this.#kept[0] ?? null;
  }

  async #read(): Promise<void> {
    do {
      this.#again = false;
      if (this.#stopped) return;
      try {
        const { read } = this.#parts.database;
        const now = this.#parts.clock.now();
        this.#take(await certificatesStore.active(read));
        await this.#takeChallenges(await certificatesStore.challenges(read, now), now);
      } catch (error) {
        if (this.#stopped) return;
        this.#parts.onError(error, 'reading certificates');
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          void this.reload();
        }, retryMs).unref();
        return;
      }
    } while (this.#again);
  }

  #take(rows: readonly CertificateRow[]): void {
    const before = new Map(this.#kept.map((kept) => [kept.id, kept]));
    const kept: Kept[] = [];
    for (const row of rows) {
      const known = before.get(row.id);
      if (known !== undefined && known.sealed === row.key_sealed) kept.push(known);
      else {
        const opened = this.#open(row);
        if (opened !== null) kept.push(opened);
      }
    }
    // Rows come with those first that end last: of two for one name the fresher is served.
    const tierOf = (own: boolean): Map<string, Kept> => {
      const tier = new Map<string, Kept>();
      for (const one of kept.filter(({ own_authority }) => own_authority === own))
        for (const name of one.names) if (!tier.has(name)) tier.set(name, one);
      return tier;
    };
    this.#tiers = [tierOf(false), tierOf(true)];
    this.#kept = kept;
  }

  /** Null for one that cannot be served; the others still are. */
  #open(row: CertificateRow): Kept | null {
    try {
      const sealed = row.key_sealed!;
      const key = this.#parts.secrets.decrypt(sealed, places.certificate(row.id));
      // One that has ended meanwhile is shown all the same: a client that insists can say so to its person.
      const pair = readPair(row.chain!, key, row.not_before ?? this.#parts.clock.now());
      const { names, context, pins, expires } = pair;
      return {
        id: row.id,
        names,
        context,
        pins,
        expires,
        managed: row.managed,
        own_authority: row.issuer === 'internal',
        sealed,
      };
    } catch (error) {
      this.#parts.onError(error, `the certificate ${row.id} for ${row.names.join(', ')} cannot be served`);
      return null;
    }
  }

  async #takeChallenges(rows: readonly ChallengeRow[], now: Date): Promise<void> {
    const contexts = new Map<string, { answer: string; context: SecureContext }>();
    for (const { name, kind, answer } of rows) {
      if (kind !== 'tls-alpn-01') continue;
      const known = this.#challenges.get(name);
      if (known?.answer === answer) contexts.set(name, known);
      else {
        const { certificate: cert, key } = await makeChallengePair(name, answer, now);
        contexts.set(name, { answer, context: createSecureContext({ cert, key }) });
      }
    }
    this.#challenges = contexts;
    this.#answers = new Map(rows.filter(({ kind }) => kind === 'http-01').map(({ token, answer }) => [token, answer]));
  }
}
